"""Adoption keeps a price that another program stored on the konnector's documents, as long as it fits our load."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import WriteResult, load_answer
from include.gas.errors import StoreBusy
from include.gas.konnector.adopting import adopt
from tests.gas.konnector_store import Shelf, konnector, shelf
from tests.gas.memory_store import Killed, Mortal, interleave

ACCOUNT, PCE = "home", "09999990000841"
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
    return adopt(store, ACCOUNT, PCE)


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


def test_an_adopted_day_brings_its_price_which_goes_with_its_load() -> None:
    store = shelf(day=[priced(60, 6.2)])
    assert adopted(store)["2023-12-27"] == (60, 6.2, None)
    ours(store, 60)
    assert said(store)["2023-12-27"] == (60, 6.2, None), "GRDF says the same"
    ours(store, 61, at=NOW + timedelta(days=1))
    assert said(store)["2023-12-27"] == (61, None, {"price": 6.2, "load": 60})


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
        "2019-03": (232.5, 23, None),
        "2019": (2700, 270, None),
        "2023-12": (5, None, {"price": 50, "load": 500}),
        "2023": (5, None, None),
        "2024-01": (62, None, {"price": 9, "load": 99}),
        "2024": (62, 6, None),
    }


def test_days_that_come_later_take_the_price_from_a_lone_total() -> None:
    store = shelf(month=[priced(400, 40, MONTH)])
    assert adopted(store)["2023-12"] == (400, 40, None)
    ours(store, 60)
    assert said(store)["2023-12"] == (60, None, {"price": 40, "load": 400})


def test_of_duplicates_the_last_that_fits_and_the_last_that_does_not() -> None:
    days = [priced(60, 1, written=EARLY), priced(60, 2), priced(55, 3), priced(50, 4, written=EARLY)]
    store = shelf(day=[*days, konnector(FIRST, 60, written=LATE)])
    assert adopted(store)["2023-12-27"] == (60, 1, {"price": 4, "load": 50})


@pytest.mark.parametrize("price", [None, "6", True, float("nan"), {}])
def test_a_price_that_is_no_number_is_none(price: Any) -> None:
    store = shelf(day=[priced(60, price)])
    assert adopted(store) == {"2023-12-27": (60, None, None), "2023-12": (60, None, None), "2023": (60, None, None)}
    assert "price" not in ours_of(store, DAY, "2023-12-27")


def test_a_document_is_kept_until_its_price_was_read_back() -> None:
    class Lossy(Shelf):
        """A store that claims to have stored a price but does not keep it."""

        def write(self, doctype: str, docs: Iterable[dict[str, Any]]) -> WriteResult:
            kept = [each if ":" not in each["_id"] else {**each, "price": None} for each in docs]
            return super().write(doctype, kept)

    store = Lossy()
    store.write(DAY, [priced(60, 6.2)])
    with pytest.raises(StoreBusy, match="1 documents of the konnector's were still there"):
        run(store)
    assert [each["price"] for key, each in store.docs[DAY].items() if ":" not in key] == [6.2]


def test_a_price_that_is_stored_meanwhile_comes_along_too() -> None:
    store = shelf(day=[konnector(FIRST, 60)], month=[konnector(FIRST, 60, MONTH)])
    stored = [(doctype, each) for doctype in (DAY, MONTH) for each in store.docs[doctype].values()]

    def price() -> None:
        while stored:
            doctype, each = stored.pop()
            store.write(doctype, [{**each, "price": 6}])

    adopt(store, ACCOUNT, PCE, before_removal=price)
    assert said(store) == {"2023-12-27": (60, 6, None), "2023-12": (60, 6, None), "2023": (60, None, None)}


# -- any mix: every price is a tenth of the load that it was computed for ----------------------------------------------

LOADS = st.integers(1, 4)
THEIRS = st.lists(st.tuples(st.integers(0, 8), LOADS, st.booleans(), st.sampled_from(["", EARLY, LATE])), max_size=15)
TOTALS = st.lists(
    st.tuples(st.sampled_from([date(2019, 3, 1), date(2023, 12, 1), date(2024, 1, 1)]), st.integers(1, 40)), max_size=5
)
OURS = st.lists(LOADS, max_size=9)


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    days = [
        konnector(FIRST + timedelta(days=n), load, written=at) | ({"price": load / 10} if has else {})
        for n, load, has, at in draw(THEIRS)
    ]
    totals = {
        kind: [priced(load, load / 10, doctype, day) for day, load in draw(TOTALS)]
        for kind, doctype in (("month", MONTH), ("year", YEAR))
    }
    store = shelf(day=days, **totals)
    ours(store, *draw(OURS))
    return store


def prices(store: Shelf) -> dict[str, set[float]]:
    """Return the loads for which the konnector's documents have a price, by doctype and period."""
    found: dict[str, set[float]] = {}
    for doctype, length in ((DAY, 10), (MONTH, 7), (YEAR, 4)):
        for key, each in store.docs[doctype].items():
            if ":" not in key and "price" in each:
                day = date(each["year"], each["month"], each["day"]).isoformat()[:length]
                found.setdefault(day, set()).add(each["load"])
    return found


def assert_prices(store: Shelf, theirs: dict[str, set[float]]) -> None:
    """Assert that each price fits its load, and that none that fits and no period's only price is missing."""
    for period, (load, price, former) in said(store).items():
        assert price is None or price == load / 10
        assert former is None or former["price"] == former["load"] / 10
        loads = theirs.get(period, set())
        assert (price is not None or former is not None) == bool(loads)
        assert price is not None or load not in loads


@given(shelves())
@settings(max_examples=150)
def test_prices_fit_and_none_is_lost(store: Shelf) -> None:
    theirs = prices(store)
    adopted(store)
    assert_prices(store, theirs)
    assert prices(store) == {}


@given(shelves())
@settings(max_examples=10)
def test_killed_anywhere_and_started_again(store: Shelf) -> None:
    whole = copy.deepcopy(store)
    run(whole)
    for how in ("before", "halfway", "after"):
        for at in range(60):
            again = copy.deepcopy(store)
            try:
                run(Mortal(again, at, how))
            except Killed:
                run(again)
            else:
                break
            assert said(again) == said(whole)
        else:
            pytest.fail("it never came to an end")


@given(shelves(), OURS, st.lists(st.integers(0, 1), max_size=40))
@settings(max_examples=60)
def test_while_a_load_is_going_on(store: Shelf, loads: list[int], order: list[int]) -> None:
    theirs = prices(store)
    interleave(store, [run, lambda at_once: ours(at_once, *loads, at=NOW + timedelta(days=1))], order)
    found = said(store)
    for period, (load, price, former) in found.items():
        assert price is None or price == load / 10, "a price never stands beside a load that is not its own"
        assert former is None or former["price"] == former["load"] / 10
        assert (price is not None or former is not None) == bool(theirs.get(period))
