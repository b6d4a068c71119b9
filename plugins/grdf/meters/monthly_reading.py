"""The monthly reading of a meter: how often GRDF reads it, its contract, and its billing periods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from grdf.meters.asking import booked
from grdf.meters.saving import undone_if_left, warn_of_left_out
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.status import Billing, Status
from include.gas.answers.consumption.published import read_published
from include.gas.answers.contract import read_contract, read_frequency
from include.gas.days.asked_days import published_window
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.lateness import silent_after
from include.gas.documents.billing.store_periods import Read, store_periods
from include.gas.errors import (
    BadAccount,
    BadSettings,
    ConsentTooNarrow,
    CredentialsRefused,
    FailNow,
    RetryLater,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.meters import Ledger
    from grdf.quota.terms import Terms
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.days.windows import Window
    from include.gas.documents.gas_days import Document

T = TypeVar("T")


@dataclass
class MonthlyReading:
    """The reading of one meter, with one call for each kind of data.

    :param adict: the hook for the account's client
    :param counts: says what was done
    :param refused: what GRDF has refused, in words
    """

    couchdb: CouchDBHook
    accounts: AccountStore
    ledger: Ledger
    adict: AdictHook
    log: Log
    counts: Counter[str]
    account: str
    pce: str
    refused: list[str] = field(default_factory=list)

    def read(self, document: Document, held: Held) -> None:
        """Read the meter, and store what the account may hold then.

        If GRDF may not be asked, only what the account may not hold is removed.

        :param held: what the account has of the meter
        :raises GasError: if the failure concerns all accounts or is temporary; what was valid is stored
        """
        now, billing = datetime.now(UTC), Status.billing_of(document, self.pce)
        periods, problem = list[Read](), None
        if held.is_open:
            windows = held.covered(published_window(paris_today(now)))
            with booked(self.adict, f"{self.account}:published {self.pce}", 2 + len(windows), "history") as terms:
                contract = self._ask("contract data", self.adict.contract, read_contract, terms)
                frequency = self._ask("technical data of the meter", self.adict.technical, read_frequency, terms)
                try:
                    with self._noting("published data"):
                        for window in windows:
                            self._ask_periods(window, periods, terms)
                except RetryLater as error:
                    problem = error
            billing = replace(
                billing,
                contract=contract or billing.contract,
                frequency=frequency or billing.frequency,
                refused=" ".join(self.refused),
            )
        if problem is None:  # otherwise it stays due
            billing = replace(billing, read_at=utc_text(now), under=held.own)
        with undone_if_left(self.couchdb, self.account):
            self._store(billing, periods)
        self.counts["meters"] += 1
        if problem:
            raise problem

    def _ask(self, what: str, call: Callable[..., str], parse: Callable[..., T], terms: Terms) -> T | None:
        of = {"account": self.account}
        with self._noting(what):
            return parse(call(self.pce, terms=terms, **of), pce=self.pce, **of)
        return None  # type: ignore[unreachable]  # it was refused

    def _ask_periods(self, window: Window, periods: list[Read], terms: Terms) -> None:
        """Ask for billing periods, and add the answer to the others.

        :raises GasError: what is wrong with it; what is good in it is among the others by then
        """
        staged = self.adict.published_lines(self.pce, window, account=self.account, terms=terms)
        today = paris_today(datetime.fromisoformat(staged.read_at))
        answer = read_published(staged.body, account=self.account, pce=self.pce, window=window, today=today)
        periods.append((answer, staged.read_at))
        self.counts["left_out"] += warn_of_left_out(answer, "published lines", self.log)
        if problem := answer.problem():
            raise problem

    def _store(self, billing: Billing, periods: list[Read]) -> None:
        """Store what the account may hold by now. A contract that was read after the end of its right is not its own.

        :raises AccountLeaving, BadAccount: if the household has left in the meantime
        """

        def change(document: Document) -> Document:
            stop_if_leaving(Account.from_document(document))
            return Status.with_billing(document, self.pce, replace(billing, until=stored.until))

        document = self.accounts.document(self.account)
        now = self.ledger.account(document)
        stop_if_leaving(now)
        held = next((each for each in now.meters if each.pce == self.pce), Held(pce=self.pce))
        billing = billing if held.is_open else Billing(billing.read_at)
        daily = silent_after(billing.frequency) is not None
        stored = store_periods(self.couchdb, self.account, self.pce, held.days, periods, daily=daily)
        self.accounts.update(self.account, change, known=document)
        self.counts += stored.counts
        self.log.info(
            "Account %s, meter %s: billing periods: %s%s.",
            self.account, meter_tag(self.account, self.pce), dict(stored.counts) or "as before",
            "" if daily else f"; its months and years are made of them, as GRDF has no days ({billing.frequency})",
        )  # fmt: skip

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Note what GRDF refuses. What concerns more than this meter is raised."""
        try:
            yield
        except (CredentialsRefused, BadSettings, BadAccount):
            raise
        except ConsentTooNarrow:  # not a problem: the household chose so
            self.refused.append(f"The household's consent does not include the {what}.")
            self.log.info("Account %s: %s", self.account, self.refused[-1])
        except FailNow as error:
            self.refused.append(str(error))
            self.log.warning("%s", error)
