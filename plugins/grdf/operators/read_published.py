"""The monthly reading of all accounts: billing periods, contracts, and how often GRDF reads a meter."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.account import stop_if_leaving
from include.gas.account.sections.client import client_if_known
from include.gas.account.sections.status import Status
from include.gas.days.asked_days import is_whole_due
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import (
    ODD_DOCUMENT,
    AccountLeaving,
    BadAccount,
    FailNow,
    GasError,
    QuotaExceeded,
    RetryLater,
    what_is_odd,
)
from include.gas.rights.meter_rights import Held

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.documents.gas_days import Document

IN_A_ROW = 5
"""After this many failures of GRDF or CouchDB in a row there is no point in continuing now."""


class ReadPublishedOperator(GrdfOperator):
    """Reads what GRDF published about every account's meters, their contract, and how often they are read.

    Each meter is due once in three to four weeks, and at once under a new right. An account that fails stays due and
    does not stop the others. If the quota is used up, the task waits. Each try has an order of its own, so that some
    accounts that always fail do not keep those behind them from ever being read.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :param context: its param ``accounts`` names accounts to read now, whether they are due or not
        :return: counts of meters, periods new, corrected and removed, and accounts left unchanged
        :raises GasError: what most needs another try or a person, after reading all others
        """
        run = Run.of(context)
        named = run.named_accounts("Nothing was read. Enter account ids, or none for all that are due.")
        self._since, self._counts = run.due if named else None, Counter[str]()
        accounts = self.couchdb.fetch(ACCOUNT, named) if named else self._due()
        by_client: dict[str, list[str]] = defaultdict(list)
        for account_id in _mixed(run, named or accounts):
            by_client[client_if_known(accounts.get(account_id, {}))].append(account_id)
        problems = [problem for of_client in by_client.values() for problem in self._read_all(of_client)]
        counts = {what: number for what, number in self._counts.items() if number}
        self.log.info("Read: %s.", ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing is due")
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)  # what was read is no longer due
        return counts

    def _due(self) -> dict[str, Document]:
        """Return the accounts with a meter that is due by what they say of it themselves, by id."""
        return {
            document["_id"]: document
            for document in self.accounts.listed()
            if any(self._is_due(document, held) for held in Status.held(document).values())
        }

    def _is_due(self, document: Mapping[str, object], held: Held) -> bool:
        """Return whether a meter is to be read: as ``extract`` reads everything, or as a person has asked for it.

        That person may have had to wait, so what was read since is not read again.
        """
        billing = Status.billing_of(document, held.pce)
        if self._since is not None:
            return bool(held.days) and billing.read_at < utc_text(self._since)
        today = paris_today(datetime.now(UTC))
        return bool(held.days) and is_whole_due(str(document["_id"]), billing.last_read(held), today)

    def _read_all(self, accounts: Iterable[str]) -> Iterator[GasError]:
        """Read accounts of one client at GRDF, and yield what fails. What concerns all of them ends it."""
        in_a_row = 0
        for account_id in accounts:
            try:
                self._read(account_id)
                in_a_row = 0
            except (AccountLeaving, BadAccount, *ODD_DOCUMENT) as error:
                self._counts["unchanged"] += 1
                self.log.warning("Account %s is left unchanged: %s", account_id, what_is_odd(error))
            except GasError as error:
                self.log.warning("%s", error)
                yield error
                in_a_row += 1
                if isinstance(error, (FailNow, QuotaExceeded)) or in_a_row == IN_A_ROW:
                    return

    def _read(self, account_id: str) -> None:
        from grdf.meters.monthly_reading import MonthlyReading

        document = self.accounts.document(account_id)  # read again: the list may be hours old
        account, client = self.ledger.account(document), self.adict.of(document)
        stop_if_leaving(account)
        problems: list[RetryLater] = []
        for held in account.meters:
            if self._is_due(document, held):
                reading = MonthlyReading(
                    self.couchdb, self.accounts, self.ledger, client, self.log, self._counts, account_id, held.pce
                )
                try:
                    reading.read(document, held)
                except QuotaExceeded:
                    raise
                except RetryLater as error:
                    problems.append(error)
        if problems:
            raise problems[0]


def _mixed(run: Run, accounts: Iterable[str]) -> list[str]:
    """Return accounts in an order that is another one in each try."""

    def place(account: str) -> bytes:
        return blake2b(f"{run.id} {run.try_number} {account}".encode(), digest_size=8).digest()

    return sorted(accounts, key=place)
