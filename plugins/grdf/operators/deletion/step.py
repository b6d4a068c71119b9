"""What the steps of a deletion have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRescheduleException

from grdf import settings
from grdf.airflow.tasks.run import Run
from grdf.operators.base import AccountOperator
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.declaration import Declaration
from include.gas.account.status import named_in
from include.gas.answers.access_rights import is_pce
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA
from include.gas.documents.gas_days import Document, account_range, dag_id
from include.gas.errors import BadAccount, BadRequest
from include.gas.leaving.deletion import Order, divide, is_open, open_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from grdf.stores.removal import Remover
    from include.gas.rights.meter_rights import Meter, Right


class DeletionOperator(AccountOperator):
    """A task of the DAG ``grdf_delete_account``, whose account comes from the form."""

    # -- what there is of the household ------------------------------------------------------------------------------

    @cached_property
    def remover(self) -> Remover:
        """Removes documents as an administrator of CouchDB. No other part of a deletion needs these rights."""
        from grdf.stores.removal import purger

        return purger(self.couchdb)

    def meters(self, document: Mapping[str, Any]) -> list[Meter]:
        """Return the meters to which the household has or had a right, and those that its document names.

        :param document: the account's document; an empty one if it is gone
        """
        given = _to_declare(document)
        named = [given.pce] if given else []
        with suppress(BadAccount):
            named += [pce for pce, _ in named_in(document, self.account_id)]
        found = {meter.pce: meter for meter in self.ledger.of_account(self.account_id)}
        return list((self.ledger.fetch(named) | found).values())

    def asked_meters(self, document: Mapping[str, Any]) -> list[Meter]:
        """Ask GRDF for the rights to these meters, note its answer in the ledger, and return them as they are then."""
        from grdf.ledger.taking_in import TakingIn

        rights = TakingIn(self.couchdb, self.adict.of(document), self.account_id)
        found = rights.look(meter.pce for meter in self.meters(document))
        if given := _to_declare(document):
            rights.take_up(given, found, chosen=False)
        return list(rights.meters.values())

    def own_rights(self, meters: Iterable[Meter]) -> tuple[list[tuple[str, Right]], dict[str, str]]:
        """Return the household's own rights to its meters, and why the others stay, see :func:`divide`."""
        used: set[str] = set()
        for other in self.accounts.listed():
            if other["_id"] != self.account_id:
                with suppress(BadAccount):
                    used |= {right for _, right in named_in(other, str(other["_id"]))}
        return divide(meters, self.account_id, used)

    def documents(self) -> dict[str, dict[str, str]]:
        """Return the account's documents, their revisions by id for each doctype."""
        from grdf.stores.removal import Remover

        reader, keys = Remover(self.couchdb), account_range(self.account_id)  # the ordinary login, as all others read
        return {doctype: reader.revisions(doctype, *keys) for doctype in DATA}

    def wait_for_running(self, context: Context) -> None:
        """Give up the slot while a task of the account's DAG is running. Tasks that start after the mark do nothing."""
        states = ["running", "restarting"]
        if running := context["ti"].get_ti_count(dag_id=dag_id(self.account_id), states=states):
            self.log.info("Account %s: waiting for %d running task(s) of its DAG to end.", self.account_id, running)
            moment = datetime.now(UTC) + timedelta(seconds=10)
            raise AirflowRescheduleException(moment)  # type: ignore[no-untyped-call]  # untyped in Airflow

    # -- the record, which decides what a run may do. Who may edit a DAG's runs can change the states of its tasks ----

    def entry(self) -> Document:
        """Return the open record of the account's deletion, or a new one."""
        return open_record(self.account_id, self.couchdb.range(AUDIT, *account_range(self.account_id)))

    def record(self, change: Callable[[Document], Document]) -> Document:
        """Change the record of this deletion, and return it.

        :param change: returns the new record for the stored one; called once per try
        """
        from grdf.stores.compare_and_swap import change_document

        return change_document(self.couchdb, AUDIT, self.entry, change, account=self.account_id)

    def note(self, run: Run, **facts: object) -> Document:
        """Note facts on the record of the deletion that this run carries out, if it may, and return the record.

        :raises BadRequest: as :meth:`permitted`
        """

        def change(entry: Document) -> Document:
            self.permitted(run, entry)
            return entry | facts

        return self.record(change)

    def permitted(self, run: Run, entry: Document, *, begins: bool = False) -> Order:
        """Return what this run asks for, if it may do it.

        :param begins: whether it begins now; otherwise it must carry out the deletion already
        :raises BadRequest: if it has no valid approval and needs one, or does not carry out the deletion
        """
        order, by_one_person = order_of(run).noted_in(entry), settings.deletion_by_one_person()
        is_approved = order.is_approved(by_one_person=by_one_person) or not settings.deletion_needs_approval()
        if not is_approved or not (begins or order.is_of(entry)):
            raise BadRequest.about(
                self.account_id,
                "nobody has approved this run in its current form and since it was last started, or another run has "
                "taken over",
                "This run did nothing more. Start grdf_delete_account again only if no other run is at work: it "
                "continues where the former one stopped.",
            )
        return order

    def checked(self, run: Run) -> tuple[Document, Document | None]:
        """Return the record of the deletion, and the account's document; ``None`` if an earlier try has removed it.

        :raises BadRequest: if the id was not typed twice
        :raises BadAccount: if there is no such account
        """
        if (confirmed := run.params["confirm"]) != self.account_id:
            raise BadRequest.about(
                self.account_id,
                f"this run does not ask for its deletion: the confirmation says {confirmed!r:.140}",
                "Nothing was done. Start grdf_delete_account again, and enter the account's id twice.",
            )
        entry, document = self.entry(), self.couchdb.get(ACCOUNT, self.account_id)
        is_ours = document is not None and document.get("account_type") == ACCOUNT_TYPE
        if not is_ours and (document is not None or not is_open(entry)):
            raise BadAccount.about(
                self.account_id,
                f"there is no such account of the type {ACCOUNT_TYPE}, and no unfinished deletion of it",
                "Nothing was done. Look up the id in the list of DAGs: it is the part after grdf_account__.",
            )
        return entry, document


def order_of(run: Run) -> Order:
    """Return what a run asks for, without its approval."""
    started = utc_text(run.started) if run.started else ""
    return Order(run=run.id, started=started, asked_by=run.asked_by, keep_data=bool(run.params["keep_data"]))


def is_real_run(params: Mapping[str, Any]) -> bool:
    """Return whether the form asked for more than a dry run.

    :param params: the values of the form
    """
    return params["dry_run"] is False


def _to_declare(document: Mapping[str, Any]) -> Declaration | None:
    """Return what is or was to be declared for an account, if it names a meter."""
    given = Declaration.of(document)
    return given if given and is_pce(given.pce) else None
