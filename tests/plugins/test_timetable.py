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
from airflow.timetables.base import TimeRestriction
from airflow.utils.types import DagRunType
from hypothesis import given
from hypothesis import strategies as st

from grdf.timetable import GasDayTimetable, minute_of

PARIS = ZoneInfo("Europe/Paris")
DAYS = st.dates(date(2001, 1, 1), date(2099, 1, 1))
MINUTES = st.integers(0, 30 * 1440 + 1439)


def serialised(minutes: int) -> Any:
    start = datetime(2020, 1, 1, tzinfo=PARIS)
    with DAG("timetable", schedule=GasDayTimetable(minutes), start_date=start, catchup=False) as dag:
        pass
    return DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))


def run_id(timetable: GasDayTimetable, day: date) -> str:
    return timetable.generate_run_id(
        run_type=DagRunType.SCHEDULED, run_after=timetable.run_after(day), data_interval=timetable.interval(day)
    )


def first_day(info: Any) -> str:
    assert info is not None
    return str(info.data_interval.start.astimezone(PARIS).date())


@given(day=DAYS, other=DAYS, minutes=MINUTES, others=MINUTES)
def test_each_gas_day_has_one_run_after_it_at_its_minute_on_the_clock_of_paris(
    day: date, other: date, minutes: int, others: int
) -> None:
    before, after = GasDayTimetable(minutes), GasDayTimetable(others)
    wall = before.run_after(day).replace(microsecond=0).astimezone(PARIS)
    expected = datetime.combine(day + timedelta(days=1), datetime.min.time()) + timedelta(hours=6, minutes=minutes)
    skipped = wall.replace(tzinfo=None) - expected
    assert skipped in (timedelta(0), timedelta(hours=1)), "an hour later only where the clock skips one"
    assert before.interval(day).end <= before.run_after(day) < before.run_after(day + timedelta(days=1))
    neighbour = wall.date() - timedelta(days=1 + (others + 360) // 1440)
    for another in {other, neighbour} - {day}:
        assert before.run_after(day) != after.run_after(another)
        assert run_id(before, day) != run_id(after, another)
    assert run_id(before, day) == run_id(after, day) == f"scheduled__{day}"
    info = before.next_dagrun_info(
        last_automated_data_interval=before.interval(day), restriction=TimeRestriction(None, None, catchup=True)
    )
    assert info is not None
    following = day + timedelta(days=1)
    assert (info.data_interval, info.run_after) == (before.interval(following), before.run_after(following))


def test_runs_by_hand_keep_airflow_s_names() -> None:
    timetable, now = GasDayTimetable(0), pendulum.datetime(2026, 6, 20, 9, 0, 1)
    for data_interval in (None, timetable.interval(date(2026, 6, 18))):
        name = timetable.generate_run_id(run_type=DagRunType.MANUAL, run_after=now, data_interval=data_interval)
        assert name == "manual__2026-06-20T09:00:01+00:00"


def test_airflow_s_own_round_trip() -> None:
    copy, original = serialised(1561).timetable, GasDayTimetable(1561)
    assert type(copy) is GasDayTimetable
    assert (copy, hash(copy), copy.summary) == (original, hash(original), original.summary)
    assert copy != GasDayTimetable(1562)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-06-20T08:04:59+02:00", "2026-06-17"), ("2026-06-20T08:05:01+02:00", "2026-06-18"),
        ("2026-10-25T12:00:00+01:00", "2026-10-23"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("last", [None, date(2026, 1, 10)])
def test_without_catch_up_only_the_latest_due_day_is_run(
    monkeypatch: pytest.MonkeyPatch, now: str, due: str, last: date | None
) -> None:
    monkeypatch.setattr(pendulum, "now", pendulum.instance(datetime.fromisoformat(now)).in_timezone)
    timetable = GasDayTimetable(1440 + 125)  # D+2 at 08:05
    restriction = TimeRestriction(pendulum.datetime(2020, 1, 1, tz="Europe/Paris"), None, catchup=False)
    interval = None if last is None else timetable.interval(last)
    info = timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction)
    assert first_day(info) == due
    after = timetable.next_dagrun_info(last_automated_data_interval=info.data_interval, restriction=restriction)
    assert first_day(after) == str(date.fromisoformat(due) + timedelta(days=1))


def test_no_run_before_the_dag_s_start_or_after_its_end() -> None:
    start = pendulum.datetime(2099, 1, 1, 5, tz="Europe/Paris")

    def first(restriction: TimeRestriction) -> Any:
        return GasDayTimetable(0).next_dagrun_info(last_automated_data_interval=None, restriction=restriction)

    assert first_day(first(TimeRestriction(start, None, catchup=False))) == "2099-01-01"
    assert first(TimeRestriction(start, pendulum.datetime(2099, 1, 1, 4, tz="UTC"), catchup=True)) is None
    assert first(TimeRestriction(None, None, catchup=True)) is None


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
    assert str(interval.start.astimezone(PARIS).date()) == day


@given(name=st.text(min_size=1), spread=st.integers(1, 1440), days=st.integers(0, 30), hour=st.integers(0, 23))
def test_a_schedule_for_every_setting(name: str, spread: int, days: int, hour: int) -> None:
    timetable = GasDayTimetable.for_account(name, publication_days=days, first_hour=hour, spread_minutes=spread)
    earliest = max(days * 1440 + (hour - 6) * 60, 0)
    assert earliest <= timetable.minutes < earliest + spread
    assert timetable.serialize() == {"minutes": timetable.minutes}


def test_accounts_are_spread_evenly_and_keep_their_minute_on_every_machine() -> None:
    assert [minute_of(name, 240) for name in ("a", "real-household", "account-00001")] == [53, 66, 11]
    for form, size in (("account-{}", 1), ("{:032x}", 24)):
        counts = Counter(minute_of(form.format(number), 240) // size for number in range(24_000))
        assert set(counts) == set(range(240 // size))
        assert all(0.5 < count / (100 * size) < 1.5 for count in counts.values()), "as many each, give or take chance"
