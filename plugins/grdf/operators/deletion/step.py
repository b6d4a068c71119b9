"""What the steps of a deletion have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRescheduleException

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.own_meters import named_in
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.rights.declaration import Declaration, names_person
from include.gas.answers.access_rights import is_pce
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT, DATA, METER
from include.gas.documents.gas_days import account_range, dag_id
from include.gas.errors import BadAccount, BadRequest, StoreBusy
from include.gas.leaving.deletion_plan import divide, forget
from include.gas.leaving.deletion_record import Order, is_open, noted, open_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from grdf.stores.removal import Remover
    from include.gas.rights.meter_rights import Meter, Right

Document = dict[str, Any]

TRIES = 10


class DeletionOperator(AccountOperator):
    """A task of the DAG ``grdf_delete_account``, whose account comes from the form.

    :param account_id: the account's id (templated); the form's by default
    """

    def __init__(self, *, account_id: str = "{{ params.account }}", **kwargs: Any) -> None:
        super().__init__(account_id=account_id, **kwargs)

    @cached_property
    def remover(self) -> Remover:
        """Removes documents as an administrator of CouchDB. No other part of a deletion needs these rights."""
        from grdf.stores.removal import purger

        return purger(self.couchdb)

    def declared(self, document: Mapping[str, Any]) -> dict[str, tuple[str, Declaration]]:
        """Return what is to be declared for the account, by meter, as :func:`grdf.ledger.looking.look` takes it."""
        given = Declaration.of(document) if names_person(document) else None
        pce = "".join(given.pce.split()) if given else ""
        return {pce: (self.account_id, given)} if given and is_pce(pce) else {}

    def meters(self, document: Mapping[str, Any]) -> list[Meter]:
        """Return the meters to which the household has or had a right, and those that its document names.

        :param document: the account's document; an empty one if it is gone
        """
        named = list(self.declared(document))
        with suppress(BadAccount):
            named += [pce for pce, _ in named_in(document, self.account_id)]
        found = {meter.pce: meter for meter in self.ledger.of_account(self.account_id)}
        return list((self.ledger.fetch(named) | found).values())

    def look(self, document: Mapping[str, Any]) -> list[Meter]:
        """Ask GRDF for the rights to these meters, note its answer in the ledger, and return them as they are then."""
        from grdf.ledger.looking import look

        pces, client = [meter.pce for meter in self.meters(document)], self.adict.of(document)
        found = look(self.ledger, client, pces, account=self.account_id, declared=self.declared(document))
        return list(found.meters.values())

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
        """Give up the slot while a task of the account's DAG is running. Tasks that start after the mark do nothing."""
        states = ["running", "restarting"]
        if running := context["ti"].get_ti_count(dag_id=dag_id(self.account_id), states=states):
            self.log.info("Account %s: waiting for %d running task(s) of its DAG to end.", self.account_id, running)
            moment = datetime.now(UTC) + timedelta(seconds=10)
            raise AirflowRescheduleException(moment)  # type: ignore[no-untyped-call]  # untyped in Airflow

    def stop_unless_asked(self, params: Mapping[str, Any], *, dry_run: bool = False) -> None:
        """Raise an error if the form is no order to delete this account.

        Anyone who may edit a DAG's runs can mark earlier steps as successful, or clear one alone.

        :param params: the values of the form
        :param dry_run: whether it may be one for a dry run
        :raises BadRequest: if it is not
        """
        if params["confirm"] != self.account_id or not (dry_run or is_real_run(params)):
            raise BadRequest.about(
                self.account_id,
                f"this run does not ask for its deletion: the confirmation says {params['confirm']!r:.140}, dry run is "
                f"{params['dry_run']!r:.40}",
                "Nothing was done. Start grdf_delete_account again, and enter the account's id twice.",
            )

    def stop_unless_approved(self, order: Order) -> None:
        """Raise an error if the settings require an approval of this order, and there is none that is valid.

        :raises BadRequest: in that case
        """
        by_one_person = settings.deletion_by_one_person()
        if settings.deletion_needs_approval() and not order.is_approved(datetime.now(UTC), by_one_person=by_one_person):
            raise BadRequest.about(
                self.account_id,
                "nobody has approved this run in its current form and since it was last started, or the approval "
                "is too old",
                "Nothing was done. Start grdf_delete_account again: it continues where the former one stopped.",
            )

    def stop_if_other(self, context: Context, entry: Mapping[str, Any]) -> None:
        """Raise an error if another run carries out the deletion.

        A run that has ended has failed or was killed, and this run takes over. The same applies to a run that Airflow
        no longer knows, so runs are counted.

        :param entry: the record
        :raises BadRequest: if that run has not ended
        """
        if not is_open(entry) or entry["run"] == Run.of(context).id:
            return
        going_on = ["running", "queued", "restarting"]
        if context["ti"].get_dr_count(context["dag"].dag_id, run_ids=[entry["run"]], states=going_on):
            raise BadRequest.about(
                self.account_id,
                f"another deletion of it is running, started by {entry['asked_by']} (run {entry['run']})",
                "This run did nothing. Wait for that run to end, and start this again only if it fails.",
            )

    def permitted(self, run: Run) -> Document:
        """Return the record of the deletion that this run carries out, if it may.

        The record decides, not the states of the earlier tasks, which can be changed in Airflow.

        :raises BadRequest: if this run has not started the deletion, nobody has approved it, or another run has taken
            over
        """
        entry = self.entry()
        order = noted(entry, self.order(run))
        if (entry.get("run"), entry.get("started")) != (order.run, order.started):
            raise BadRequest.about(
                self.account_id,
                "this run has not started a deletion of it, or another run has taken over",
                "Nothing was done. Start grdf_delete_account again.",
            )
        self.stop_unless_approved(order)
        return entry

    def order(self, run: Run, rights: Iterable[str] = ()) -> Order:
        """Return what this run asks for.

        :param rights: GRDF's ids of the rights whose revocation is to be approved
        """
        started, keep_data = utc_text(run.started) if run.started else "", bool(run.params["keep_data"])
        return Order(run=run.id, started=started, asked_by=run.asked_by, keep_data=keep_data, rights=sorted(rights))

    def entry(self) -> Document:
        """Return the open record of the account's deletion, or a new one."""
        return open_record(self.account_id, self.couchdb.range(AUDIT, *account_range(self.account_id)))

    def record(self, change: Callable[[Document], Document]) -> Document:
        """Change the record of this deletion, and return it.

        :param change: returns the new record for the stored one; called once per try
        """
        for _ in range(TRIES):
            entry = self.entry()
            new = change(entry)
            if new == entry or self.couchdb.put(AUDIT, new):
                return new
        raise StoreBusy.about(self.account_id, f"others changed the record of its deletion {TRIES} times in a row")


def is_real_run(params: Mapping[str, Any]) -> bool:
    """Return whether the form asked for more than a dry run.

    :param params: the values of the form
    """
    return params["dry_run"] is False
