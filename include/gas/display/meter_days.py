"""How new the gas days of a meter are: what its account's document says of it, and what follows on a given day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.status import Status, told_years
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.lateness import period_late_after, silent_after
from include.gas.rights.meter_rights import Held

READ = frozenset(("active", "later", "unseen"))
"""How a meter stands of which gas days are expected, now or once its right has begun."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a meter is.

    :param start: the day from which its age counts: its newest gas day, or since when it could have been read if that
        is later
    :param last: its newest gas day, stored or, of a meter without daily data, billed; ``None`` if it has none
    :param limit: how many days old that may be
    """

    start: date
    last: date | None
    limit: int

    def age(self, today: date) -> int:
        """Return how many days old it is."""
        return max(0, (today - self.start).days)

    def beyond(self, today: date) -> int:
        """Return by how many days it is too old; negative or 0 if it is not."""
        return self.age(today) - self.limit


@dataclass(frozen=True, slots=True)
class MeterDays:
    """One meter. An account that knows none yet has one all the same, so that it is not forgotten.

    :param held: what the account has of it
    :param frequency: how often GRDF reads it; ``""`` if it is not known
    :param is_read: whether gas days are expected of it, or will be: by its right, or as nobody has looked yet
    :param stored: the last stored day of each year
    :param billed: the last day of its newest billing period, if any is stored
    :param came: the days on which its right was brought, entered, and connected
    """

    held: Held | None = None
    frequency: str = ""
    is_read: bool = True
    stored: tuple[date, ...] = ()
    billed: tuple[date, ...] = ()
    came: tuple[date, ...] = ()

    @property
    def daily(self) -> bool:
        """Whether GRDF may have daily data for it."""
        return silent_after(self.frequency) is not None

    def begun(self, today: date) -> date | None:
        """Return the first day of the rights whose days are due today; ``None`` if the next begin later."""
        covered = self.held.days if self.held else ()
        begun = [part for part in covered if part.first < today]
        if len(covered) > len(begun) and (not begun or begun[-1].end < today):
            return None
        return begun[-1].first if begun else date.min

    def lag(self, today: date) -> Lag | None:
        """Return how far behind it is; ``None`` if nothing is expected of it, or nothing says since when."""
        limit, known = silent_after(self.frequency), self.stored
        if limit is None:
            limit, known = period_late_after(self.frequency), self.billed
        begun, start = self.begun(today), newest((*known, *self.came), today)
        if begun is None or start is None or not self.is_read or not (known or self.daily):
            return None
        return Lag(max(start, min(begun, today)), newest(known, today), limit)


def newest(days: Iterable[date], today: date) -> date | None:
    """Return the newest of some days; ``None`` if there is none.

    A day later than tomorrow was written by a clock that was ahead. It counts as unknown: taken for today, it would
    keep the account young until it is over.
    """
    return max((day for day in days if day <= today + ONE_DAY), default=None)


def days_of_meters(document: Mapping[str, Any], account: Account) -> tuple[MeterDays, ...]:
    """Return what an account's document says of its meters, in their order."""
    connected = tuple(days_in(Connected.moment(document)))
    declaration = Declaration.of(document)
    if not account.meters:
        return (MeterDays(came=(*connected, *_declared(declaration, ""))),)
    known, billing = (
        Status.held(document),
        {meter.pce: Status.billing_of(document, meter.pce) for meter in account.meters},
    )
    return tuple(
        MeterDays(
            held,
            billing[held.pce].frequency,
            held.word in READ or held.pce not in known or account.reconnected,
            tuple(year.last for year in told_years(document, held.pce).values()),
            tuple(end - ONE_DAY for end in (billing[held.pce].until,) if end),
            (*connected, *_declared(declaration, held.pce), *days_in(held.since)),
        )
        for held in account.meters
    )


def _declared(declaration: Declaration | None, pce: str) -> Iterator[date]:
    """Yield the days of the declaration if it is of a meter, or of any if none is given."""
    if declaration and (not pce or declaration.pce in ("", pce)):
        yield from days_in(declaration.entered_at)


def days_in(*moments: object) -> Iterator[date]:
    """Yield the days of Paris of those moments that can be read."""
    for text in moments:
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) else None
            if moment:
                yield paris_today(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError):  # the latter for the first and the last day that there are
            continue
