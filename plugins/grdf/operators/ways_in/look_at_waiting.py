"""Settling what accounts ask for, and looking whether the holders of contracts have accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.sections.status import Status
from include.gas.account.unsettled import Unsettled
from include.gas.documents.gas_days import Document, dag_id
from include.gas.errors import ODD_DOCUMENT, OF_CLIENT, BadAccount, GasError, QuotaWait, RetryLater, what_is_odd

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.hooks.adict import AdictHook
    from include.gas.rights.meter_rights import Meter

STARTED = 1000
"""Accounts whose runs one look may start: Airflow maps at most 1,024 tasks (``[core] max_map_length``)."""

MOST_FAILED = 5
"""Accounts for which GRDF or CouchDB fails. After that it is down."""


class LookAtWaitingOperator(GrdfOperator):
    """Asks GRDF for the rights that wait for an answer, all of a client in one call, and takes in what was asked for.

    GRDF sends no notice of a holder's answer. While something is new, every run looks; then the first of each hour
    does, and after a week one a day. A run that a person starts looks in any case.
    """

    def perform(self, context: Context) -> list[str]:
        """Run the task.

        :return: the DAGs of accounts with a meter that may be read now and could not be before
        :raises GasError: if GRDF did not answer and no account begins to be read. With several clients, what waits for
            a client's calls is left to the next run
        """
        run, now = Run.of(context), datetime.now(UTC)
        clients: dict[str, list[tuple[Unsettled, bool]]] = {}
        for found in filter(None, map(Unsettled.of, self.accounts.listed())):
            try:
                client = self.adict.of(found.document).grdf_conn_id
                clients.setdefault(client, []).append((found, not run.is_scheduled or found.is_due(run.due, now)))
            except BadAccount as error:
                self.log.error("%s It waits on.", error)
        begun: list[str] = []
        failures: list[GasError] = []
        asked = [name for name, accounts in clients.items() if any(is_due for _, is_due in accounts)]
        for name in asked:
            try:
                self._settle(self.adict.named(name), clients[name], begun)
            except GasError as error:
                self.log.error("%s: %s", name, error)
                failures.append(error)
        if not asked:
            raise AirflowSkipException("Nothing has to be settled or looked for now: GRDF was not asked.")
        if len(self.clients()) > 1:
            # A run that waits for one client's calls would keep the next ones, which come in a quarter of an hour, from
            # looking for the others' answers.
            failures = [error for error in failures if not isinstance(error, QuotaWait)]
        if failures and not begun:
            raise failures[0]
        self.log.info("%d account(s) were looked at; %d begin to be read.", sum(map(len, clients.values())), len(begun))
        return begun

    def _settle(self, client: AdictHook, accounts: Sequence[tuple[Unsettled, bool]], begun: list[str]) -> None:
        """Settle what is to be settled of a client's accounts.

        :param accounts: each with whether what it asks for is taken in now; rights are looked for of all
        :param begun: the DAGs of accounts that begin to be read, to which this adds
        :raises GasError: if GRDF does not answer
        """
        from grdf.ledger.looking import look

        wanted = {pce for each, _ in accounts for pce in each.meters}
        declared = {
            pce: (str(each.document["_id"]), each.declaration)
            for each, _ in accounts for pce in each.meters if each.declaration
        }  # fmt: skip
        meters = look(self.ledger, client, wanted, declared=declared).meters
        failed = 0
        for each, is_due in accounts:
            if len(begun) == STARTED:
                self.log.info("The next run settles the others: %d accounts begin to be read now.", STARTED)
                return
            name = str(each.document["_id"])
            try:
                after = self._settle_one(client, name, each, meters, is_due=is_due)
            except OF_CLIENT:
                raise
            except (GasError, *ODD_DOCUMENT) as error:
                self.log.warning("Account %s is not settled. %s", name, what_is_odd(error))
                failed += isinstance(error, RetryLater)
                if failed == MOST_FAILED:
                    raise
            else:
                if _open(after) - _open(each.document):
                    self.log.info("Account %s: its right is in force; it is read from now on.", name)
                    begun.append(dag_id(name))

    def _settle_one(
        self, client: AdictHook, name: str, each: Unsettled, meters: Mapping[str, Meter], *, is_due: bool
    ) -> Document:
        """Take in what an account asks for, or write to it what its rights mean now. Return its document."""
        from grdf.ledger.taking_in import TakingIn

        if each.intends and is_due:
            return TakingIn(self.couchdb, client, name).take_in(declares=False)
        known = [meters[pce] for pce in each.meters if pce in meters]
        return self.accounts.update(name, partial(self.ledger.settled, meters=known), known=each.document)


def _open(document: Document) -> set[str]:
    return {held.pce for held in Status.held(document).values() if held.is_open}
