"""Totals are removed when none of their days is stored any more. Those without days, of adoption or periods, stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
T0 = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
FIRST = date(2023, 12, 29)
ALL = Window(date(2023, 1, 1), date(2025, 1, 1))


def put(store: Any, loads: dict[int, Any], minutes: int = 0) -> Any:
    readings = [Reading(FIRST + timedelta(days=n), load) for n, load in loads.items()]
    return load_answer(store, "a", PCE, readings, T0 + timedelta(minutes=minutes), window=ALL)


def lose(store: MemoryStore, wanted: Callable[[dict[str, Any]], bool]) -> None:
    for key, document in list(store.docs[DAY].items()):
        if wanted(document):
            del store.docs[DAY][key]


def test_a_month_and_a_year_without_days_go() -> None:
    store = MemoryStore()
    put(store, {0: 60, 1: 55, 5: 7, 40: 3})
    lose(store, lambda day: day["year"] == 2023 or day["month"] == 2)
    report = put(store, {5: 7}, 1)
    store.check_totals()
    assert set(store.docs[YEAR]) == {f"a:{PCE}:2024"}
    assert (report.unchanged, report.months, report.years) == (1, 2, 2)


def test_a_total_that_never_was_a_sum_of_days_stays_until_a_day_of_its_time_is_stored() -> None:
    store = MemoryStore()
    key = f"a:{PCE}:2023-03"
    store.write(MONTH, [{"_id": key, "account": "a", "pce": PCE, "load": 310.25, "days": 0}])
    put(store, {0: 60, 5: 7})
    assert store.docs[MONTH][key]["load"] == 310.25
    put(store, {-290: 12}, 1)
    assert (store.docs[MONTH][key]["load"], store.docs[MONTH][key]["days"]) == (12, 1)
