"""How new the gas days of a meter are: what its account's document says of it, and what follows on a given day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.facts import may_be_daily
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.status import Status, told_years
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.rights.meter_rights import Held

READ = frozenset(("active", "later", "unseen"))
"""How a meter stands of which gas days are expected, now or once its right has begun."""
LATELY = timedelta(days=30)
"""How long a meter is watched that gave days and is noted as one that cannot be daily: the note may be wrong, or GRDF
has just stopped. In a small fleet one meter that was exchanged makes the check red for so long."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind a meter is.

    :param start: the day from which its age counts: its newest gas day, or since when it could have been read if that
        is later
    :param last: its newest gas day; ``None`` if it has none
    :param no_daily: whether the meter is noted as one that cannot be daily
    """

    start: date
    last: date | None
    no_daily: bool = False


@dataclass(frozen=True, slots=True)
class MeterDays:
    """One meter. An account that knows none yet has one all the same, so that it is not forgotten.

    :param held: what the account has of it
    :param daily: whether GRDF may have daily data for it
    :param is_read: whether gas days are expected of it, or will be: by its right, or as nobody has looked yet
    :param stored: the last stored day of each year
    :param came: the days on which its right was brought, entered, and connected
    """

    held: Held | None = None
    daily: bool = True
    is_read: bool = True
    stored: tuple[date, ...] = ()
    came: tuple[date, ...] = ()

    def is_daily(self, today: date) -> bool:
        """Return whether gas days are expected of it: it may be daily, or gave days lately."""
        last = newest(self.stored, today)
        return self.daily or (last is not None and today - last < LATELY)

    def begun(self, today: date) -> date | None:
        """Return the first day of the rights whose days are due today; ``None`` if the next begin later."""
        covered = self.held.days if self.held else ()
        begun = [part for part in covered if part.first < today]
        if len(covered) > len(begun) and (not begun or begun[-1].end < today):
            return None
        return begun[-1].first if begun else date.min

    def lag(self, today: date) -> Lag | None:
        """Return how far behind it is; ``None`` if no gas day is expected, or nothing says since when."""
        begun, start = self.begun(today), newest((*self.stored, *self.came), today)
        if begun is None or start is None or not (self.is_read and self.is_daily(today)):
            return None
        return Lag(max(start, min(begun, today)), newest(self.stored, today), no_daily=not self.daily)


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
    known = Status.held(document)
    return tuple(
        MeterDays(
            held,
            may_be_daily(document, held.pce),
            held.word in READ or held.pce not in known or account.reconnected,
            tuple(year.last for year in told_years(document, held.pce).values()),
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
