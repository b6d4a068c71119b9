"""What the steps of a deletion have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import msgspec
from airflow.sdk.exceptions import AirflowRuntimeError
from httpx import HTTPError

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.own_meters import named_in
from include.gas.account.sections.marks import Leaving, leaving
from include.gas.account.sections.rights.declaration import Declaration, names_person
from include.gas.answers.access_rights import is_pce
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA, METER
from include.gas.documents.gas_days import ACCOUNT_ID, account_range, dag_id
from include.gas.errors import BadAccount, BadRequest, ServiceUnavailable, StoreBusy
from include.gas.leaving.approval import Order, approval_id, holds
from include.gas.leaving.deletion_plan import divide, forget
from include.gas.leaving.deletion_record import audit_entry, is_of, is_open, last_taker

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from grdf.stores.removal import Remover
    from include.gas.rights.meter_rights import Meter, Right

Document = dict[str, Any]

GOING_ON = ["running", "restarting", "deferred"]


class DeletionOperator(AccountOperator):
    """A task of the DAG ``grdf_delete_account``, whose account comes from the form.

    :param account_id: the account's id (templated); the form's by default
    :param patience: seconds to wait in one try for running tasks of the account's DAG, in steps that wait for them
    """

    template_fields: Sequence[str] = ("account_id",)

    def __init__(self, *, account_id: str = "{{ params.account }}", patience: float = 600, **kwargs: Any) -> None:
        super().__init__(account_id=account_id, **kwargs)
        self.patience = patience

    @cached_property
    def remover(self) -> Remover:
        """Removes documents as an administrator of CouchDB. No other part of a deletion needs these rights."""
        from grdf.stores.removal import purger

        return purger(self.couchdb)

    def document(self) -> Document | None:
        """Return the account's document, or ``None`` if an earlier try has removed it.

        :raises ServiceUnavailable: if the database of accounts does not exist: restoring it would bring the account
            back
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

    def meters(self, document: Mapping[str, Any]) -> list[Meter]:
        """Return the meters to which the household has or had a right, and those that its document names.

        :param document: the account's document; an empty one if it is gone
        """
        named = [given.pce] if (given := _declaration(document)) else []
        with suppress(BadAccount):
            named += [pce for pce, _ in named_in(document, self.account_id)]
        found = {meter.pce: meter for meter in self.ledger.of_account(self.account_id)}
        return list((self.ledger.fetch(named) | found).values())

    def look(self, document: Mapping[str, Any]) -> list[Meter]:
        """Ask GRDF for the rights to these meters, note its answer in the ledger, and return them as they are then."""
        from grdf.ledger.looking import look

        pces, given = [meter.pce for meter in self.meters(document)], _declaration(document)
        if not pces:
            return []
        declared = {given.pce: (self.account_id, given)} if given and names_person(document) else None
        client = self.adict.of(document)
        return list(look(self.ledger, client, pces, account=self.account_id, declared=declared).meters.values())

    def own_rights(self, meters: Iterable[Meter]) -> tuple[list[tuple[str, Right]], dict[str, str]]:
        """Return the household's own rights to its meters, and why the others stay, see :func:`divide`."""
        used: set[str] = set()
        for other in self.accounts.every_of_ours():
            if other["_id"] != self.account_id and leaving(other) is None:
                with suppress(BadAccount):
                    used |= {right for _, right in named_in(other, str(other["_id"]))}
        return divide(meters, self.account_id, used)

    def leave_meters(self, meters: Iterable[Meter]) -> None:
        """Take the household's rights out of the ledger, and remove each meter to which nobody has a right then."""
        for meter in meters:
            kept = self.ledger.apply(meter.pce, partial(forget, account=self.account_id))
            if kept.rev and not kept.rights:
                self.remover.remove_revisions(METER, {kept.pce: kept.rev})

    def documents(self) -> dict[str, dict[str, str]]:
        """Return the account's documents, their revisions by id for each doctype."""
        from grdf.stores.removal import Remover

        reader, keys = Remover(self.couchdb), account_range(self.account_id)  # the ordinary login, as all others read
        return {doctype: reader.revisions(doctype, *keys) for doctype in DATA}

    def everything(self) -> dict[str, dict[str, str]]:
        """As :meth:`documents`, with those that name the account under ids of their own."""
        from grdf.stores.strays import find_strays

        strays = find_strays(self.couchdb, self.account_id)
        return {doctype: rows | strays.get(doctype, {}) for doctype, rows in self.documents().items()}

    def wait_for_running(self, context: Context) -> None:
        """Wait until no task of the account's DAG is running. Tasks that start after the mark do nothing.

        :raises StoreBusy: if one is still running after :attr:`patience`
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
        """Return the record of an unfinished deletion of this account, or ``None`` if there is none."""
        return self._newest_record(is_open)

    def known_record(self, run: Run) -> Document | None:
        """Return the record that this run has created or continues, or ``None`` if there is none yet."""
        return self._newest_record(lambda record: is_of(record, run.id)) or self.open_record()

    def _newest_record(self, fits: Callable[[Document], bool]) -> Document | None:
        records = filter(fits, self.couchdb.range(AUDIT, *account_range(self.account_id)))
        return max(records, key=lambda record: str(record["asked_at"]), default=None)

    def stop_unless_asked(self, run: Run) -> None:
        """Raise an error if Airflow runs this step although the form did not ask for a deletion.

        Anyone who may edit a DAG's runs can mark earlier steps as successful, or clear this one alone.

        :raises BadRequest: if the form is no order to delete this account
        """
        params = run.params
        if not is_real_run(params) or params["confirm"] != self.account_id or not ACCOUNT_ID.fullmatch(self.account_id):
            raise BadRequest.about(
                self.account_id,
                "this run does not ask for its deletion",
                "Nothing was done. Start grdf_delete_account again.",
            )

    def permitted(self, run: Run) -> Document:
        """Return the record of the deletion that this run carries out, if it may.

        The record decides, not the states of the earlier tasks.

        :raises BadRequest: if this run has not started the deletion, nobody has approved it, or another run has taken
            over
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
        """Raise an error if none of the given approvals is valid for this run in its present form.

        :raises BadRequest: if none is valid and the settings require one
        """
        if settings.deletion_needs_approval() and not any(holds_now(run, each) for each in given):
            raise BadRequest.about(
                self.account_id,
                "nobody has approved this run in its current form and since it was last started, or the approval "
                "is too old",
                "Nothing was done. Start grdf_delete_account again: it continues where the former one stopped.",
            )

    def forget_approval(self, run: Run) -> None:
        """Remove the approval of a run, because the record contains it or it is not used."""
        given = self.couchdb.get(AUDIT, approval_id(self.account_id, run.id))
        if given is not None:  # without purging: its tombstone reveals no more than the record
            self.couchdb.write(AUDIT, [{"_id": given["_id"], "_rev": given["_rev"], "_deleted": True}])

    def stop_if_over(self, record: Mapping[str, Any]) -> None:
        """Raise an error if this step is cleared after its deletion has ended: the account may be connected again.

        :raises BadRequest: if it has ended
        """
        if record.get("finished_at"):
            raise BadRequest.about(
                self.account_id,
                f"this deletion of it ended on {record['finished_at']}",
                "Nothing was done. To delete it again, start grdf_delete_account again.",
            )

    def record(self, run: Run, change: Callable[[Document], Document]) -> Document:
        """Change the record of this deletion.

        It is created on first use; a run that resumes continues the one it found.

        :param change: returns the new record for the stored one
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


def _declaration(document: Mapping[str, Any]) -> Declaration | None:
    """Return what an account's document declares or has declared; ``None`` if it names no meter."""
    given = Declaration.of(document)
    pce = "".join(given.pce.split()) if given else ""
    return msgspec.structs.replace(given, pce=pce) if given and is_pce(pce) else None


def is_real_run(params: Mapping[str, Any]) -> bool:
    """Return whether the form asked for more than a dry run.

    :param params: the values of the form
    """
    return params["dry_run"] is False


def order(run: Run) -> Order:
    """Return what this run does, and for whom, to compare it with an approval."""
    started = utc_text(run.started) if run.started else ""
    return Order(run.id, started, run.asker, keep_data=bool(run.params.get("keep_data")))


def holds_now(run: Run, given: Mapping[str, Any]) -> bool:
    """Return whether an approval is valid for this run in its present form.

    :param given: the approval
    """
    return holds(given, order(run), now=datetime.now(UTC), by_one_person=settings.deletion_by_one_person())


def stop_if_other(context: Context, account_id: str, mark: Leaving | None) -> None:
    """Raise an error if another deletion of the same account is still in progress.

    A run that has ended has failed or was killed, and this run takes over. The same applies to a run that Airflow no
    longer knows.

    :param mark: the deletion that last worked on the account, from its document or from the open record
    :raises BadRequest: if that is another deletion which is still running
    :raises ServiceUnavailable: if Airflow does not say
    """
    if mark is None or mark.run == Run.of(context).id:
        return
    # Counted instead of looked up, so that a run that Airflow no longer knows is no error, however this task is run.
    try:
        going_on = context["ti"].get_dr_count(
            context["dag"].dag_id, run_ids=[mark.run], states=["running", "queued", "restarting"]
        )
    except (AirflowRuntimeError, HTTPError) as error:  # the first in a worker, the second in ``airflow dags test``
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
