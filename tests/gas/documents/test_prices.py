"""The price that another program stores stays while it fits, and is missing as soon as the load is another one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
FIRST = date(2024, 3, 1)
T0 = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
ALL = Window(date(2024, 1, 1), date(2025, 1, 1))


def put(store: MemoryStore, *loads: Any, minutes: int = 0, **more: Any) -> None:
    readings = [Reading(FIRST + timedelta(days=number), load, **more) for number, load in enumerate(loads)]
    load_answer(store, "a", PCE, readings, T0 + timedelta(minutes=minutes), window=ALL)


def priced() -> MemoryStore:
    store = MemoryStore()
    put(store, 50, 60)
    for doctype in (DAY, MONTH, YEAR):
        for document in store.docs[doctype].values():
            document["price"] = document["load"] / 10
    return store


def of(store: MemoryStore) -> dict[str, Any]:
    """Return the price of each document, by the end of its id."""
    return {
        key.rpartition(":")[2]: document.get("price")
        for doctype in (DAY, MONTH, YEAR)
        for key, document in store.docs[doctype].items()
    }


def test_a_price_stays_while_other_keys_change() -> None:
    store = priced()
    before = of(store)
    put(store, 50, 60, minutes=1, status="definitive", measures={"volume": 4.5})
    assert of(store) == before
    assert store.docs[MONTH][f"a:{PCE}:2024-03"]["volume"] == 9


def test_a_price_of_another_load_goes() -> None:
    store = priced()
    put(store, 50, 61, minutes=1)
    assert of(store) == {"2024-03-01": 5, "2024-03-02": None, "2024-03": None, "2024": None}
