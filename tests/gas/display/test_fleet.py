"""The fleet in numbers: each account is counted once, and a day that is not stored is never taken for nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.days.windows import Window
from include.gas.display.fleet import Age, fleet
from include.gas.display.meter_days import MeterDays
from include.gas.display.overview import Group, Overview, Situation
from include.gas.documents.year_counts import StoredYear
from include.gas.rights.meter_rights import Held

TODAY = date(2026, 5, 20)
NEWEST = TODAY - timedelta(days=2)
EVER = Held(pce="0990", word="active", days=(Window(date.min, date.max),))


def stored(last: date, first: date | None = None, *absent: Window) -> MeterDays:
    return MeterDays(EVER, (StoredYear(first or last, last, absent),))


LATE = stored(TODAY - timedelta(days=9))
HOLE = NEWEST - timedelta(days=2)
GAPS = stored(NEWEST, NEWEST - timedelta(days=3), Window(HOLE, NEWEST - timedelta(days=1)))


def account(name: str, **more: Any) -> Overview:
    return Overview(name, asked=True, **{"last": NEWEST, **more})


def test_each_account_is_counted_in_one_group() -> None:
    found = fleet(
        [
            account("a"),
            account("b", days_of_meters=(GAPS,)),
            account("c", days_of_meters=(LATE,)),
            account("d", standing=Situation.CONNECT),
            account("e", standing=Situation.ASKED),
            account("f", standing=Situation.LEAVING),
            account("g", standing=Situation.CONNECT, lost_on=TODAY - timedelta(days=8)),
        ],
        TODAY,
    )
    assert found.groups == {
        Group.WELL: {Situation.GAPS: 1, Situation.WELL: 1},
        Group.LATE: {Situation.LATE: 1},
        Group.WAITING: {Situation.ASKED: 1},
        Group.LOST: {Situation.CONNECT: 1},
        Group.OVER: {Situation.OVER: 1},
        Group.LEAVING: {Situation.LEAVING: 1},
    }
    assert sum(n for counts in found.groups.values() for n in counts.values()) == found.total == 7


def test_who_is_silent_for_long_is_listed_until_it_is_known() -> None:
    def silent(name: str, age: int, **more: Any) -> Overview:
        return account(name, days_of_meters=(stored(TODAY - timedelta(days=age)),), **more)

    known = {"known": TODAY - timedelta(days=9)}
    found = fleet([silent("a", 31), silent("b", 90), silent("young", 30), silent("known", 90, **known)], TODAY)
    assert [each.id for each in found.silent] == ["b", "a"]
    assert found.groups[Group.LATE] == {Situation.LATE: 3}


@pytest.mark.parametrize(
    ("ago", "place"), [(-1, 0), (0, 0), (2, 0), (3, 1), (7, 5), (8, 6), (14, 6), (15, 7), (90, 8), (91, 9), (None, 10)]
)
def test_each_account_is_in_one_class_of_ages(ago: int | None, place: int) -> None:
    last = None if ago is None else TODAY - timedelta(days=ago)
    ages = fleet([account("a", last=last)], TODAY).ages
    assert [each.number for each in ages].index(1) == place
    assert sum(each.number for each in ages) == 1
    day = ages[place]
    if last and ago and ago > 0:
        assert day.last
        assert (day.first or date.min) <= last <= day.last


def test_an_account_that_cannot_be_read_has_no_age() -> None:
    assert fleet([account("odd", odd="?", standing=Situation.ODD, last=None)], TODAY).ages[-1] == Age(None, None, 0)
