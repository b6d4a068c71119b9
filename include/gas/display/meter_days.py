"""Whether a meter is silent: what its account's document says of its days, and what follows on a given day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.sections.marks import Connected
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.status import Status
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.lateness import period_late_after, silent_after
from include.gas.rights.meter_rights import Held

READ = frozenset(("active", "later", "unseen"))
"""How a meter stands of which gas days are expected, now or once its right has begun."""


@dataclass(frozen=True, slots=True)
class MeterDays:
    """One meter. An account that knows none yet has one all the same, so that it is not forgotten.

    :param held: what the account has of it
    :param frequency: how often GRDF reads it; ``""`` if it is not known
    :param is_read: whether gas days are expected of it, or will be: by its right, or as nobody has looked yet
    :param stored: the last stored day of each year
    :param billed: the last day of its newest billing period, if any is stored
    :param came: the days on which its right was brought, entered, and connected, if it was not read since
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

    def is_expected(self, today: date) -> bool:
        """Return whether something new is expected of it now: gas days, or billing periods once it has any."""
        return self.is_read and bool(self.daily or self.billed) and self._begun(today) is not None

    def silent_on(self, today: date) -> date | None:
        """Return the day on which it fell silent; ``None`` if it is not, or if nothing says since when it is read.

        Its age counts from its newest gas day, stored or, of a meter without daily data, billed; or since when it
        could have been read, if that is later.
        """
        limit, known = silent_after(self.frequency), self.stored
        if limit is None:
            limit, known = period_late_after(self.frequency), self.billed
        begun, start = self._begun(today), max((*known, *self.came), default=None)
        if begun is None or start is None or not self.is_expected(today):
            return None
        fell = min(max(start, begun), today) + timedelta(days=limit + 1)
        return fell if fell <= today else None

    def _begun(self, today: date) -> date | None:
        """Return the first day of the rights whose days are due today; ``None`` if the next begin later."""
        covered = self.held.days if self.held else ()
        begun = [part for part in covered if part.first < today]
        if len(covered) > len(begun) and (not begun or begun[-1].end < today):
            return None
        return begun[-1].first if begun else date.min


def days_of_meters(document: Mapping[str, Any], account: Account) -> tuple[MeterDays, ...]:
    """Return what an account's document says of its meters, in their order."""
    connected = tuple(days_in(Connected.moment(document)))
    declaration = Declaration.of(document)
    if not account.meters:
        return (MeterDays(came=(*connected, *_declared(declaration, ""))),)
    known = Status.held(document)
    return tuple(
        _of_meter(
            document,
            held,
            (*connected, *_declared(declaration, held.pce), *days_in(held.since)),
            is_read=held.word in READ or held.pce not in known or account.reconnected,
        )
        for held in account.meters
    )


def _of_meter(document: Mapping[str, Any], held: Held, came: Iterable[date], *, is_read: bool) -> MeterDays:
    billing, reading = Status.billing_of(document, held.pce), Status.reading(document, held.pce)
    stored = tuple(year.last for year in reading.by_year().values())
    read_on = reading.whole_at if stored else None  # since then, what it gave counts
    return MeterDays(
        held,
        billing.frequency,
        is_read,
        stored,
        (billing.until - ONE_DAY,) if billing.until else (),
        tuple(day for day in came if not read_on or day > read_on),
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
