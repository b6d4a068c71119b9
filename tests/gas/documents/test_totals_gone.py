"""Totals are removed when none of their days is stored any more. Figures that adoption keeps without days stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.load_report import TotalChange
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
    assert TotalChange(f"a:{PCE}:2023", 115, None) in report.totals
    assert not put(store, {5: 7}, 2).changed


def test_what_adoption_keeps_without_days_stays_and_is_what_stays_of_a_total_that_lost_its_days() -> None:
    store = MemoryStore()
    adopted = [{"load": 310.25, "from": "x"}]
    alone = {"_id": f"a:{PCE}:2023-03", "account": "a", "pce": PCE, "load": 310.25, "days": 0, "adopted": adopted}
    store.write(MONTH, [alone])
    put(store, {0: 60, 5: 7})
    december = store.docs[MONTH][f"a:{PCE}:2023-12"]
    december["adopted"] = adopted
    lose(store, lambda day: day["year"] == 2023)
    put(store, {5: 7}, 1)
    assert store.docs[MONTH][f"a:{PCE}:2023-03"]["load"] == 310.25
    kept = store.docs[MONTH][f"a:{PCE}:2023-12"]
    assert (kept["load"], kept["days"], kept["adopted"]) == (310.25, 0, adopted)
    assert not put(store, {5: 7}, 2).changed
    put(store, {0: 61}, 3)
    again = store.docs[MONTH][f"a:{PCE}:2023-12"]
    assert (again["load"], again["days"], again["adopted"]) == (61, 1, adopted)
