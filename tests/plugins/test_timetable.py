"""The gas-day timetable, on its own and as Airflow's scheduler and backfills use it, on a serialised DAG."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.utils.types import DagRunType
from hypothesis import given
from hypothesis import strategies as st

from grdf.timetable import GasDayTimetable, minute_of

PARIS = ZoneInfo("Europe/Paris")
DAYS = st.dates(date(2001, 1, 1), date(2099, 1, 1))
MINUTES = st.integers(0, 30 * 1440 + 1439)


def serialised(minutes: int, *, catchup: bool = False, start: datetime | None = None) -> Any:
    """Return the DAG as the scheduler sees it, after a round trip through the JSON in the database."""
    with DAG(
        "timetable",
        schedule=GasDayTimetable(minutes),
        start_date=start or datetime(2020, 1, 1, tzinfo=PARIS),
        catchup=catchup,
    ) as dag:
        pass
    return DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))


def hours(interval: DataInterval) -> float:
    return (interval.end - interval.start).total_seconds() / 3600


@given(day=DAYS, minutes=MINUTES)
def test_a_run_starts_after_its_gas_day_at_its_minute_on_the_clock_of_paris(day: date, minutes: int) -> None:
    timetable = GasDayTimetable(minutes)
    wall = timetable.run_after(day).replace(microsecond=0).astimezone(PARIS)
    expected = datetime.combine(day + timedelta(days=1), datetime.min.time()) + timedelta(hours=6, minutes=minutes)
    skipped = wall.replace(tzinfo=None) - expected
    assert skipped in (timedelta(0), timedelta(hours=1)), "an hour later only where the clock skips one"
    assert timetable.run_after(day) >= timetable.interval(day).end
    assert timetable.run_after(day) < timetable.run_after(day + timedelta(days=1))


@given(day=DAYS, other=DAYS, minutes=MINUTES, others=MINUTES)
def test_no_two_gas_days_share_a_moment_or_a_name_under_any_settings(
    day: date, other: date, minutes: int, others: int
) -> None:
    """A lower ``publication_days`` makes the next day's run due in the same minute as the last one's."""
    before, after = GasDayTimetable(minutes), GasDayTimetable(others)
    neighbour = before.run_after(day).astimezone(PARIS).date() - timedelta(days=1 + (others + 360) // 1440)
    for another in {other, neighbour} - {day}:
        assert before.run_after(day) != after.run_after(another)
        assert run_id(before, day) != run_id(after, another)
    assert run_id(before, day) == run_id(after, day) == f"scheduled__{day}"


def run_id(timetable: GasDayTimetable, day: date) -> str:
    return timetable.generate_run_id(
        run_type=DagRunType.SCHEDULED, run_after=timetable.run_after(day), data_interval=timetable.interval(day)
    )


def test_runs_by_hand_keep_airflow_s_names() -> None:
    timetable, now = GasDayTimetable(0), pendulum.datetime(2026, 6, 20, 9, 0, 1)
    for data_interval in (None, timetable.interval(date(2026, 6, 18))):
        name = timetable.generate_run_id(run_type=DagRunType.MANUAL, run_after=now, data_interval=data_interval)
        assert name == "manual__2026-06-20T09:00:01+00:00"


@given(day=DAYS, minutes=MINUTES)
def test_each_run_follows_the_one_before(day: date, minutes: int) -> None:
    timetable = GasDayTimetable(minutes)
    info = timetable.next_dagrun_info(
        last_automated_data_interval=timetable.interval(day), restriction=TimeRestriction(None, None, catchup=True)
    )
    assert info is not None
    assert info.data_interval == timetable.interval(day + timedelta(days=1))
    assert info.run_after == timetable.run_after(day + timedelta(days=1))


@pytest.mark.parametrize("minutes", [0, 1561, 12345])
def test_airflow_s_own_round_trip(minutes: int) -> None:
    copy = serialised(minutes).timetable
    assert type(copy) is GasDayTimetable
    assert copy == GasDayTimetable(minutes)
    assert hash(copy) == hash(GasDayTimetable(minutes))
    assert copy != GasDayTimetable(minutes + 1)
    assert copy.summary == GasDayTimetable(minutes).summary


def first_day(info: Any) -> str:
    return info.data_interval.start.astimezone(PARIS).date().isoformat()


@pytest.mark.parametrize(
    ("now", "latest_due"),
    [
        ("2026-06-20T08:04:59+02:00", "2026-06-17"),
        ("2026-06-20T08:05:01+02:00", "2026-06-18"),
        ("2026-06-20T05:00:00+02:00", "2026-06-17"),
        ("2026-03-29T12:00:00+02:00", "2026-03-27"),
        ("2026-10-25T12:00:00+01:00", "2026-10-23"),
    ],
)
@pytest.mark.parametrize("last", [None, date(2026, 1, 10)])
def test_without_catch_up_only_the_latest_due_day_is_run(
    monkeypatch: pytest.MonkeyPatch, now: str, latest_due: str, last: date | None
) -> None:
    present = pendulum.instance(datetime.fromisoformat(now))
    monkeypatch.setattr(pendulum, "now", present.in_timezone)
    timetable = GasDayTimetable(1440 + 125)  # D+2 at 08:05
    restriction = TimeRestriction(pendulum.datetime(2020, 1, 1, tz="Europe/Paris"), None, catchup=False)
    interval = None if last is None else timetable.interval(last)
    info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
    assert info is not None
    assert first_day(info) == latest_due
    assert info.run_after <= present
    after = timetable.next_dagrun_info(last_automated_data_interval=info.data_interval, restriction=restriction)
    assert after is not None
    assert first_day(after) == (date.fromisoformat(latest_due) + timedelta(days=1)).isoformat()
    assert after.run_after > present


def test_no_run_before_the_dag_s_start_or_after_its_end() -> None:
    timetable = GasDayTimetable(0)
    start = pendulum.datetime(2099, 1, 1, 5, tz="Europe/Paris")
    info = timetable.next_dagrun_info(
        last_automated_data_interval=None, restriction=TimeRestriction(start, None, catchup=False)
    )
    assert info is not None
    assert first_day(info) == "2099-01-01"
    late = TimeRestriction(start, pendulum.datetime(2099, 1, 1, 4, tz="UTC"), catchup=True)
    assert timetable.next_dagrun_info(last_automated_data_interval=None, restriction=late) is None
    nothing = TimeRestriction(None, None, catchup=True)
    assert timetable.next_dagrun_info(last_automated_data_interval=None, restriction=nothing) is None


@pytest.mark.parametrize(
    ("earliest", "latest", "days", "odd"),
    [
        ("2024-03-28", "2024-04-02", ["28", "29", "30", "31", "01"], {"2024-03-30": 23}),
        ("2024-10-24", "2024-10-29", ["24", "25", "26", "27", "28"], {"2024-10-26": 25}),
        ("2024-02-28", "2024-03-02", ["28", "29", "01"], {}),
    ],
)
def test_a_backfill_has_each_gas_day_once(earliest: str, latest: str, days: list[str], odd: dict[str, int]) -> None:
    dag = serialised(1561)
    infos = list(
        dag.iter_dagrun_infos_between(
            pendulum.parse(earliest, tz="Europe/Paris"), pendulum.parse(latest, tz="Europe/Paris")
        )
    )
    assert [first_day(info)[8:] for info in infos] == days
    assert {first_day(info): hours(info.data_interval) for info in infos if hours(info.data_interval) != 24} == odd
    assert all(info.logical_date == info.data_interval.start for info in infos)


@pytest.mark.parametrize(
    ("asked_at", "day"),
    [
        ("2026-06-20T05:59:59+02:00", "2026-06-18"),
        ("2026-06-20T06:00:00+02:00", "2026-06-19"),
        ("2026-03-29T06:00:00+02:00", "2026-03-28"),
        ("2026-10-25T05:59:00+01:00", "2026-10-23"),
    ],
)
def test_a_manual_run_is_about_the_last_gas_day_that_is_over(asked_at: str, day: str) -> None:
    interval = serialised(0).timetable.infer_manual_data_interval(run_after=pendulum.parse(asked_at))
    assert interval.start.astimezone(PARIS).date().isoformat() == day


# -- minutes -----------------------------------------------------------------------------------------------------------


def test_an_account_keeps_its_minute_on_every_machine() -> None:
    assert [minute_of(name, 240) for name in ("a", "real-household", "account-00001")] == [53, 66, 11]


def test_accounts_are_spread_evenly() -> None:
    counts = Counter(minute_of(f"account-{number}", 240) for number in range(24_000))
    assert set(counts) == set(range(240))
    assert max(counts.values()) < 150, "100 each, give or take what chance does"
    counts = Counter(minute_of(f"{number:032x}", 240) // 24 for number in range(24_000))
    assert all(2150 < count < 2650 for count in counts.values())


@given(name=st.text(min_size=1), spread=st.integers(1, 1440), days=st.integers(0, 30), hour=st.integers(0, 23))
def test_a_schedule_for_every_setting(name: str, spread: int, days: int, hour: int) -> None:
    timetable = GasDayTimetable.for_account(name, publication_days=days, first_hour=hour, spread_minutes=spread)
    earliest = max(days * 1440 + (hour - 6) * 60, 0)
    assert earliest <= timetable.minutes < earliest + spread
    assert timetable.serialize() == {"minutes": timetable.minutes}
