"""The price that another program stores stays while it fits, and is missing as soon as the load is another one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.measures import Measures
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


def of(store: MemoryStore) -> dict[str, tuple[Any, Any]]:
    """Return price and former price of each document, by the end of its id."""
    return {
        key.rpartition(":")[2]: (document.get("price"), document.get("former_price"))
        for doctype in (DAY, MONTH, YEAR)
        for key, document in store.docs[doctype].items()
    }


def test_a_price_stays_while_other_keys_change() -> None:
    store = priced()
    before = of(store)
    put(store, 50, 60, minutes=1, status="definitive", measures=Measures(volume=4.5))
    assert of(store) == before
    assert store.docs[MONTH][f"a:{PCE}:2024-03"]["volume"] == 9


def test_a_price_of_another_load_goes_and_is_noted() -> None:
    store = priced()
    put(store, 50, 61, minutes=1)
    assert of(store) == {
        "2024-03-01": (5, None),
        "2024-03-02": (None, {"price": 6, "load": 60}),
        "2024-03": (None, {"price": 11, "load": 110}),
        "2024": (None, {"price": 11, "load": 110}),
    }


def test_the_next_price_stays_beside_the_note() -> None:
    store = priced()
    put(store, 50, 61, minutes=1)
    day = store.docs[DAY][f"a:{PCE}:2024-03-02"]
    day["price"] = 6.1
    put(store, 50, 61, minutes=2, status="definitive")
    assert of(store)["2024-03-02"] == (6.1, {"price": 6, "load": 60})
    put(store, 50, 62, minutes=3)
    assert of(store)["2024-03-02"] == (None, {"price": 6.1, "load": 61})


def test_a_total_that_is_reduced_to_the_konnectors_figure_loses_its_price() -> None:
    store = priced()
    month = store.docs[MONTH][f"a:{PCE}:2024-03"]
    month["adopted"] = [{"load": 99, "from": "x"}]
    store.docs[DAY].clear()
    put(store, minutes=1)
    month = store.docs[MONTH][f"a:{PCE}:2024-03"]
    assert (month["load"], month["days"], month.get("price"), month["former_price"]["load"]) == (99, 0, None, 110)
    assert not {"basis", "volume", "measured_days"} & month.keys()
