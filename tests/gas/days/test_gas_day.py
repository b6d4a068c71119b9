"""Gas days, 06:00 to 06:00 in Paris, 23 or 25 hours at the clock changes; when they are late; DAG files of accounts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.gas_day import PARIS, gas_day_of, gas_day_start, paris_today, parse_day, utc_text
from include.gas.days.lateness import due_until, period_late_after, silent_after
from include.gas.days.spread import DAG_FILES, dag_file_of

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
    assert (hours_in(day), gas_day_start(day).isoformat(), end_of(day).isoformat()) == (hours, start, end)


@given(st.integers(1997, 2090))
def test_every_year_has_one_short_and_one_long_day_both_saturdays(year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    odd = {hours_in(day): day for day in days if hours_in(day) != 24}
    assert sorted(odd) == [23, 25]
    assert {day.weekday() for day in odd.values()} == {5}


@given(INSTANTS, INSTANTS)
def test_an_instant_lies_in_its_gas_day_and_sorts_as_text(one: datetime, other: datetime) -> None:
    day = gas_day_of(one)
    assert gas_day_start(day) <= one < end_of(day)
    assert gas_day_of(gas_day_start(day)) == day
    assert gas_day_of(end_of(day)) == day + timedelta(days=1)
    assert gas_day_of(end_of(day).astimezone(UTC) - timedelta(microseconds=1)) == day
    assert (utc_text(one) < utc_text(other)) == (one < other)
    assert utc_text(utc_text(one)) == utc_text(one.astimezone(PARIS)) == utc_text(one)
    assert utc_text(one).endswith("Z")


def test_today_is_that_of_paris() -> None:
    assert paris_today(datetime(2024, 3, 28, 23, 30, tzinfo=UTC)) == date(2024, 3, 29)
    assert paris_today(datetime(2024, 7, 1, 21, 59, tzinfo=UTC)) == date(2024, 7, 1)
    assert paris_today(datetime(2024, 7, 1, 22, 0, tzinfo=UTC)) == date(2024, 7, 2)


@pytest.mark.parametrize("function", [gas_day_of, paris_today, utc_text])
def test_instants_need_a_zone(function: Any) -> None:
    with pytest.raises(ValueError, match="time zone"):
        function(FROM)


@given(DAYS)
def test_days_are_read_as_they_are_written(day: date) -> None:
    assert parse_day(day.isoformat()) == day


@pytest.mark.parametrize(
    "text", ["", "2024-3-28", "20240328", "2024-02-30", "2024-W13-4", "28/03/2024", "２０２４-03-28", None]
)
def test_other_days_are_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="write it YYYY-MM-DD"):
        parse_day(text)


@pytest.mark.parametrize(
    ("frequency", "days", "periods"),
    [("1M", 5, 80), ("MM", 55, 80), ("6M", None, 240), ("JJ", None, 40), ("", 5, 80), ("1J", 5, 80)],
)
def test_when_a_meter_is_silent_and_its_periods_are_late(frequency: str, days: int | None, periods: int) -> None:
    assert (silent_after(frequency), period_late_after(frequency)) == (days, periods)


@pytest.mark.parametrize(
    ("frequency", "today", "end"),
    [
        ("1M", date(2026, 11, 30), date(2026, 11, 27)),
        ("", date(2026, 3, 1), date(2026, 2, 26)),
        ("MM", date(2026, 11, 20), date(2026, 10, 1)),
        ("MM", date(2026, 11, 21), date(2026, 11, 1)),
        ("MM", date(2027, 1, 1), date(2026, 12, 1)),
        ("MM", date(2027, 1, 31), date(2027, 1, 1)),
    ],
)
def test_days_are_missing_only_once_they_are_due(frequency: str, today: date, end: date) -> None:
    assert due_until(frequency, today) == end


def test_a_meter_whose_months_come_on_the_last_day_that_is_usual_is_never_silent() -> None:
    for today in (date(2024, 1, 1) + timedelta(days=n) for n in range(1500)):
        newest = due_until("MM", today) - timedelta(days=1)
        assert (today - newest).days <= 51 < (silent_after("MM") or 0), today


@pytest.mark.parametrize("name", ["household-{:04}", "{:032x}", "{}"])
def test_each_dag_file_has_its_share_of_the_accounts(name: str) -> None:
    shares = Counter(dag_file_of(name.format(number)) for number in range(40_000))
    assert shares.keys() == set(range(DAG_FILES))
    assert all(0.8 < share * DAG_FILES / 40_000 < 1.2 for share in shares.values())


@pytest.mark.parametrize(("account", "file"), [("real-household", 28), ("two-meters", 20), ("a", 4), ("b", 19)])
def test_an_account_is_in_the_same_dag_file_on_every_machine(account: str, file: int) -> None:
    """If an account moved, it would lose its DAG until Airflow has parsed the other file."""
    assert dag_file_of(account) == file
