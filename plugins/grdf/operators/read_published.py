"""The monthly reading of all accounts: published periods, contracts, and whether a meter can provide daily data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.operators.base import GrdfOperator
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.turns import due_of, is_first, why_it_waits
from include.gas.days.gas_day import paris_today
from include.gas.errors import (
    ODD_DOCUMENT,
    AccountLeaving,
    BadAccount,
    BadSettings,
    CredentialsRefused,
    GasError,
    QuotaExceeded,
    RetryLater,
    what_is_odd,
)
from include.gas.rights.meter_rights import Meter

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.documents.gas_days import Document

FIRST_READINGS = 200
"""How many accounts one run reads for the first time, besides those that are due. A fleet that is taken over must not
use up the day's calls (three per meter) at once; the rest follows on the next days."""

IN_A_ROW = 5
"""After this many failures of GRDF or CouchDB in a row there is no point in continuing now."""


class ReadPublishedOperator(GrdfOperator):
    """Reads what GRDF published about every account's meters, their contract, and how often they are read.

    Each account is due once a month, on a day of its own, and a new account at once. An account that fails is reported
    and stays due; it does not stop the others. If the quota is used up, the rest waits for the next run, unless a
    person has named it. Each try has an order of its own, so that accounts that always fail do not keep those behind
    them from ever being read.
    """

    def perform(self, context: Context) -> dict[str, int]:
        """Run the task.

        :param context: its param ``accounts`` names accounts to read now, whether they are due or not
        :return: counts of accounts, meters, periods new and corrected, differences, refusals and failures
        :raises GasError: if the failure concerns all accounts; otherwise the first account's failure, after reading all
            others
        """
        run = Run.of(context)
        named = run.named_accounts("Nothing was read. Enter account ids, or none for all that are due.")
        counts: Counter[str] = Counter()
        failures: list[GasError] = []
        stopped: dict[str, GasError] = {}  # why no further account of a client is read
        in_a_row: Counter[str] = Counter()
        clients = len(self.clients())
        for account_id in _mixed(run, named or self._due(run, counts)):
            if "" in stopped or len(stopped) == clients:
                break
            client, error = self._attempt(account_id, counts, stopped, since=run.due if named else None)
            if isinstance(error, CredentialsRefused | BadSettings | QuotaExceeded):
                stopped[client] = error
            elif error:
                counts["failed"] += 1
                failures.append(error)
                self.log.warning("%s", error)
            in_a_row[client] = in_a_row[client] + 1 if isinstance(error, RetryLater) else 0
            if error and in_a_row[client] == IN_A_ROW:
                stopped[client] = error
        failures += [each for each in stopped.values() if named or not self._is_put_off(each, counts)]
        self.log.info("Read: %s.", _said(counts))
        if failures:
            raise first_to_raise(failures, last_try=run.is_last_try)  # what was read is no longer due
        return dict(counts)

    def _attempt(
        self, account_id: str, counts: Counter[str], stopped: Collection[str], *, since: datetime | None
    ) -> tuple[str, GasError | None]:
        """Read an account unless its client is stopped.

        :return: the client, ``""`` if an error keeps us from knowing it, and the failure
        """
        client = ""
        try:
            document = self.accounts.document(account_id)  # read again: the list may be minutes old
            client = self.adict.of(document).grdf_conn_id
            if client not in stopped:
                self._account(document, counts, since=since)
        except AccountLeaving as error:
            counts["skipped"] += 1
            self.log.info("%s", error)
        except (BadAccount, *ODD_DOCUMENT) as error:
            counts["odd"] += 1
            self.log.warning("Account %s is left unchanged: %s", account_id, what_is_odd(error))
        except GasError as error:
            return client, error
        return client, None

    def _is_put_off(self, reason: GasError, counts: Counter[str]) -> bool:
        """Return whether a client's other accounts are left to the next run, and say so."""
        put_off = isinstance(reason, QuotaExceeded)
        if put_off:
            self.log.warning("The remaining accounts are read by the next run: %s", reason)
            counts["put_off"] += 1
        return put_off

    def _due(self, run: Run, counts: Counter[str]) -> list[str]:
        """Return the accounts that are due, and some of those that were never read."""
        today, meters = paris_today(datetime.now(UTC)), {meter.pce: meter for meter in self.ledger.every()}
        due: list[str] = []
        first: list[str] = []
        for document in self.accounts.listed():
            try:
                account = Account.from_document(document)
                own = {each.pce: meters.get(each.pce) or Meter(pce=each.pce) for each in account.meters}
                account = replace(account, meters=tuple(self.ledger.held(document, own)))
                if any(any(due_of(document, account, held, today)) for held in account.meters):
                    (first if is_first(document, account) else due).append(account.id)
            except (BadAccount, *ODD_DOCUMENT) as error:
                counts["odd"] += 1
                self.log.warning("Account %s is left unchanged: %s", document["_id"], what_is_odd(error))
        if len(first) > FIRST_READINGS:
            self.log.info(
                "%d of %d new accounts are read now; the others follow in the next days.",
                FIRST_READINGS, len(first),
            )  # fmt: skip
        return [*due, *_mixed(run, first)[:FIRST_READINGS]]

    def _account(self, document: Document, counts: Counter[str], *, since: datetime | None) -> None:
        from grdf.meters.monthly_reading import MonthlyReading

        account = self.ledger.account(document)
        stop_if_leaving(account)
        waits = why_it_waits(account)
        if waits:
            self.log.info("Account %s is not read: %s.", account.id, waits)
        client = self.adict.of(document)
        MonthlyReading(client, self.couchdb, self.accounts, self.ledger, document, self.log, counts).read(
            account, since
        )
        counts["skipped" if waits else "accounts"] += 1


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing is due"


def _mixed(run: Run, accounts: list[str]) -> list[str]:
    """Return accounts in an order that is another one in each try."""

    def place(account: str) -> bytes:
        return blake2b(f"{run.id} {run.try_number} {account}".encode(), digest_size=8).digest()

    return sorted(accounts, key=place)
