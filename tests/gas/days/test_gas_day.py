"""Gas days: 06:00 to 06:00 in Paris, 23 or 25 hours at the clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.gas_day import (
    PARIS,
    gas_day_of,
    gas_day_start,
    paris_today,
    parse_day,
    utc_text,
)

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 30))
ZONES = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
FROM, TO = datetime.fromisoformat("1990-01-02"), datetime.fromisoformat("2090-12-30")
INSTANTS = st.datetimes(FROM, TO, timezones=ZONES)


def end_of(day: date) -> datetime:
    return gas_day_start(day + timedelta(days=1))


def hours_in(day: date) -> float:
    return (end_of(day).astimezone(UTC) - gas_day_start(day).astimezone(UTC)).total_seconds() / 3600


@pytest.mark.parametrize(
    ("day", "hours", "start", "end"),
    [
        (date(2024, 3, 29), 24, "2024-03-29T06:00:00+01:00", "2024-03-30T06:00:00+01:00"),
        (date(2024, 3, 30), 23, "2024-03-30T06:00:00+01:00", "2024-03-31T06:00:00+02:00"),
        (date(2024, 3, 31), 24, "2024-03-31T06:00:00+02:00", "2024-04-01T06:00:00+02:00"),
        (date(2024, 10, 26), 25, "2024-10-26T06:00:00+02:00", "2024-10-27T06:00:00+01:00"),
        (date(2024, 2, 29), 24, "2024-02-29T06:00:00+01:00", "2024-03-01T06:00:00+01:00"),
    ],
)
def test_bounds(day: date, hours: int, start: str, end: str) -> None:
    assert hours_in(day) == hours
    assert gas_day_start(day).isoformat() == start
    assert end_of(day).isoformat() == end


@given(DAYS)
def test_days_follow_one_another_without_gap(day: date) -> None:
    assert gas_day_of(end_of(day)) == day + timedelta(days=1)
    assert hours_in(day) in (23, 24, 25)


@given(st.integers(1997, 2090))
def test_every_year_has_one_short_and_one_long_day_both_saturdays(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    odd = {hours_in(day): day for day in days if hours_in(day) != 24}
    assert sorted(odd) == [23, 25]
    assert {day.weekday() for day in odd.values()} == {5}


@given(INSTANTS)
def test_an_instant_lies_in_its_gas_day(instant: datetime) -> None:
    day = gas_day_of(instant)
    assert gas_day_start(day) <= instant < end_of(day)
    assert gas_day_of(gas_day_start(day)) == day
    assert gas_day_of(end_of(day).astimezone(UTC) - timedelta(microseconds=1)) == day


def test_today_is_that_of_paris() -> None:
    assert paris_today(datetime(2024, 3, 28, 23, 30, tzinfo=UTC)) == date(2024, 3, 29)
    assert paris_today(datetime(2024, 7, 1, 21, 59, tzinfo=UTC)) == date(2024, 7, 1)
    assert paris_today(datetime(2024, 7, 1, 22, 0, tzinfo=UTC)) == date(2024, 7, 2)


@pytest.mark.parametrize("function", [gas_day_of, paris_today, utc_text])
def test_instants_need_a_zone(function: object) -> None:
    with pytest.raises(ValueError, match="time zone"):
        function(FROM)  # type: ignore[operator]  # one of three functions


@given(DAYS)
def test_days_are_read_as_they_are_written(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize(
    "text", ["", "2024-3-28", "20240328", "2024-02-30", "2024-W13-4", "28/03/2024", "２０２４-03-28", None]
)
def test_other_days_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it YYYY-MM-DD"):
        parse_day(text)


@given(INSTANTS, INSTANTS)
def test_instants_sort_as_texts(one: datetime, other: datetime) -> None:
    assert (utc_text(one) < utc_text(other)) == (one < other)
    assert utc_text(utc_text(one)) == utc_text(one)
    assert utc_text(one.astimezone(PARIS)).endswith("Z")
