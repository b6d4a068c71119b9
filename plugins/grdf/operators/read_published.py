"""The monthly reading of all accounts: published periods, contracts, and whether a meter can provide daily data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from grdf.airflow.retries import first_to_raise
from grdf.airflow.tasks.run import Run
from grdf.consents.lists.consent_dates import must_ask, with_dates
from grdf.operators.base import GrdfOperator
from grdf.operators.monthly.due_readings import (
    entries_of,
    is_anything_due,
    is_wanted,
    readable,
    unread_books,
    why_it_waits,
)
from grdf.operators.monthly.stopped_clients import StoppedClients
from grdf.quota.terms import HISTORY
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.published_note import BookHeld, MonthlyFailed
from include.gas.account.sections.rights.lost_consents import handed_over
from include.gas.account.turns import is_new
from include.gas.consents.consent import Consent
from include.gas.consents.read_under import is_own
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.errors import (
    ODD_DOCUMENT,
    AccountLeaving,
    BadAccount,
    BadSettings,
    CredentialsRefused,
    GasError,
    QuotaExceeded,
    QuotaWait,
    RetryLater,
    what_is_odd,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from grdf.meters.monthly_reading import Change
    from include.gas.documents.gas_days import Document

FIRST_READINGS = 200
"""How many accounts one run reads for the first time, besides those that are due. A fleet that is taken over must not
use up the day's calls (three per meter) at once; the rest follows on the next days."""

IN_A_ROW = 3
"""After this many failures of GRDF or CouchDB in a row there is no point in continuing now."""
IN_A_ROW_LATER = 10
"""The same after other accounts were read in this run: then the cause is more likely these accounts than GRDF."""
LONGEST_WAIT = 3600
"""Longest wait in seconds. If the quota asks for a longer one, the rest is left to the next day's run."""


class ReadPublishedOperator(GrdfOperator):
    """Reads what GRDF published about every account's meters, their contract, and how often they are read.

    Each account is due once a month, on a day of its own, and a new account at once. An account that fails is reported
    and stays due, behind the others; it does not stop them. If the quota is used up, the rest waits for the next run.
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
        out = StoppedClients(len(self.clients()), last_try=run.is_last_try)
        for account_id in self._in_order(run, named) if named else self._due(run, counts):
            client = ""
            try:
                document = self.accounts.document(account_id)  # read again: the list may be minutes old
                client = self.adict.of(document).grdf_conn_id
                if client in out.reasons:
                    continue
                before = counts["accounts"]
                self._account(document, counts, since=run.due if named else None)
                out.in_a_row[client] = 0
                out.read[client] += counts["accounts"] - before
            except (CredentialsRefused, BadSettings) as error:
                out.stop(client, error)
            except QuotaExceeded as error:
                soon = (error.retry_after or 0) <= LONGEST_WAIT
                if not (named or (soon and (isinstance(error, QuotaWait) or not run.is_last_try))):
                    self.log.warning("The remaining accounts are read by the next run: %s", error)
                    counts["put_off"] = 1
                    out.put_off(client, error)
                    if out.are_all:
                        break
                    continue
                out.stop(client, error)  # it continues with the accounts that are left
            except AccountLeaving as error:
                counts["skipped"] += 1
                self.log.info("%s", error)
            except (BadAccount, *ODD_DOCUMENT) as error:
                counts["odd"] += 1
                self.log.warning("Account %s is left unchanged: %s", account_id, what_is_odd(error))
            except GasError as error:
                counts["failed"] += 1
                failures.append(error)
                out.in_a_row[client] = out.in_a_row[client] + 1 if isinstance(error, RetryLater) else 0
                self.log.warning("%s", error)
                self._note_failure(account_id)
                if out.in_a_row[client] == (IN_A_ROW_LATER if out.read[client] else IN_A_ROW):
                    out.stop(client, error)
        self.log.info("Read: %s.", ", ".join(f"{number} {what}" for what, number in counts.items()) or "nothing is due")
        problems = [*out.problems, *(failures if out.are_several else failures[:1])]
        if problems:
            raise first_to_raise(problems, last_try=run.is_last_try)  # what was read is no longer due
        return dict(counts)

    def _in_order(self, run: Run, accounts: list[str], failed: dict[str, str] | None = None) -> list[str]:
        """Return the accounts in the order in which to read them.

        Those that failed last time come after the others. If there are any, the others start at a different place than
        last time. Otherwise three accounts that always fail would keep those behind them from ever being read.

        :param accounts: account ids
        :param failed: when each account last failed; ``None`` looks it up
        """
        if failed is None:
            failed = {document["_id"]: MonthlyFailed.of(document) for document in self.accounts.listed()}
        good = [account for account in accounts if not failed.get(account)]
        bad = sorted((account for account in accounts if failed.get(account)), key=lambda account: failed[account])
        if bad and good:
            name = f"{run.id} {run.try_number}"
            start = int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big") % len(good)
            good = good[start:] + good[:start]
        return good + bad

    def _note_failure(self, account_id: str) -> None:
        """Let the next run read others first.

        If this cannot be recorded now, that run starts with this account again.
        """
        with suppress(GasError):
            at = datetime.now(UTC).isoformat(timespec="seconds")
            self.accounts.update(account_id, lambda document: MonthlyFailed.noted(document, at))

    def _due(self, run: Run, counts: Counter[str]) -> Iterator[str]:
        """Yield the accounts that are due, and some of those that were never read."""
        failed: dict[str, str] = {}
        today = paris_today(datetime.now(UTC))
        due: list[str] = []
        first: list[str] = []
        for document in self.accounts.listed():
            try:
                account = Account.from_document(document)
                entries = [entry for meter in account.meters for entry in entries_of(document, meter)]
                due_now = is_anything_due(document, account, today)
            except (BadAccount, *ODD_DOCUMENT) as error:
                counts["odd"] += 1
                self.log.warning("Account %s is left unchanged: %s", document["_id"], what_is_odd(error))
                continue
            if due_now:
                failed[account.id] = MonthlyFailed.of(document)
                (first if all(is_new(entry) for entry in entries) else due).append(account.id)
        if len(first) > FIRST_READINGS:
            self.log.info(
                "%d of %d new accounts are read now; the others follow in the next days.",
                FIRST_READINGS, len(first),
            )  # fmt: skip
        first = self._in_order(run, first, failed)[:FIRST_READINGS]
        yield from self._in_order(run, [*due, *first], failed)

    def _account(self, document: dict[str, Any], counts: Counter[str], *, since: datetime | None) -> None:
        account, client, now = Account.from_document(document), self.adict.of(document), datetime.now(UTC)
        self._hold_unread_books(document, account, counts, since)
        if reason := why_it_waits(account):
            counts["skipped"] += 1
            self.log.info("Account %s is not read: %s.", account.id, reason)
            return
        if must_ask(document, account, now, self.accounts.listed_at(client.grdf_conn_id)):
            account = with_dates(client, self.accounts, account, HISTORY)
            document = self.accounts.document(account.id)
        changes: list[Change] = []
        problems: list[GasError] = []
        replaced: dict[str, Document | None] = {}
        try:
            for meter in readable(document, account):
                self._meter(document, account, meter, counts, changes, problems, replaced, since=since)
        finally:
            if changes:
                self._note(account, now, changes, replaced)
        if problems:
            raise problems[0]
        if MonthlyFailed.of(document):
            self.accounts.update(account.id, lambda stored: MonthlyFailed.noted(stored, None))
        counts["accounts"] += 1

    def _hold_unread_books(
        self, document: dict[str, Any], account: Account, counts: Counter[str], since: datetime | None
    ) -> None:
        """Correct the totals and the book also of meters that are not read at present, once a month.

        A load may have died after it had stored days, and no other load follows for such a meter.
        """
        from grdf.meters.book_check import hold_book

        now = datetime.now(UTC)
        if pces := unread_books(document, account, paris_today(now), since):
            changes = [hold_book(self.couchdb, document, pce, self.log, counts) for pce in pces]
            self._note(account, now, [*changes, lambda stored: BookHeld.noted(stored, utc_text(now))], {})

    def _meter(
        self,
        document: dict[str, Any],
        account: Account,
        meter: Consent,
        counts: Counter[str],
        changes: list[Change],
        problems: list[GasError],
        replaced: dict[str, Document | None],
        *,
        since: datetime | None,
    ) -> None:
        """Read what is due of a meter.

        With ``since``, read what was not read since then, as the run may have had to wait.
        """
        from grdf.meters.book_check import hold_book
        from grdf.meters.monthly_reading import read_facts, read_periods, under

        today = paris_today(datetime.now(UTC))
        client = self.adict.of(document)
        facts, periods = entries_of(document, meter)
        if is_wanted(periods, meter, account, today, since):  # this needs all its days anyway
            changes.append(hold_book(self.couchdb, document, meter.pce, self.log, counts))
        try:
            if is_wanted(facts, meter, account, today, since):
                changes.append(under(meter, read_facts(client, account.id, meter, self.log, counts)))
            if is_wanted(periods, meter, account, today, since):
                known = document
                for change in changes:
                    known = change(known)
                by_hand = since is not None  # a person misses something
                read = read_periods(
                    client, self.couchdb, known, meter, self.log, counts, whole=by_hand, replaced=replaced
                )
                changes.append(under(meter, read))
        except QuotaExceeded:
            raise
        except RetryLater as error:
            problems.append(error)

    def _note(
        self, account: Account, began: datetime, changes: Iterable[Change], replaced: dict[str, Document | None]
    ) -> None:
        """Write what was read to the account.

        Take the periods back if the household has left in the meantime, or if a meter or the account's id has become
        another one's. What they replace goes only after that.

        :param account: as it was read
        :param began: when it was read
        """
        from grdf.meters.monthly_reading import take_back
        from grdf.meters.notes import meter_of
        from grdf.meters.taking_back import taken_back_if_left

        foreign = set[str]()

        def change(document: dict[str, Any]) -> dict[str, Any]:
            nonlocal foreign
            stop_if_leaving(Account.from_document(document))
            meters = [(meter, meter_of(document, meter.pce)) for meter in account.meters]
            foreign = {meter.pce for meter, held in meters if not is_own(meter, held, utc_text(began))}
            if meters and len(foreign) == len(meters):
                return document
            for each in changes:
                document = each(document)
            return document

        with taken_back_if_left(self.couchdb, account.id):
            noted = self.accounts.update(account.id, change)
        others = handed_over(noted) | foreign
        if back := take_back(self.couchdb, replaced, others):
            self.log.warning(
                "Account %s: its consent for a meter ended while its published data were read, and another "
                "consent is in force there now. %d period(s) are as they were before.", account.id, back,
            )  # fmt: skip
