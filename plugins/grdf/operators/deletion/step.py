"""What the steps of a deletion have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError
from httpx import HTTPError

from grdf import settings
from grdf.airflow.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.sections.marks import Leaving
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA
from include.gas.documents.gas_days import ACCOUNT_ID, account_range, dag_id
from include.gas.errors import BadRequest, ServiceUnavailable, StoreBusy
from include.gas.leaving.approval import Order, holds
from include.gas.leaving.deletion_record import audit_entry, is_of, last_taker

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.stores.removal import Remover

Document = dict[str, Any]

GOING_ON = ["running", "restarting", "deferred"]


class DeletionOperator(AccountOperator):
    """A step of the DAG ``grdf_delete_account``; its account comes from the form.

    :param account_id: the account (templated); by default what the form says
    :param patience: seconds to wait in one try for running tasks of the account's DAG, where a step waits for them
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str = "{{ params.account }}", patience: float = 600, **kwargs: Any) -> None:
        super().__init__(account_id=account_id, **kwargs)
        self.patience = patience

    @cached_property
    def remover(self) -> Remover:
        """Counts and removes documents as an administrator of CouchDB, which nothing else of a deletion needs to be."""
        from grdf.hooks.couch_roles import administrator
        from grdf.stores.removal import Remover

        return Remover(administrator(self.couchdb), wholly=True)

    def document(self) -> Document | None:
        """Read the account's document, ``None`` when it is gone (a former try has removed it).

        :raises ServiceUnavailable: when the database of accounts is not there: it would come back with the account
        """
        document = self.couchdb.get(ACCOUNT, self.account_id)
        if document is None and not self.couchdb.has_database(ACCOUNT):
            raise ServiceUnavailable.about(
                self.account_id,
                f"CouchDB has no database of accounts ({ACCOUNT}), so it is not known whether the account's "
                "document is gone",
                "It is checked again automatically, and nothing continues before that. If this continues, "
                "restore the database.",
            )
        return document

    def documents_left(self) -> dict[str, int]:
        """Count the account's documents per doctype, where all others read them too: not by what removes them."""
        from grdf.stores.removal import Remover

        reader, keys = Remover(self.couchdb), account_range(self.account_id)
        return {doctype: reader.count(doctype, *keys) for doctype in DATA}

    def wait_for_running(self, context: Context) -> None:
        """Wait until no task of the account's DAG runs any more: since it is marked, none that starts does anything.

        :param context: Airflow's task context
        :raises StoreBusy: when one is still running after all that time
        """
        limit = time.monotonic() + self.patience
        while running := context["ti"].get_ti_count(dag_id=dag_id(self.account_id), states=GOING_ON):
            if time.monotonic() > limit:
                raise StoreBusy.about(
                    self.account_id,
                    f"{running} task(s) of its DAG are still running after {self.patience:.0f} s",
                    "It is tried again automatically; nothing is removed before they have ended.",
                )
            self.log.info("Account %s: waiting for %d running task(s) of its DAG to end.", self.account_id, running)
            time.sleep(2)

    def open_record(self) -> Document | None:
        """Find the record of a deletion of this account that has not finished, ``None`` when there is none."""
        records = self.couchdb.range(AUDIT, *account_range(self.account_id))
        return next((record for record in records if not record.get("finished_at")), None)

    def known_record(self, run: Run) -> Document | None:
        """Find the record that this run has made or goes on with, ``None`` when there is none yet.

        :param run: this run
        """
        records = self.couchdb.range(AUDIT, *account_range(self.account_id))
        return next((record for record in records if is_of(record, run.id)), None) or self.open_record()

    def stop_unless_asked(self, run: Run) -> None:
        """Stop a step that Airflow runs although the form did not ask for a deletion.

        Whoever may edit a DAG's runs can mark the steps before it as successful, or clear this one alone.

        :param run: this run
        :raises BadRequest: when the form is no order to delete this account
        """
        params = run.params
        if not is_real_run(params) or params["confirm"] != self.account_id or not ACCOUNT_ID.fullmatch(self.account_id):
            raise BadRequest.about(
                self.account_id,
                "this run does not ask for its deletion",
                "Nothing was done. Start grdf_delete_account again.",
            )

    def permitted(self, run: Run) -> Document:
        """Return the record of the deletion that this run carries out; stop when it may not.

        What the record says counts, not the states of the tasks before this one.

        :param run: this run
        :raises BadRequest: when this run has not begun the deletion, nobody has approved it, or another has taken over
        """
        self.stop_unless_asked(run)
        record = self.known_record(run)
        if record is None or last_taker(record).run != run.id:
            raise BadRequest.about(
                self.account_id,
                "this run has not started a deletion of it, or another run has taken over",
                "Nothing was done. Start grdf_delete_account again.",
            )
        self.stop_unless_approved(run, *record.get("approvals", []))
        return record

    def stop_unless_approved(self, run: Run, *given: Mapping[str, Any]) -> None:
        """Stop when none of some approvals is of this run as it is.

        :param run: this run
        :param given: the approvals
        :raises BadRequest: when the settings ask for one
        """
        if settings.deletion_needs_approval() and not any(holds_now(run, each) for each in given):
            raise BadRequest.about(
                self.account_id,
                "nobody has approved this run in its current form and since it was last started, or the approval "
                "is too old",
                "Nothing was done. Start grdf_delete_account again: it continues where the former one stopped.",
            )

    def stop_if_over(self, record: Mapping[str, Any]) -> None:
        """Stop a step that is cleared after its deletion has ended: the account may be connected again.

        :param record: of the deletion
        :raises BadRequest: when it has ended
        """
        if record.get("finished_at"):
            raise BadRequest.about(
                self.account_id,
                f"this deletion of it ended on {record['finished_at']}",
                "Nothing was done. To delete it again, start grdf_delete_account again.",
            )

    def record(self, run: Run, change: Callable[[Document], Document]) -> Document:
        """Change the record of this deletion, made on first use; a run that resumes goes on with the one it found.

        :param run: this run
        :param change: makes the new record from the stored one
        """
        for _ in range(10):
            found = self.known_record(run)
            entry = found or audit_entry(
                self.account_id,
                run.id,
                by=run.asked_by,
                at=datetime.now(UTC),
                keep_data=bool(run.params.get("keep_data")),
            )
            new = change(entry)
            if new == found or self.couchdb.put(AUDIT, new):
                return new
        raise StoreBusy.about(self.account_id, "others changed the record of its deletion ten times in a row")


def is_real_run(params: Mapping[str, Any]) -> bool:
    """Return whether the form asked for more than a dry run.

    :param params: what the form says
    """
    return params["dry_run"] is False


def order(run: Run) -> Order:
    """Return what this run does, and for whom.

    :param run: this run
    """
    started = utc_text(run.started) if run.started else ""
    return Order(run.id, started, run.asker, keep_data=bool(run.params.get("keep_data")))


def holds_now(run: Run, given: Mapping[str, Any]) -> bool:
    """Return whether an approval is of this run as it is.

    :param run: this run
    :param given: the approval
    """
    return holds(given, order(run), now=datetime.now(UTC), by_one_person=settings.deletion_by_one_person())


def stop_if_other(context: Context, account_id: str, mark: Leaving | None) -> None:
    """Stop when another deletion of the same account is still going on.

    A run that has ended has failed or was killed, and is taken over; so is one that Airflow does not know any more.

    :param context: Airflow's task context
    :param account_id: the account
    :param mark: which deletion was the last to work on the account, from its document or from the open record
    :raises BadRequest: when that one is another and still runs
    :raises ServiceUnavailable: when Airflow does not say
    """
    if mark is None or mark.run == Run.of(context).id:
        return
    # Counted, not looked up: a run that Airflow does not know any more is no failure then, whichever way this one runs.
    try:
        going_on = context["ti"].get_dr_count(
            context["dag"].dag_id, run_ids=[mark.run], states=["running", "queued", "restarting"]
        )
    except (AirflowRuntimeError, HTTPError) as error:  # in a worker; in ``airflow dags test``
        raise ServiceUnavailable.about(
            account_id,
            f"Airflow did not say whether an earlier deletion of it (run {mark.run}) is still running",
            "Nothing was changed. Start the deletion again.",
        ) from error
    if going_on:
        raise BadRequest.about(
            account_id,
            f"another deletion of it is running, started by {mark.by} (run {mark.run})",
            "This run did nothing. Wait for that run to end, and start this again only if it fails.",
        )
