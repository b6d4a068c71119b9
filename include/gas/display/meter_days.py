"""What an account's document says of its meters' days: which are missing, and whether a meter is silent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from include.gas.account.account import Account
from include.gas.account.declaration import Declaration
from include.gas.account.freshness import Freshness
from include.gas.account.marks import ConnectedMark
from include.gas.account.status import Billing, Status
from include.gas.days.asked_days import REREAD_DAYS
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.lateness import due_until, period_late_after, silent_after
from include.gas.days.windows import Window
from include.gas.documents.year_counts import StoredYear
from include.gas.rights.meter_rights import MeterAccess

READ = frozenset(("active", "unseen"))
"""Standings under which gas days are expected."""


class Missing(NamedTuple):
    """Number of missing days that each run asks for again, and of older ones."""

    lately: int
    before: int


@dataclass(frozen=True, slots=True)
class DueDays:
    """The days of a meter that should be stored by now, ``end`` excluded; each run asks again from ``settled`` on."""

    windows: tuple[Window, ...]
    end: date
    settled: date

    @property
    def goes_on(self) -> bool:
        """Whether more days are to come."""
        return bool(self.windows) and self.windows[-1].end >= self.end

    def between(self, first: date, end: date) -> tuple[Window, ...]:
        """Return those of a period."""
        return tuple(part for window in self.windows if (part := window.clip(first, end)))

    def number(self, first: date, end: date) -> int:
        """Return how many those of a period are."""
        return sum(map(len, self.between(first, end)))


class MeterDays(msgspec.Struct, frozen=True):
    """The days of one meter, or none for an account without known meters, so that it is not forgotten.

    :param since: the oldest day of the last full read
    :param reread_days: the setting ``[grdf] reread_days``
    :param came: the days on which its right was brought, entered, and connected, if it was not read since
    """

    access: MeterAccess = MeterAccess(pce="")
    years: tuple[StoredYear, ...] = ()
    since: date | None = None
    billing: Billing = Billing()
    billed: date | None = None
    is_read: bool = True
    came: tuple[date, ...] = ()
    leaving: bool = False
    freshness: Freshness = Freshness()
    drift: tuple[str, ...] = ()
    reread_days: int = REREAD_DAYS
    answered: date | None = None

    @property
    def daily(self) -> bool:
        """Whether GRDF may have daily data for it."""
        return not self.access.role.is_injection and silent_after(self.billing.frequency) is not None

    @property
    def first(self) -> date | None:
        """The first stored day."""
        return min((year.first for year in self.years), default=None)

    @property
    def last(self) -> date | None:
        """The newest stored day."""
        return max((year.last for year in self.years), default=None)

    def due_days(self, today: date) -> DueDays:
        """Return the days that should be stored by now; without a right to daily data, up to the newest stored."""
        end, last = due_until(self.billing.frequency, today), self.last
        since = min((day for day in (self.since, self.first) if day), default=end)
        is_asked = self.is_read or (self.access.is_open and self.access.word != "narrow" and not self.leaving)
        stop = end if is_asked else min(end - ONE_DAY, last) + ONE_DAY if last else since
        whole = Window.between(since, stop)
        return DueDays(self.access.allowed_parts(whole) if whole else (), end, today - timedelta(days=self.reread_days))

    def count_missing(self, today: date) -> Missing:
        """Return how many of the due days are not stored."""
        due = self.due_days(today)

        def absent(first: date, end: date) -> int:
            windows = due.between(first, end) if self.daily else ()
            return sum(len(window) - sum(year.within(window) for year in self.years) for window in windows)

        return Missing(absent(due.settled, date.max), absent(date.min, due.settled))

    def is_expected(self, today: date) -> bool:
        """Return whether gas days are expected of it, or billing periods once it has any."""
        return self.is_read and bool(self.daily or self.billed) and self._begun(today) is not None

    def silent_on(self, today: date) -> date | None:
        """Return the day on which it fell silent, by its newest day or when it could first have been read."""
        limit, newest = silent_after(self.billing.frequency), self.last
        if limit is None or not self.daily:
            limit, newest = period_late_after(self.billing.frequency), self.billed
        begun, start = self._begun(today), max((day for day in (newest, *self.came) if day), default=None)
        if begun is None or start is None or not self.is_expected(today):
            return None
        fell = min(max(start, begun), today) + timedelta(days=limit + 1)
        return fell if fell <= today else None

    def _begun(self, today: date) -> date | None:
        covered = self.access.days
        begun = [part for part in covered if part.first < today]
        if len(covered) > len(begun) and (not begun or begun[-1].end < today):
            return None
        return begun[-1].first if begun else date.min


def days_of_meters(
    document: Mapping[str, Any], account: Account, *, reads: bool = True, reread_days: int = REREAD_DAYS
) -> tuple[MeterDays, ...]:
    """Return the days of an account's meters, in order."""
    connected = tuple(days_in(ConnectedMark.read_moment(document)))
    declaration, known = Declaration.from_document(document), Status.access_of(document)
    found = []
    for access in account.meters or (MeterAccess(pce=""),):
        is_read = access.word in READ or access.pce not in known or account.reconnected
        came = [*connected, *_declared(declaration, access.pce), *days_in(access.since)]
        reading, billing = Status.reading_of(document, access.pce), Status.billing_of(document, access.pce)
        billed = billing.until - ONE_DAY if billing.until else None
        years = tuple(year for _, year in sorted(reading.by_year().items()))
        read_on = reading.whole_at if years else None  # only what came since then counts
        came = [day for day in came if not read_on or day > read_on]
        found.append(
            MeterDays(
                access,
                years,
                reading.since,
                billing,
                billed,
                is_read=reads and is_read,
                came=tuple(came),
                leaving=account.leaving is not None,
                freshness=Status.freshness_of(document, access.pce),
                drift=reading.drift + billing.drift,
                reread_days=reread_days,
                answered=reading.answered,
            )
        )
    return tuple(found)


def _declared(declaration: Declaration | None, pce: str) -> Iterator[date]:
    if declaration and (not pce or declaration.pce in ("", pce)):
        yield from days_in(declaration.entered_at)


def days_in(*moments: object) -> Iterator[date]:
    """Yield the days of Paris of those moments that can be read."""
    for text in moments:
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else None
            if moment:
                yield paris_today(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError):  # the latter for the first and the last possible day
            continue
