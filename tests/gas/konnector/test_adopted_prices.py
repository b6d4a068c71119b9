"""Adoption keeps a price that another program stored on the konnector's documents, as long as it fits our load."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from include.gas.konnector.adopting import adopt
from include.gas.rights.meter_rights import Held
from tests.gas.konnector_store import Shelf, konnector, shelf

ACCOUNT, PCE = "home", "09999990000841"
HELD = Held(pce=PCE)
FIRST = date(2023, 12, 27)
DOCTYPES = (DAY, MONTH, YEAR)
NOW = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
EARLY, LATE = "2024-01-01T10:00:00.000Z", "2024-02-01T10:00:00.000Z"


def priced(load: Any, price: Any, doctype: str = DAY, day: date = FIRST, written: str = "") -> dict[str, Any]:
    return konnector(day, load, doctype, written=written) | {"price": price}


def ours(store: Any, *loads: Any, at: datetime = NOW) -> None:
    readings = [Reading(FIRST + timedelta(days=n), load, "definitive") for n, load in enumerate(loads)]
    load_answer(store, ACCOUNT, PCE, readings, at)


def run(store: Any) -> Any:
    return adopt(store, ACCOUNT, HELD)


def adopted(store: Shelf) -> dict[str, tuple[Any, Any, Any]]:
    """Adopt, twice. Return load, price and former price of each of our documents, by period."""
    run(store)
    before = store.revs()
    run(store)
    assert store.revs() == before, "twice is once"
    return said(store)


def said(store: Shelf) -> dict[str, tuple[Any, Any, Any]]:
    return {
        key.rpartition(":")[2]: (each["load"], each.get("price"), each.get("former_price"))
        for doctype in DOCTYPES
        for key, each in store.docs[doctype].items()
        if key.startswith(f"{ACCOUNT}:{PCE}:")
    }


def ours_of(store: Shelf, doctype: str, period: str) -> dict[str, Any]:
    return store.docs[doctype][f"{ACCOUNT}:{PCE}:{period}"]


def test_a_day_that_we_have_gets_the_price_of_its_load() -> None:
    store = shelf(day=[priced(60, 6.2), priced(55, 5.1, day=FIRST + timedelta(days=1))])
    ours(store, 60, 56)
    days = adopted(store)
    assert days["2023-12-27"] == (60, 6.2, None)
    assert days["2023-12-28"] == (56, None, {"price": 5.1, "load": 55})
    assert "price" not in ours_of(store, DAY, "2023-12-28"), "who looks for days without a price finds it"
    assert ours_of(store, DAY, "2023-12-27")["status"] == "definitive"


def test_what_our_document_says_wins() -> None:
    store = shelf(day=[priced(60, 9), priced(55, 9)], month=[priced(60, 9, MONTH)], year=[priced(61, 9, YEAR)])
    ours(store, 60)
    for doctype, period in ((DAY, "2023-12-27"), (MONTH, "2023-12"), (YEAR, "2023")):
        ours_of(store, doctype, period).update(price=6, former_price={"price": 5, "load": 50})
    assert adopted(store) == dict.fromkeys(("2023-12-27", "2023-12", "2023"), (60, 6, {"price": 5, "load": 50}))


def test_totals_bring_their_prices_and_wrong_ones_say_what_they_were_for() -> None:
    january = [konnector(date(2024, 1, n), 2) for n in range(1, 32)]
    store = shelf(
        day=[*january, konnector(date(2023, 12, 31), 5)],
        month=[
            priced(99, 9, MONTH, date(2024, 1, 1)),  # added twice, and every day contradicts it
            priced(500, 50, MONTH, date(2023, 12, 1)),  # of which one day is stored
            priced(232.5, 23, MONTH, date(2019, 3, 1)),  # of which none is
        ],
        year=[priced(62.00000001, 6, YEAR, date(2024, 1, 1)), priced(2700, 270, YEAR, date(2019, 1, 1))],
    )
    assert {period: each for period, each in adopted(store).items() if len(period) < 10} == {
        "2019-03": (232.5, 23, None), "2019": (2700, 270, None), "2023-12": (5, None, {"price": 50, "load": 500}),
        "2023": (5, None, None), "2024-01": (62, None, {"price": 9, "load": 99}), "2024": (62, 6, None),
    }  # fmt: skip


def test_of_duplicates_the_last_that_fits_and_the_last_that_does_not() -> None:
    days = [priced(60, 1, written=EARLY), priced(60, 2), priced(55, 3), priced(50, 4, written=EARLY)]
    store = shelf(day=[*days, konnector(FIRST, 60, written=LATE)])
    assert adopted(store)["2023-12-27"] == (60, 1, {"price": 4, "load": 50})


@pytest.mark.parametrize("price", [None, "6", True, float("nan"), {}])
def test_a_price_that_is_no_number_is_none(price: Any) -> None:
    store = shelf(day=[priced(60, price)])
    assert adopted(store) == {"2023-12-27": (60, None, None), "2023-12": (60, None, None), "2023": (60, None, None)}
    assert "price" not in ours_of(store, DAY, "2023-12-27")


def test_a_price_that_is_stored_meanwhile_comes_along_too() -> None:
    store = shelf(day=[konnector(FIRST, 60)], month=[konnector(FIRST, 60, MONTH)])
    stored = [(doctype, each) for doctype in (DAY, MONTH) for each in store.docs[doctype].values()]

    def price() -> None:
        while stored:
            doctype, each = stored.pop()
            store.write(doctype, [{**each, "price": 6}])

    adopt(store, ACCOUNT, HELD, before_removal=price)
    assert said(store) == {"2023-12-27": (60, 6, None), "2023-12": (60, 6, None), "2023": (60, None, None)}
