"""The monthly reading of one account's meters: their contract, how often they are read, and the published periods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf.meters.judging import warn_of_left_out
from grdf.meters.published_totals import write_period_totals
from grdf.meters.saving import undone_if_left
from grdf.quota.terms import HISTORY
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.facts import may_be_daily, with_meter_facts, without_late_facts
from include.gas.account.sections.published_note import with_published
from include.gas.account.turns import due_of
from include.gas.answers.consumption.published import read_published
from include.gas.answers.contract import Contract, has_daily_data, no_daily_data, read_contract, read_frequency
from include.gas.days.asked_days import published_window
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.billing.periods import foreign, merge_period, missing_in_words, period_document, withdrawn
from include.gas.documents.doctypes import DAY, PUBLISHED
from include.gas.documents.gas_days import Document, account_range
from include.gas.errors import (
    AccountLeaving,
    BadAccount,
    BadSettings,
    ConsentTooNarrow,
    CredentialsRefused,
    FailNow,
    GasError,
    QuotaExceeded,
    RetryLater,
    StoreBusy,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.meters import Ledger
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.answers.consumption.published import Period
    from include.gas.answers.consumption.sorting import Answer

Change = Callable[[Document], Document]
"""A function that returns a new account document for the stored one."""

TRIES = 5


class MonthlyReading:
    """Reads one account's meters.

    :param adict: the hook for the account's client
    :param document: the account document
    :param counts: incremented by what is done
    """

    def __init__(
        self,
        adict: AdictHook,
        couchdb: CouchDBHook,
        accounts: AccountStore,
        ledger: Ledger,
        document: Document,
        log: Log,
        counts: Counter[str],
    ) -> None:
        self._adict = adict
        self._couchdb = couchdb
        self._accounts = accounts
        self._ledger = ledger
        self._account = str(document["_id"])
        self._document = document
        self._log = log
        self._counts = counts
        self._changes: list[tuple[Held, Change]] = []

    def read(self, account: Account, since: datetime | None) -> None:
        """Read what is due, and write what was found to the account, once for all its meters.

        :param account: the account, with what it has of its meters now
        :param since: if given, read what was not read since then: a person has asked for it, and may have had to wait
        :raises GasError: if a meter could not be read; what was read is stored
        """
        problems: list[GasError] = []
        with undone_if_left(self._couchdb, self._account):
            try:
                for held in account.meters:
                    try:
                        self._read_meter(account, held, since)
                    except QuotaExceeded:
                        raise
                    except RetryLater as error:
                        problems.append(error)
            finally:
                self._note()
        if problems:
            raise problems[0]

    def _read_meter(self, account: Account, held: Held, since: datetime | None) -> None:
        facts, periods = due_of(self._document, account, held, paris_today(datetime.now(UTC)), since)
        if periods and not held.is_open:
            self._changes.append((held, partial(without_late_facts, held=held)))
        known = self._document
        if facts:
            change = self._read_facts(held)
            self._changes.append((held, change))
            known = change(known)
        if periods:
            self._changes.append((held, self._read_periods(held, known)))

    def _note(self) -> None:
        """Write what was found to the account. It counts no more if its right is another one by now, or is over."""

        def change(document: Document) -> Document:
            stop_if_leaving(Account.from_document(document))
            now = {held.pce: (held.right, held.word) for held in self._ledger.held(document)}
            for held, each in self._changes:
                document = each(document) if now.get(held.pce) == (held.right, held.word) else document
            return document

        if self._changes:
            self._accounts.update(self._account, change)

    def _read_facts(self, held: Held) -> Change:
        """Read a meter's contract and technical facts, with two calls.

        :return: what to record on the account, including the reason if GRDF refused a part
        :raises GasError: if the failure concerns all accounts or is temporary
        """
        read_at, refused = datetime.now(UTC), dict[str, str]()
        contract: Contract | None = None
        frequency: str | None = None
        of: dict[str, str] = {"account": self._account, "pce": held.pce}
        try:
            contract = read_contract(self._adict.contract(held.pce, account=self._account, terms=HISTORY), **of)
        except FailNow as error:
            refused["contract"] = self._refusal(error, "contract data")
        try:
            frequency = read_frequency(self._adict.technical(held.pce, account=self._account, terms=HISTORY), **of)
        except FailNow as error:
            refused["technical"] = self._refusal(error, "technical data of the meter")
        self._counts["facts"] += 1
        if message := no_daily_data(self._account, held.pce, frequency or ""):
            self._counts["without_daily_data"] += 1
            self._log.warning("Account %s: %s", self._account, message)
        elif frequency and has_daily_data(frequency) is None:
            tag = meter_tag(self._account, held.pce)
            self._log.warning(
                "Account %s: meter %s has an unknown reading frequency: %s.", self._account, tag, frequency
            )
        return lambda document: with_meter_facts(
            document, held, read_at=read_at, contract=contract, frequency=frequency, refused=refused
        )

    def _read_periods(self, held: Held, known: Document) -> Change:
        """Read all of a meter's published periods, store them, and compare them with the gas days.

        This takes one call for each stretch of days that the account may hold. If GRDF may not be asked, only those are
        removed that the account may not hold.

        :param known: the account document with the meter's facts. If GRDF has no daily data for it, its months and
            years are made of its periods
        :return: what to record on the account
        :raises GasError: if the failure concerns all accounts or is temporary; the periods that were valid are stored
        """
        read_at, today = datetime.now(UTC), paris_today(datetime.now(UTC))
        windows = held.covered(published_window(today)) if held.is_open else ()
        message = "" if windows else "The household's consent covers no day that can be asked for."
        try:
            for window in windows:
                staged = self._adict.published_lines(held.pce, window, account=self._account, terms=HISTORY)
                answer = read_published(staged.body, account=self._account, pce=held.pce, window=window, today=today)
                self._store(held.pce, answer, staged.read_at)
                if problem := answer.problem():
                    raise problem
        except FailNow as error:
            message = self._refusal(error, "published data")
        if not windows:
            self._store(held.pce, None, read_at)
        span = account_range(self._account, held.pce)
        write_period_totals(self._couchdb, self._account, held.pce, new=not may_be_daily(known, held.pce))
        stored = self._couchdb.range(PUBLISHED, *span)
        compared = compare_all(stored, self._couchdb.range(DAY, *span))
        tag = meter_tag(self._account, held.pce)
        for each in compared:
            if each.beyond_rounding:
                self._counts["differences"] += 1
                self._log.warning(
                    "Account %s, meter %s: from %s to %s (not included) GRDF published a different sum from that of "
                    "the stored days, of which %d are missing. Nothing was changed; the figures are on the account's "
                    "page.",
                    self._account, tag, each.first, each.end, each.missing_days,
                )  # fmt: skip
        if missing := missing_in_words(stored, windows):
            self._log.warning("Account %s, meter %s: %s", self._account, tag, missing)
        said = " ".join(filter(None, (message, missing)))
        self._counts["meters"] += 1
        return lambda document: with_published(
            document, held, read_at=read_at, periods=stored, compared=compared, message=said
        )

    def _store(self, pce: str, answer: Answer[Period] | None, read_at: datetime | str) -> None:
        """Store the periods of an answer that the account may hold now, and remove what does not count any more.

        :param answer: ``None`` if GRDF was not asked
        :raises AccountLeaving, BadAccount: if the household has left in the meantime
        """
        now = self._ledger.account(self._accounts.document(self._account))
        stop_if_leaving(now)
        held = next((each for each in now.meters if each.pce == pce), Held(pce=pce))
        rows = [row for row in answer.rows if held.holds(Window(row.first, row.end))] if answer else []
        fresh = {each["_id"]: each for each in (period_document(self._account, pce, row, read_at) for row in rows)}
        done: Counter[str] = Counter()
        for _ in range(TRIES):
            stored = {each["_id"]: each for each in self._couchdb.range(PUBLISHED, *account_range(self._account, pce))}
            others = foreign(stored.values(), held.holds, held.days[0].first) if held.days else []
            gone = others + (withdrawn(stored.values(), answer, read_at) if answer else [])
            pending = {each["_id"]: {"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in gone}
            pending |= {key: new for key, each in fresh.items() if (new := merge_period(stored.get(key), each))}
            written = self._couchdb.write(PUBLISHED, pending.values()).written if pending else set()
            done["new"] += len(written - stored.keys())
            done["corrected"] += len(written & stored.keys() & fresh.keys())
            done["removed"] += len(written - fresh.keys())
            done["foreign"] += len(written & {each["_id"] for each in others})
            if written == pending.keys():
                break
        else:
            tag = meter_tag(self._account, pce)
            raise StoreBusy.about(self._account, f"published periods of meter {tag} kept being changed by others")
        self._tell(pce, answer, fresh, done)

    def _tell(self, pce: str, answer: Answer[Period] | None, fresh: dict[str, Any], done: Counter[str]) -> None:
        self._counts.update({kind: number for kind, number in done.items() if number and kind != "foreign"})
        if answer is None and not done["removed"]:
            return
        if done["foreign"]:
            self._log.warning(
                "Account %s, meter %s: %d stored period(s) were removed: its right does not cover them. They were read "
                "before that was known.", self._account, meter_tag(self._account, pce), done["foreign"],
            )  # fmt: skip
        self._log.info(
            "Account %s, meter %s: published periods: %d read, %d new, %d corrected, %d removed (%s).",
            self._account, meter_tag(self._account, pce), len(fresh), done["new"], done["corrected"], done["removed"],
            answer.window if answer else "GRDF was not asked",
        )  # fmt: skip
        if answer and (left_out := warn_of_left_out(answer, "published lines", self._log)):
            self._counts["left_out"] += left_out

    def _refusal(self, error: FailNow, what: str) -> str:
        """Return what GRDF refused, as text. Raise the error if it concerns more than this meter."""
        if isinstance(error, (CredentialsRefused, BadSettings, AccountLeaving, BadAccount)):
            raise error
        self._counts["refused"] += 1
        if isinstance(error, ConsentTooNarrow):  # not a problem: the household chose so
            said = f"The household's consent does not include the {what}."
            self._log.info("Account %s: %s", self._account, said)
            return said
        self._log.warning("%s", error)
        return str(error)
