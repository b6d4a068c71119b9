"""What the steps of a deletion share."""

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
from include.gas.account.status import named_meters
from include.gas.answers.access_rights import is_pce
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document, account_range, dag_id
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA
from include.gas.errors import BadAccount, BadRequest
from include.gas.leaving.deletion import DeletionOrder, divide_rights, is_open, open_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk import Context

    from grdf.stores.removal import Remover
    from include.gas.rights.meter_rights import Meter, Right


class DeletionOperator(AccountOperator):
    """A task of the DAG ``grdf_delete_account``, with the account of the form."""

    # -- what there is of the household ------------------------------------------------------------------------------

    @cached_property
    def remover(self) -> Remover:
        """Removes documents as an administrator of CouchDB, which only a deletion needs."""
        from grdf.stores.removal import purger

        return purger(self.couchdb)

    def all_meters(self, document: Mapping[str, Any]) -> list[Meter]:
        """Return the meters to which the household has or had a right, and those that its document names."""
        given = _declaration_of_meter(document)
        named = [given.pce] if given else []
        with suppress(BadAccount):
            named += [pce for pce, _ in named_meters(document, self.account_id)]
        found = {meter.pce: meter for meter in self.ledger.meters_of_account(self.account_id)}
        return list((self.ledger.fetch_meters(named) | found).values())

    def query_meters(self, document: Mapping[str, Any]) -> list[Meter]:
        """Ask GRDF for the rights to these meters, and return them with its answer noted."""
        from grdf.ledger.account_intake import AccountIntake

        rights = AccountIntake(self.couchdb, self.adict.for_account(document), self.account_id)
        found = rights.query_rights(meter.pce for meter in self.all_meters(document))
        if given := _declaration_of_meter(document):
            rights.adopt_declared_right(given, found, chosen=False)
        return list(rights.meters.values())

    def own_rights(self, meters: Iterable[Meter]) -> tuple[list[tuple[str, Right]], dict[str, str]]:
        """Return the household's own rights, and why others stay, see :func:`divide_rights`."""
        used: set[str] = set()
        for other in self.accounts.active_documents():
            if other["_id"] != self.account_id:
                with suppress(BadAccount):
                    used |= {right for _, right in named_meters(other, str(other["_id"]))}
        return divide_rights(meters, self.account_id, used)

    def documents(self) -> dict[str, dict[str, str]]:
        """Return the account's documents, revisions by id and doctype."""
        from grdf.stores.removal import Remover

        reader, keys = Remover(self.couchdb), account_range(self.account_id)  # the ordinary login, as all others read
        return {doctype: reader.revisions(doctype, *keys) for doctype in DATA}

    def wait_for_running(self, context: Context) -> None:
        """Give up the slot while a task of the account's DAG runs. Tasks that start after the mark do nothing."""
        states = ["running", "restarting"]
        if running := context["ti"].get_ti_count(dag_id=dag_id(self.account_id), states=states):
            self.log.info("Account %s: waiting for %d running task(s) of its DAG to end.", self.account_id, running)
            moment = datetime.now(UTC) + timedelta(seconds=10)
            raise AirflowRescheduleException(moment)  # type: ignore[no-untyped-call]  # untyped in Airflow

    # -- the record, which decides what a run may do: states of tasks can be edited ----

    def read_record(self) -> Document:
        """Return the open record of the account's deletion, or a new one."""
        return open_record(self.account_id, self.couchdb.range(AUDIT, *account_range(self.account_id)))

    def change_record(self, change: Callable[[Document], Document]) -> Document:
        """Change the record of this deletion, and return it."""
        from grdf.stores.compare_and_swap import change_document

        return change_document(self.couchdb, AUDIT, self.read_record, change, account=self.account_id)

    def note_facts(self, run: Run, **facts: object) -> Document:
        """Note facts on the record of the deletion that this run carries out, and return it; ``BadRequest`` if not."""

        def change(entry: Document) -> Document:
            self.check_permission(run, entry)
            return entry | facts

        return self.change_record(change)

    def check_permission(self, run: Run, entry: Document, *, begins: bool = False) -> DeletionOrder:
        """Return what this run asks for.

        :param begins: whether it begins now; otherwise it must carry out the deletion already
        :raises BadRequest: without a valid approval, or if another run carries it out
        """
        order, by_one_person = read_order(run).with_approval_from(entry), settings.deletion_by_one_person()
        is_approved = order.is_approved(by_one_person=by_one_person) or not settings.deletion_needs_approval()
        if not is_approved or not (begins or order.matches(entry)):
            raise BadRequest.about(
                self.account_id,
                "nobody has approved this run in its current form and since it was last started, or another run has "
                "taken over",
                "This run did nothing more. Start grdf_delete_account again only if no other run is at work: it "
                "continues where the former one stopped.",
            )
        return order

    def check_request(self, run: Run) -> tuple[Document, Document | None]:
        """Return record and document (``None`` if gone); ``BadRequest`` or ``BadAccount`` for a wrong id.

        An account whose document is gone can be deleted as long as the ledger has rights of it: it may have been lost,
        or removed by hand.
        """
        if (confirmed := run.params["confirm"]) != self.account_id:
            raise BadRequest.about(
                self.account_id,
                f"this run does not ask for its deletion: the confirmation says {confirmed!r:.140}",
                "Nothing was done. Start grdf_delete_account again, and enter the account's id twice.",
            )
        entry, document = self.read_record(), self.couchdb.get(ACCOUNT, self.account_id)
        is_ours = document is not None and document.get("account_type") == ACCOUNT_TYPE
        is_left_over = document is None and (is_open(entry) or bool(self.ledger.meters_of_account(self.account_id)))
        if not is_ours and not is_left_over:
            raise BadAccount.about(
                self.account_id,
                f"there is no such account of the type {ACCOUNT_TYPE}, and no unfinished deletion of it",
                "Nothing was done. Look up the id on the page Gas accounts.",
            )
        return entry, document


def read_order(run: Run) -> DeletionOrder:
    """Return what a run asks for, without its approval."""
    started = utc_text(run.started) if run.started else ""
    return DeletionOrder(run=run.id, started=started, asked_by=run.asked_by, keep_data=bool(run.params["keep_data"]))


def is_real_run(params: Mapping[str, Any]) -> bool:
    """Return whether the form asked for more than a dry run."""
    return params["dry_run"] is False


def _declaration_of_meter(document: Mapping[str, Any]) -> Declaration | None:
    """Return an account's current or former declaration, if it names a meter."""
    given = Declaration.from_document(document)
    return given if given and is_pce(given.pce) else None
