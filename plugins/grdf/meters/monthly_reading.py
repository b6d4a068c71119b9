"""The monthly reading of a meter: how often GRDF reads it, its contract, and its billing periods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from grdf.meters.asking import booked
from grdf.meters.judging import warn_of_left_out
from grdf.meters.saving import undone_if_left
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
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.documents.gas_days import Document


class _Asked(NamedTuple):
    """What GRDF has said of a meter.

    :param billing: for the account's ``status``
    :param periods: the answers about its billing periods
    :param problem: why something is to be asked again soon; ``None`` if nothing is
    """

    billing: Billing
    periods: list[Read]
    problem: RetryLater | None = None


class MonthlyReading:
    """Reads meters, each for itself. ``counts`` says what was done."""

    def __init__(self, couchdb: CouchDBHook, accounts: AccountStore, ledger: Ledger, log: Log) -> None:
        self._couchdb = couchdb
        self._accounts = accounts
        self._ledger = ledger
        self._log = log
        self.counts: Counter[str] = Counter()

    def read(self, adict: AdictHook, document: Document, held: Held) -> None:
        """Read a meter with one call for each kind of data, and store what the account may hold then.

        If GRDF may not be asked, only what the account may not hold is removed.

        :param adict: the hook for the account's client
        :param held: what the account has of the meter
        :raises GasError: if the failure concerns all accounts or is temporary; what was valid is stored
        """
        account, known = str(document["_id"]), Status.billing_of(document, held.pce)
        asked = (
            self._ask(adict, account, held, known) if held.is_open else _Asked(Billing(utc_text(datetime.now(UTC))), [])
        )
        with undone_if_left(self._couchdb, account):
            self._store(account, held.pce, asked)
        self.counts["meters"] += 1
        if asked.problem:
            raise asked.problem

    def _ask(self, adict: AdictHook, account: str, held: Held, known: Billing) -> _Asked:
        now, found, refused = datetime.now(UTC), known, list[str]()
        periods, problem, of = list[Read](), None, {"account": account, "pce": held.pce}
        windows = held.covered(published_window(paris_today(now)))
        with booked(adict, f"{account}:published {held.pce}", 2 + len(windows), "history") as terms:
            with self._noting(account, "contract data", refused):
                contract = read_contract(adict.facts_of(held.pce, "contractuelles", account=account, terms=terms), **of)
                found = replace(found, contract=contract or found.contract)
            with self._noting(account, "technical data of the meter", refused):
                frequency = read_frequency(adict.facts_of(held.pce, "techniques", account=account, terms=terms), **of)
                found = replace(found, frequency=frequency or found.frequency)
            try:
                with self._noting(account, "published data", refused):
                    for window in windows:
                        staged = adict.published_lines(held.pce, window, account=account, terms=terms)
                        answer = read_published(staged.body, window=window, today=paris_today(now), **of)
                        periods.append((answer, staged.read_at))
                        self.counts["left_out"] += warn_of_left_out(answer, "published lines", self._log)
                        if found_wrong := answer.problem():
                            raise found_wrong
            except RetryLater as error:
                problem = error
        if problem is None:  # otherwise it stays due
            found = replace(found, read_at=utc_text(now), under=held.own)
        return _Asked(replace(found, refused=" ".join(refused)), periods, problem)

    def _store(self, account: str, pce: str, asked: _Asked) -> None:
        """Store what the account may hold by now. A contract that was read after the end of its right is not its own.

        :raises AccountLeaving, BadAccount: if the household has left in the meantime
        """

        def change(document: Document) -> Document:
            stop_if_leaving(Account.from_document(document))
            return Status.with_billing(document, pce, replace(billing, until=stored.until))

        document = self._accounts.document(account)
        now = self._ledger.account(document)
        stop_if_leaving(now)
        held = next((each for each in now.meters if each.pce == pce), Held(pce=pce))
        billing = asked.billing if held.is_open else Billing(asked.billing.read_at)
        daily = silent_after(billing.frequency) is not None
        stored = store_periods(self._couchdb, account, pce, held.days, asked.periods, daily=daily)
        self._accounts.update(account, change, known=document)
        for name in ("new", "corrected", "removed"):
            self.counts[name] += getattr(stored, name)
        self._log.info(
            "Account %s, meter %s: billing periods: %d new, %d corrected, %d removed%s.",
            account, meter_tag(account, pce), stored.new, stored.corrected, stored.removed,
            "" if daily else f"; its months and years are made of them, as GRDF has no days ({billing.frequency})",
        )  # fmt: skip

    @contextmanager
    def _noting(self, account: str, what: str, refused: list[str]) -> Iterator[None]:
        """Note what GRDF refuses. What concerns more than this meter is raised."""
        try:
            yield
        except (CredentialsRefused, BadSettings, BadAccount):
            raise
        except ConsentTooNarrow:  # not a problem: the household chose so
            refused.append(f"The household's consent does not include the {what}.")
            self._log.info("Account %s: %s", account, refused[-1])
        except FailNow as error:
            refused.append(str(error))
            self._log.warning("%s", error)
