"""Adoption: what the konnector left becomes ours, also if it is killed anywhere, or beside a load."""

from __future__ import annotations

import copy
import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.gas.errors import BadRequest, StoreBusy
from include.gas.konnector.document_adoption import adopt_documents, plan_adoption, remove_konnector_documents
from include.gas.rights.meter_rights import MeterAccess
from tests.gas.memory_store import PCE, T0, Killed, MemoryStore, Mortal, put

ACCOUNT, NUMBERS = "home", itertools.count()
HELD = MeterAccess(pce=PCE, word="active", days=(Window(date(2000, 1, 1), date(2040, 1, 1)),))
FIRST = date(2023, 12, 27)  # the days span two years and three months
KINDS = {10: DAY, 7: MONTH, 4: YEAR}
SPAN = 40


def konnector(period: str, load: Any, written: str = "", zero: bool = False, **more: Any) -> dict[str, Any]:
    """``zero``: whether it counts from 0 what the period does not have."""
    year, month, day = (*map(int, period.split("-")), *([0 if zero else 1] * 2))[:3]
    document = {"_id": f"{next(NUMBERS):032x}", "load": load, "hour": 0, "minute": 0, "year": year}
    written_at = {"cozyMetadata": {"createdAt": written, "sourceAccount": "elsewhere"}} if written else {}
    return document | {"month": month, "day": day, "kind": KINDS[len(period)]} | written_at | more


def shelf(*documents: dict[str, Any]) -> MemoryStore:
    store = MemoryStore()
    for each in documents:
        store.write(each["kind"], [{key: value for key, value in each.items() if key != "kind"}])
    return store


def ours(store: Any, loads: dict[int, Any]) -> None:
    said = {number: {"load": load, "status": "definitive"} for number, load in loads.items()}
    put(store, said, 0, ACCOUNT, first=FIRST)


def plan_of(store: Any, access: MeterAccess = HELD, *others: str) -> Any:
    return plan_adoption(store, ACCOUNT, access, others, date(2024, 7, 1))


def run(store: Any, access: MeterAccess = HELD, *others: str) -> dict[str, int]:
    plan = plan_of(store, access, *others)
    report = adopt_documents(store, plan)
    return {**plan.counts, "new": report.new, "removed": remove_konnector_documents(store, plan)}


def own(store: MemoryStore, *doctypes: str) -> dict[str, dict[str, Any]]:
    start = f"{ACCOUNT}:{PCE}:"
    every = [pair for doctype in doctypes or KINDS.values() for pair in store.docs[doctype].items()]
    return {key.removeprefix(start): each for key, each in every if key.startswith(start)}


def loads(store: MemoryStore) -> dict[str, Any]:
    return {period: each["load"] for period, each in own(store).items()}


def strangers(store: MemoryStore) -> list[Any]:
    every = [pair for doctype in KINDS.values() for pair in store.docs[doctype].items()]
    return sorted(each.get("load", -1) for key, each in every if not key.startswith(ACCOUNT))


def test_a_day_that_we_do_not_have_becomes_ours_until_the_next_reading() -> None:
    store = shelf(konnector("2023-12-27", 60, price=6))
    assert {name: count for name, count in run(store).items() if count} == {"days_adopted": 1, "new": 1, "removed": 1}
    (document,) = own(store, DAY).values()
    assert document | {"_rev": ""} == {
        "_id": f"{ACCOUNT}:{PCE}:{FIRST}", "_rev": "", "account": ACCOUNT, "pce": PCE, "load": 60, "year": 2023,
        "month": 12, "day": 27, "hour": 0, "minute": 0, "status": "provisional", "quality": "measured",
        "read_at": "1970-01-01T00:00:00.000000Z", "price": 6,
    }  # fmt: skip
    ours(store, {0: 61})
    (document,) = own(store, DAY).values()
    assert (document["load"], document["status"], "price" in document) == (61, "definitive", False)


def test_a_day_that_we_have_stays_as_it_is_and_of_several_the_one_written_last_counts() -> None:
    store = shelf(konnector("2023-12-27", 55, price=0), konnector("2023-12-28", 7, price=1), konnector("2023-12", 75))
    ours(store, {0: 60, 1: 7})
    before = own(store, DAY, MONTH)
    assert run(store)["days_ours"] == 2
    assert (own(store, DAY, MONTH), strangers(store)) == (before, [])
    pairs = (55, "2024-01-02T10:00:00.000Z"), (60, "2024-01-01T10:00:00.000Z"), (50, ""), (99, "")
    store = shelf(*(konnector(period, load, at) for load, at in pairs for period in ("2023-12-27", "2019-03")))
    assert run(store)["duplicates"] == 6
    assert (loads(store)["2023-12-27"], loads(store)["2019-03"]) == (55, 55)


def test_totals_are_sums_but_for_times_without_a_day() -> None:
    store = shelf(
        konnector("2024-01", 99), konnector("2023-12", 500, zero=True), konnector("2023-12-31", 5),
        konnector("2024", 62.5), konnector("2019", 2700, zero=True), konnector("2019-03", 232.5, zero=True, price=23),
        *(konnector(f"2024-01-{day:02}", 2) for day in range(1, 32)),
    )  # fmt: skip
    result = run(store)
    assert (result["totals_kept"], result["totals_ours"], result["removed"]) == (2, 3, 37)
    found = own(store, MONTH, YEAR)
    assert {period: (each["load"], each["days"], each.get("price")) for period, each in found.items()} == {
        "2019-03": (232.5, 0, 23), "2019": (2700, 0, None), "2023-12": (5, 1, None), "2023": (5, 1, None),
        "2024-01": (62, 31, None), "2024": (62, 31, None),
    }  # fmt: skip
    assert (found["2019-03"]["month"], found["2019"]["month"], found["2019"]["day"]) == (3, 1, 1)


def test_documents_of_others_are_left_alone() -> None:
    theirs = konnector("2023-12-27", 60, "2024-01-01T10:00:00.000Z")
    theirs["cozyMetadata"]["sourceAccount"] = "neighbour"
    store = shelf(theirs, konnector("2023-12-27", 5), {"_id": "_design/days", "views": {}, "kind": DAY})
    store_readings(store, ACCOUNT, "09900000000099", [Reading(FIRST, 1)], T0)
    store_readings(store, "neighbour", PCE, [Reading(FIRST, 2)], T0)
    assert run(store, HELD, "neighbour")["foreign"] == 1
    assert sorted(each["load"] for each in store.docs[DAY].values() if "load" in each) == [1, 2, 5, 60]
    # The account may hold January 2024 and what comes from June on; what is older was its own, for all we know.
    spans = (date(2024, 1, 1), date(2024, 2, 1)), (date(2024, 6, 1), date(2040, 1, 1))
    access = MeterAccess(pce=PCE, days=tuple(Window(*span) for span in spans))
    store = shelf(
        *(konnector(f"2024-0{month}-15", month) for month in range(1, 7)), konnector("2023-12-27", 60),
        *(konnector(f"2024-0{month}", month) for month in (1, 3, 6)), konnector("2023-11", 99), konnector("2023", 500),
        konnector("2024", 800),
    )  # fmt: skip
    assert run(store, access)["uncovered"] == 6
    assert sorted(own(store, DAY)) == [str(FIRST), "2024-01-15", "2024-06-15"]
    assert sorted(own(store, MONTH)) == ["2023-11", "2023-12", "2024-01", "2024-06"]
    assert strangers(store) == [2, 3, 3, 4, 5, 800]
    assert run(store, access)["removed"] == 0


def test_a_document_that_changes_meanwhile_stays_and_is_reported() -> None:
    store = shelf(konnector("2023-12-27", 60))
    (stored,) = store.docs[DAY].values()
    plan = plan_of(store)
    adopt_documents(store, plan)
    store.write(DAY, [{**stored, "load": 61}])
    with pytest.raises(StoreBusy, match="the konnector is stopped"):
        remove_konnector_documents(store, plan)
    assert strangers(store) == [61]


@pytest.mark.parametrize(
    ("doctype", "fields"),
    [
        *((DAY, odd) for odd in ({"load": True}, {"load": -1}, {"day": 0}, {"year": "2024"}, {"minute": 30},
                                 {"_id": f"x:{PCE}:2024-01-01"})),
        (MONTH, {"month": 0}), (MONTH, {"day": 2}), (YEAR, {"month": 5}), (YEAR, {"pce": PCE}),
    ],
)  # fmt: skip
def test_an_odd_document_is_an_error_that_names_it(doctype: str, fields: dict[str, Any]) -> None:
    odd = {"_id": "odd", "load": 1, "year": 2024, "month": 1, "day": 1, "kind": doctype} | fields
    store = shelf(konnector("2023-12-27", 60), odd)
    before = store.revs()
    with pytest.raises(BadRequest, match="is neither ours nor one that the konnector writes"):
        run(store)
    assert store.revs() == before


LOADS = st.one_of(st.integers(0, 4), st.sampled_from([0.5, 36.212, 40.5]))
DAYS = st.dictionaries(st.integers(0, SPAN), LOADS, max_size=SPAN)
DATES = st.integers(0, SPAN).map(lambda number: str(FIRST + timedelta(days=number)))
PERIODS = st.sampled_from(["2019-03", "2023-12", "2024-01", "2024-02", "2019", "2023", "2024"]) | DATES


@st.composite
def shelves(draw: st.DrawFn) -> MemoryStore:
    written = st.sampled_from(["", "2024-01-01T10:00:00.000Z", "2024-02-01T10:00:00.000Z"])
    store = shelf(*(
        konnector(period, load, at, zero and len(period) < 10, **({"price": load / 10} if zero else {}))
        for period, load, at, zero in draw(st.lists(st.tuples(PERIODS, LOADS, written, st.booleans()), max_size=40))
    ))  # fmt: skip
    ours(store, draw(DAYS))
    return store


@given(shelves())
def test_no_day_is_lost_and_totals_are_right(store: MemoryStore) -> None:
    theirs = {doctype: [*store.docs[doctype].values()] for doctype in KINDS.values()}
    held = copy.deepcopy(own(store, DAY))
    run(store)
    assert strangers(store) == []
    store.check_totals(adopted=True)
    days = own(store, DAY)
    assert days.keys() == held.keys() | {f"{each['year']}-{each['month']:02}-{each['day']:02}" for each in theirs[DAY]}
    for day, document in held.items():
        assert {**days[day], "_rev": ""} == {**document, "_rev": ""}
    assert all(each.get("price") in (None, each["load"] / 10) for each in own(store).values())
    assert {each["year"] for each in theirs[YEAR]} <= {each["year"] for each in own(store, YEAR).values()}
    after = store.revs()
    assert run(store)["removed"] == 0
    assert store.revs() == after, "twice is once"


def contents(store: MemoryStore) -> dict[str, Any]:
    every = [(f"{doctype} {key}", each) for doctype in KINDS.values() for key, each in store.docs[doctype].items()]
    return {key: {name: value for name, value in each.items() if name not in ("_rev", "basis")} for key, each in every}


@given(shelves())
@settings(max_examples=8)
def test_killed_anywhere_and_started_again(store: MemoryStore) -> None:
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
            assert contents(again) == contents(whole)
        else:
            pytest.fail("it never came to an end")
