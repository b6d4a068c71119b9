"""What the meters' documents say of all rights together: which nobody has, wait, end, or are to one meter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import ONE_DAY
from include.gas.display.overview import ENDS_SOON
from include.gas.rights.meter_rights import Meter, Right
from include.gas.rights.transitions import LATE, unclaimed

FRESH = timedelta(hours=36)
"""How long ago GRDF may have been asked about a client's rights: it is asked every morning, and one may fail."""


@dataclass(frozen=True, slots=True)
class RightsLook:
    """All rights, as of one moment.

    :param meters: how many meters there are
    :param unclaimed: the rights in force that no account has
    :param unanswered: the declarations that have waited for an answer for more than two days
    :param ending: the last right of each account that ends within 30 days and has no successor
    :param shared: the accounts of each meter that several read
    :param asked: when GRDF was last asked about all rights of a client, by client, UTC text
    :param old: the clients that have had a right for longer than that may take
    """

    meters: int = 0
    unclaimed: tuple[Right, ...] = ()
    unanswered: tuple[Right, ...] = ()
    ending: tuple[Right, ...] = ()
    shared: tuple[tuple[str, ...], ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    old: frozenset[str] = frozenset()

    def unchecked(self, client: str, now: datetime) -> str | None:
        """Return when GRDF was last asked about a client's rights, if that is too long ago; else ``None``.

        :return: UTC text; ``""`` if it never was
        """
        moment = self.asked.get(client, "")
        return moment if client in self.old and moment < utc_text(now - FRESH) else None


def look_at_rights(meters: Iterable[Meter], now: datetime, asked: Mapping[str, str] | None = None) -> RightsLook:
    """Look at all rights.

    :param now: an aware datetime, the present
    :param asked: as in :class:`RightsLook`
    """
    known, today = list(meters), paris_today(now)
    late, long_ago = utc_text(now - LATE), utc_text(now - FRESH)
    unanswered: list[Right] = []
    ending: list[Right] = []
    shared: list[tuple[str, ...]] = []
    old: set[str] = set()
    for meter in known:
        standing = _standing(meter, today)
        every = [right for rights in standing.values() for right in rights]
        old |= {right.client for right in every if right.since < long_ago}
        unanswered += [right for right in every if _waits(right) and right.since < late]
        ending += _ending(standing.values(), today)
        reading = sorted({right.account for right in every if right.was_active})  # and who is behind another does not
        if len(reading) > 1:
            shared.append(tuple(reading))
    free = tuple(unclaimed(known, today))
    return RightsLook(len(known), free, tuple(unanswered), tuple(ending), tuple(shared), asked or {}, frozenset(old))


def _standing(meter: Meter, today: date) -> dict[str, list[Right]]:
    """Return the rights that go on or wait for an answer, by their account."""
    found: dict[str, list[Right]] = {}
    for right in meter.rights:
        if right.account and (_waits(right) or right.goes_on(today)):
            found.setdefault(right.account, []).append(right)
    return found


def _ending(accounts: Iterable[Iterable[Right]], today: date) -> Iterator[Right]:
    """Yield the last right of each account that has none after it and ends soon."""
    for rights in accounts:
        last = max(rights, key=_last_day)
        if _last_day(last) <= today + ENDS_SOON:
            yield last


def _waits(right: Right) -> bool:
    return right.state in ("asked", "waiting")


def _last_day(right: Right) -> date:
    """Return the last day on which a right is of use, as if one that waits had no end."""
    return date.max if right.state != "active" or right.over_on is None else right.over_on - ONE_DAY
