"""Adoption of any mix of documents: no figure is lost and the totals are right, also when killed or beside a load."""

from __future__ import annotations

import copy
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import day_of
from include.gas.konnector.adopting import look
from tests.gas.adoption import (
    ACCOUNT,
    DOCTYPES,
    FIRST,
    HELD,
    NOW,
    assert_said,
    assert_totals,
    ours,
    own,
    period_of,
    run,
    strangers,
)
from tests.gas.konnector_store import Shelf, ids, konnector, shelf
from tests.gas.memory_store import Killed, Mortal, interleave

SPAN = 40
PRICES = ("price", "former_price")

LOADS = st.one_of(st.integers(0, 4), st.sampled_from([0.5, 36.212, 40.5]))
WRITTEN = st.sampled_from(["", "2024-01-01T10:00:00.000Z", "2024-02-01T10:00:00.000Z"])
DAYS = st.dictionaries(st.integers(0, SPAN), LOADS, max_size=SPAN)
THEIR_DAYS = st.one_of(
    st.lists(st.tuples(st.integers(0, SPAN), LOADS, WRITTEN), max_size=30),
    st.just([(n, 2, "") for n in range(SPAN)]),  # a January without a gap
)
TOTALS = st.lists(
    st.tuples(
        st.sampled_from([date(2019, 3, 1), date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1)]),
        st.one_of(st.integers(0, 90), st.just(62)),
        st.booleans(),
        WRITTEN,
    ),
    max_size=5,
)
ODD = st.lists(
    st.sampled_from(
        [
            {"load": "12", "year": 2024, "month": 1, "day": 3},
            {"load": 12, "year": 2024, "month": 2, "day": 30},
            {"load": 12, "year": 2024, "month": 1, "day": 3, "hour": 7},
            {"load": 12, "year": 2024, "month": 1, "day": 3, "account": "x"},
            {"_id": "_design/days", "views": {}},
            {},
        ]
    ),
    max_size=3,
)


@st.composite
def shelves(draw: st.DrawFn) -> Shelf:
    days = [konnector(FIRST + timedelta(days=n), load, written=at) for n, load, at in draw(THEIR_DAYS)]
    months = [konnector(day, load, MONTH, zero, at) for day, load, zero, at in draw(TOTALS)]
    years = [konnector(day, load, YEAR, zero, at) for day, load, zero, at in draw(TOTALS)]
    odd = [{"_id": f"odd{next(ids)}", **copy.deepcopy(each)} for each in draw(ODD)]
    odd = list({each["_id"]: each for each in odd}.values())
    store = shelf(day=[*map(priced, days), *odd], month=[*map(priced, months)], year=[*map(priced, years)])
    ours(store, draw(DAYS))
    return store


def priced(document: dict[str, Any]) -> dict[str, Any]:
    """Return every second document with a price: a tenth of the load that it was computed for."""
    return document | ({"price": document["load"] / 10} if int(document["_id"], 16) % 2 else {})


def assert_prices(store: Shelf, theirs: list[tuple[str, dict[str, Any]]]) -> None:
    """Assert that each price stands beside its own load, and that no period has lost its only one."""
    found = {period: each for doctype in DOCTYPES for period, each in own(store, doctype).items()}
    for each in found.values():
        former = each.get("former_price")
        assert each.get("price") in (None, each["load"] / 10)
        assert former is None or former["price"] == former["load"] / 10
    for period in {period_of(doctype, document) for doctype, document in theirs if "price" in document}:
        assert "price" in found[period] or "former_price" in found[period]


@given(shelves())
@settings(max_examples=150)
def test_no_figure_is_lost_and_totals_are_right(store: Shelf) -> None:
    theirs = [(each.doctype, store.docs[each.doctype][each.id]) for each in look(store, ACCOUNT, HELD).found.figures]
    odd = [pair for pair in strangers(store) if pair not in theirs]
    held = copy.deepcopy(own(store, DAY))
    before = store.revs()
    plan = look(store, ACCOUNT, HELD)
    assert store.revs() == before
    report = run(store)
    assert report.plan.counts() == plan.counts()
    assert strangers(store) == odd, "odd documents stay as they are, the konnector's are gone"
    for doctype, document in theirs:
        assert_said(store, doctype, document)
    assert_totals(store)
    assert_prices(store, theirs)
    days = own(store, DAY)
    assert Counter(map(day_of, days.values())).most_common(1)[0][1] == 1 if days else True
    for day, document in held.items():
        kept = {key: value for key, value in days[day].items() if key not in ("adopted", "_rev", *PRICES)}
        assert kept == {key: value for key, value in document.items() if key != "_rev"}
    assert sum(report.removed.values()) == len(theirs)
    after = store.revs()
    assert run(store).counts()["removed"] == 0
    assert store.revs() == after, "twice is once"


@given(shelves())
@settings(max_examples=12)
def test_killed_anywhere_and_started_again(store: Shelf) -> None:
    theirs = [(each.doctype, store.docs[each.doctype][each.id]) for each in look(store, ACCOUNT, HELD).found.figures]
    whole = copy.deepcopy(store)
    run(whole)
    said = contents(whole)
    for how in ("before", "halfway", "after"):
        for at in range(60):
            again = copy.deepcopy(store)
            try:
                run(Mortal(again, at, how))
            except Killed:
                for doctype, document in theirs:
                    assert_said(again, doctype, document)
                run(again)
            else:
                break
            assert contents(again) == said
        else:
            pytest.fail("it never came to an end")


def contents(store: Shelf) -> dict[str, Any]:
    return {
        f"{doctype} {key}": {name: value for name, value in document.items() if name not in ("_rev", "basis")}
        for doctype in DOCTYPES
        for key, document in store.docs[doctype].items()
    }


@given(shelves(), DAYS, st.lists(st.integers(0, 1), max_size=40))
@settings(max_examples=60)
def test_while_a_load_is_going_on(store: Shelf, loads: dict[int, Any], order: list[int]) -> None:
    theirs = [(each.doctype, store.docs[each.doctype][each.id]) for each in look(store, ACCOUNT, HELD).found.figures]
    interleave(store, [run, lambda at_once: ours(at_once, loads, NOW + timedelta(days=1))], order)
    for doctype, document in theirs:
        if doctype == DAY:
            continue  # by now, GRDF may have restated the figure
        assert document["_id"] not in store.docs[doctype]
    assert_totals(store)
    assert_prices(store, theirs)
    days = own(store, DAY)
    for n, load in loads.items():
        assert days[(FIRST + timedelta(days=n)).isoformat()]["load"] == load, "GRDF's word stands"
