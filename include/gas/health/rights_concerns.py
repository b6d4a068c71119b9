"""Causes found in the meters' documents: rights that are unclaimed, wait, end, or share a meter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import ONE_DAY
from include.gas.display.account_summary import ENDS_SOON
from include.gas.health.causes import Cause
from include.gas.rights.meter_rights import Meter, Right, find_unclaimed_rights
from include.gas.rights.transitions import LATE

FRESH = timedelta(hours=36)
"""Age up to which GRDF's answer about a client's rights is fresh: one morning may fail."""


class NamedReason(NamedTuple):
    """An account, a client or a setting that a cause concerns, or an unclaimed right's id, and why, as a clause."""

    name: str
    why: str = ""


Concern = tuple[Cause, NamedReason]


def find_rights_concerns(
    meters: Iterable[Meter], accounts: Mapping[str, bool], now: datetime, asked: Mapping[str, str]
) -> Iterator[Concern]:
    """Yield what the causes about rights concern. ``accounts``: whether a right is declared after the old one.

    :param asked: when GRDF was last asked about all rights of each client, UTC text; ``""`` for never
    """
    known, today, long_ago = list(meters), paris_today(now), utc_text(now - FRESH)
    standing = [_standing(meter, today) for meter in known]
    rights = [right for each in standing for of_account in each.values() for right in of_account]
    for each in find_unclaimed_rights(known, today):
        yield Cause.UNCLAIMED, NamedReason(each.id, each.client)
    # Also of a right that is over: what is stored of a lost household is nobody's to look after.
    yield from ((Cause.LOST, NamedReason(name)) for name in sorted(_lost_accounts(known) - {*accounts}))
    for right in rights:
        yield from _of_right(right, now)
    for of_meter in standing:
        yield from _ending(of_meter.values(), accounts, today)
        yield from _shared(of_meter)
    old = {right.client for right in rights if right.since < long_ago}
    for client, at in asked.items():
        if client in old and at < long_ago:
            yield Cause.UNCHECKED, NamedReason(client, f"last asked {at[:16]} UTC" if at else "never asked")


def _lost_accounts(meters: Iterable[Meter]) -> set[str]:
    return {right.account for meter in meters for right in meter.rights if right.account}


def _standing(meter: Meter, today: date) -> dict[str, list[Right]]:
    found: dict[str, list[Right]] = {}
    for right in meter.rights:
        if right.account and (_waits(right) or right.is_ongoing(today)):
            found.setdefault(right.account, []).append(right)
    return found


def _of_right(right: Right, now: datetime) -> Iterator[Concern]:
    # One that GRDF checks anew was answered long ago.
    if _waits(right) and not right.was_active and right.since < utc_text(now - LATE):
        yield Cause.UNANSWERED, NamedReason(right.account, f"since {right.since[:10]}")


def _ending(rights_of: Iterable[Iterable[Right]], accounts: Mapping[str, bool], today: date) -> Iterator[Concern]:
    """Yield the last right of each account, if it ends soon and none follows."""
    for rights in rights_of:
        last = max(rights, key=_last_day)
        if (end := _last_day(last)) <= today + ENDS_SOON and not accounts.get(last.account):
            yield Cause.ENDING, NamedReason(last.account, f"on {end}")


def _shared(standing: Mapping[str, Iterable[Right]]) -> Iterator[Concern]:
    """Yield the accounts that read one meter, if several do; those behind another do not."""
    accounts = sorted({each.account for rights in standing.values() for each in rights if each.was_active})
    if len(accounts) > 1:
        yield from ((Cause.SHARED, NamedReason(account, f"one of {', '.join(accounts)}")) for account in accounts)


def _waits(right: Right) -> bool:
    return right.state in ("asked", "waiting")


def _last_day(right: Right) -> date:
    return date.max if right.state != "active" or right.over_on is None else right.over_on - ONE_DAY
