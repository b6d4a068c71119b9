"""The changes made by loads: summed up, and limited in size."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.documents.changes import DAYS_NAMED, Changes, LoadReport
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09999999900017"
FIRST = date(2023, 11, 20)
DAYS = st.lists(st.integers(0, 900).map(lambda n: FIRST + timedelta(days=n)), max_size=150, unique=True)


def report(days: list[date]) -> LoadReport:
    days = sorted(days)
    months, years = {(day.year, day.month) for day in days}, {day.year for day in days}
    return LoadReport(new=len(days), months=len(months), years=len(years), changed_days=tuple(days))


@given(st.lists(DAYS, max_size=3))
def test_changes_add_up_and_survive_json(loads: list[list[date]]) -> None:
    changes = Changes.of(map(report, loads))
    days = sorted({day for load in loads for day in load})
    assert bool(changes) == bool(days)
    assert changes.days == days[-DAYS_NAMED:]
    assert (changes.first, changes.last) == ((days[0], days[-1]) if days else (None, None))
    assert changes.counts.get(DAY, 0) == sum(map(len, loads))
    assert Changes.from_json(json.loads(json.dumps(changes.as_json()))) == changes
    told = changes.extras("home")
    assert set(told) == ({DAY, MONTH, YEAR} if days else set())
    for extra in told.values():
        assert set(extra) == {"account", "changed"}, "no days: events of a household that leaves stay in Airflow"
        assert extra["account"] == "home"
        assert extra["changed"] > 0


def test_a_load_that_died_before_it_was_heard_of_tells_its_days_when_it_is_repeated() -> None:
    store, at = MemoryStore(), datetime(2024, 6, 1, 12, tzinfo=UTC)
    readings = [Reading(date(2024, 3, day), day) for day in (1, 2, 3)]
    assert load_answer(store, "home", PCE, readings, at).changed_days == tuple(each.day for each in readings)
    again = load_answer(store, "home", PCE, readings, at)
    assert again.unchanged == 3, "nothing is written twice"
    assert again.changed_days == tuple(each.day for each in readings)
    assert Changes.of([again]).counts == {DAY: 3, MONTH: 1, YEAR: 1}
    later = load_answer(store, "home", PCE, readings, at + timedelta(hours=1))
    assert later.changed_days == (), "a later answer that says the same changes nothing"
