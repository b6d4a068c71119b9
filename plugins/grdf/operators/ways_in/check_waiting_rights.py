"""Settles what accounts ask for, and looks whether holders have accepted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.pending import PendingAccount
from include.gas.account.status import Status
from include.gas.documents.day_documents import Document, dag_id
from include.gas.errors import OF_CLIENT, BadAccount, GasError, QuotaWait, RetryLater

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from include.gas.rights.meter_rights import Meter

STARTED = 1000
"""Accounts whose runs one look may start: Airflow maps at most 1,024 tasks (``[core] max_map_length``)."""

MOST_FAILED = 5
"""Failing accounts after which GRDF or CouchDB counts as down."""


class CheckWaitingRightsOperator(GrdfOperator):
    """Asks GRDF for rights that wait for an answer, one call per client, and takes in what accounts ask for.

    GRDF sends no notice of a holder's answer. New rights are looked for by every run, then by the first of each hour,
    after a week by one a day; by a manual run in any case.
    """

    def perform(self, context: Context) -> list[str]:
        """Return the DAGs of accounts with a meter that is newly readable.

        :raises GasError: if GRDF did not answer, or after all accounts for a bug
        """
        run, now = Run.from_context(context), datetime.now(UTC)
        unsettled = self._unsettled_accounts()
        due = {each.account for each in unsettled if not run.is_scheduled or each.is_due(run.due, now)}
        if not due and not self.each_account.bugs:
            raise AirflowSkipException("Nothing has to be settled or looked for now: GRDF was not asked.")
        begun, failures, of_client = list[str](), list[GasError](), self._group_by_client(unsettled)
        for client, accounts in of_client.items():
            try:
                if due & {each.account for each in accounts}:
                    self._settle(client, accounts, due, begun)
            except GasError as error:
                self.log.error("%s: %s", client.grdf_conn_id, error)
                # Waiting for one client's calls would keep the next runs, a quarter of an hour later, from the others'
                # answers.
                failures += [error] if len(self.clients()) == 1 or not isinstance(error, QuotaWait) else []
        if failures and not begun:
            raise failures[0]
        self.log.info("%d account(s) wait; %d begin to be read.", len(unsettled), len(begun))
        return begun

    def _unsettled_accounts(self) -> list[PendingAccount]:
        unsettled = list[PendingAccount]()
        for document in self.accounts.active_documents():
            with self.each_account.serve(document["_id"]):
                if pending := PendingAccount.from_document(document):
                    unsettled.append(pending)
        return unsettled

    def _group_by_client(self, unsettled: Iterable[PendingAccount]) -> dict[AdictHook, list[PendingAccount]]:
        """Return accounts by client. Those of unknown clients are named in the log."""
        found: dict[AdictHook, list[PendingAccount]] = {}
        for each in unsettled:
            try:
                found.setdefault(self.adict.for_account(each.document), []).append(each)
            except BadAccount as error:
                self.log.warning("%s", error)
        return found

    def _settle(self, client: AdictHook, accounts: Sequence[PendingAccount], due: Set[str], begun: list[str]) -> None:
        """Settle a client's accounts, of which those in ``due`` are taken in; ``begun`` gets DAGs to start."""
        from grdf.ledger.rights_query import query_rights

        meters, failed = query_rights(self.ledger, client, {pce for each in accounts for pce in each.meters}).meters, 0
        for each in accounts:
            if len(begun) == STARTED:
                self.log.info("The next run settles the others: %d accounts begin to be read now.", STARTED)
                return
            with self.each_account.serve(each.account):
                try:
                    after = self._settle_one(client, each, meters, is_due=each.account in due)
                except OF_CLIENT:
                    raise
                except GasError as error:
                    self.log.warning("Account %s is not settled. %s", each.account, error)
                    failed += isinstance(error, RetryLater)
                    if failed == MOST_FAILED:
                        raise
                    continue
                if _open(after) - _open(each.document):
                    self.log.info("Account %s: its right is in force; it is read from now on.", each.account)
                    begun.append(dag_id(each.account))

    def _settle_one(
        self, client: AdictHook, each: PendingAccount, meters: Mapping[str, Meter], *, is_due: bool
    ) -> Document:
        """Take in what an account asks for, or write to it what its rights mean now. Return its document."""
        from grdf.ledger.account_intake import AccountIntake

        if (each.declares or each.reconnects) and is_due:
            return AccountIntake(self.couchdb, client, each.account).process_account()
        event = partial(self.ledger.settle_account, meters=[meters[pce] for pce in each.meters if pce in meters])
        return self.accounts.update(each.account, event, known=each.document)


def _open(document: Document) -> set[str]:
    return {access.pce for access in Status.access_of(document).values() if access.is_open}
