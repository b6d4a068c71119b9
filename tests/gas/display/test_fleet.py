"""The fleet in numbers: each account is counted once, and a day that is not stored is never taken for nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.windows import Window
from include.gas.display.fleet import DAYS, Age, DayCount, day_counts, fleet
from include.gas.display.meter_days import MeterDays
from include.gas.display.overview import Group, Overview, Situation
from include.gas.display.recent_days import RecentDays

TODAY = date(2026, 5, 20)
NEWEST = TODAY - timedelta(days=2)
LATE = MeterDays(stored=(TODAY - timedelta(days=9),))
GAPS = RecentDays(
    NEWEST.toordinal() - 3,
    "s-ss",
    since=NEWEST - timedelta(days=3),
    covered=(Window(date.min, date.max),),
    years=((2026, 3),),
)


def account(name: str, **more: Any) -> Overview:
    return Overview(name, asked=True, **{"last": NEWEST, **more})


def test_each_account_is_counted_in_one_group() -> None:
    found = fleet(
        [
            account("a"),
            account("b", recent=(GAPS,)),
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


def test_what_needs_a_person_comes_by_urgency_with_some_accounts() -> None:
    late = [account(f"late-{n}", days_of_meters=(LATE,)) for n in (3, 1, 2, 4)]
    found = fleet([*late, account("odd", odd="?", standing=Situation.ODD), account("fine")], TODAY)
    assert [(need.situation, need.number, need.accounts) for need in found.needs] == [
        (Situation.ODD, 1, ("odd",)),
        (Situation.LATE, 4, ("late-1", "late-2", "late-3")),
    ]


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


def test_days_are_stored_corrected_missing_or_still_expected() -> None:
    first = NEWEST - timedelta(days=5)
    (*_, five, four, three, two, one, newest) = day_counts(
        [
            RecentDays(first.toordinal(), "sc-s"),
            RecentDays(first.toordinal(), "s.ssss"),
            RecentDays(first.toordinal() - 100, "s" * 103, (first + timedelta(days=3)).toordinal()),
        ],
        TODAY,
    )
    assert five == DayCount(first, 3, 0, 0, 0)
    assert four == DayCount(first + timedelta(days=1), 1, 1, 0, 0)
    assert three == DayCount(first + timedelta(days=2), 2, 0, 1, 0)
    assert two == DayCount(first + timedelta(days=3), 2, 0, 1, 0), "the third meter has it not, and should"
    assert one == DayCount(NEWEST - timedelta(days=1), 1, 0, 0, 1), "GRDF may not have published it yet"
    assert newest == DayCount(NEWEST, 1, 0, 0, 1)


def test_days_that_come_by_the_month_are_expected_until_the_20th_of_the_next_one() -> None:
    last = TODAY.replace(month=TODAY.month - 1, day=1) - timedelta(days=1)
    monthly = RecentDays(last.toordinal(), "s", frequency="MM")

    def days(today: date) -> set[tuple[int, int]]:
        return {(day.missing, day.expected) for day in day_counts([monthly], today) if day.day > last}

    assert days(TODAY.replace(day=20)) == {(0, 1)}
    assert days(TODAY.replace(day=21)) == {(1, 0), (0, 1)}


def test_a_meter_that_was_never_asked_misses_nothing() -> None:
    assert not any(day.missing or day.expected for day in day_counts([RecentDays(0, "", -1)], TODAY))
    assert len(day_counts([], TODAY)) == DAYS


@given(
    st.lists(
        st.tuples(st.integers(-150, 20), st.text("sc-.", max_size=62), st.none() | st.integers(-150, 90)), max_size=5
    )
)
def test_the_counts_are_those_of_looking_at_each_day_of_each_meter(meters: list[tuple[int, str, int | None]]) -> None:
    base = TODAY.toordinal()
    given = [RecentDays(base + at, text, None if until is None else base + until) for at, text, until in meters]
    for count in day_counts(given, TODAY):
        seen = []
        for meter in given:
            at = count.day.toordinal() - meter.first
            told = at < len(meter.letters)
            expected = meter.until is None or count.day.toordinal() <= meter.until
            seen.append("" if at < 0 else meter.letters[at] if told else "-" if expected else "")
        assert (count.stored, count.corrected) == (seen.count("s"), seen.count("c"))
        assert count.missing + count.expected == seen.count("-")
        assert not (count.missing and count.expected)
