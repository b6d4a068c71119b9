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
from include.gas.documents.storing import load_answer
from include.gas.errors import BadRequest, StoreBusy
from include.gas.konnector.adopting import adopt, plan_adoption, remove
from include.gas.rights.meter_rights import Held
from tests.gas.memory_store import PCE, T0, Killed, MemoryStore, Mortal, interleave, put

ACCOUNT, ids = "home", itertools.count()
HELD = Held(pce=PCE, word="active", days=(Window(date(2000, 1, 1), date(2040, 1, 1)),))
FIRST = date(2023, 12, 27)  # the days span two years and three months
DOCTYPES = (DAY, MONTH, YEAR)
SPAN = 40


def konnector(day: date, load: Any, doctype: str = DAY, zero: bool = False, written: str = "") -> dict[str, Any]:
    first = 0 if zero else 1
    document = {"_id": f"{next(ids):032x}", "load": load, "hour": 0, "minute": 0, "year": day.year}
    document["month"] = first if doctype == YEAR else day.month
    document["day"] = day.day if doctype == DAY else first
    if written:
        document["cozyMetadata"] = {"createdAt": written, "sourceAccount": "elsewhere"}
    return document


def ours(store: Any, loads: dict[int, Any], minutes: float = 0) -> None:
    said = {number: {"load": load, "status": "definitive"} for number, load in loads.items()}
    put(store, said, minutes, ACCOUNT, first=FIRST)


def plan_of(store: Any, held: Held = HELD, *others: str) -> Any:
    return plan_adoption(store, ACCOUNT, held, others, date(2024, 7, 1))


def run(store: Any, held: Held = HELD, *others: str) -> dict[str, int]:
    plan = plan_of(store, held, *others)
    report = adopt(store, plan)
    return {**plan.counts, "new": report.new, "removed": remove(store, plan)}


def own(store: MemoryStore, doctype: str) -> dict[str, dict[str, Any]]:
    start = f"{ACCOUNT}:{PCE}:"
    return {key.removeprefix(start): each for key, each in store.docs[doctype].items() if key.startswith(start)}


def strangers(store: MemoryStore) -> list[dict[str, Any]]:
    return [each for doctype in DOCTYPES for key, each in store.docs[doctype].items() if not key.startswith(ACCOUNT)]


def assert_totals(store: MemoryStore) -> None:
    days = own(store, DAY)
    for doctype, length in ((MONTH, 7), (YEAR, 4)):
        sums: dict[str, list[Any]] = {}
        for day, document in days.items():
            sums.setdefault(day[:length], []).append(document["load"])
        totals = own(store, doctype)
        assert sums.keys() <= totals.keys()
        for period, total in totals.items():
            assert total["days"] == len(sums.get(period, []))
            assert not total["days"] or total["load"] == pytest.approx(sum(sums[period]), abs=1e-9)


def test_a_day_that_we_do_not_have_becomes_ours_until_the_next_reading() -> None:
    store = MemoryStore(day=[konnector(FIRST, 60) | {"price": 6}])
    assert run(store) == {
        "days_adopted": 1, "days_ours": 0, "totals_kept": 0, "totals_ours": 0, "duplicates": 0, "foreign": 0,
        "uncovered": 0, "new": 1, "removed": 1,
    }  # fmt: skip
    (document,) = own(store, DAY).values()
    assert document | {"_rev": ""} == {
        "_id": f"{ACCOUNT}:{PCE}:{FIRST}", "_rev": "", "account": ACCOUNT, "pce": PCE, "load": 60, "year": 2023,
        "month": 12, "day": 27, "hour": 0, "minute": 0, "status": "provisional", "quality": "measured",
        "read_at": "1970-01-01T00:00:00.000000Z", "price": 6,
    }  # fmt: skip
    ours(store, {0: 61})
    (document,) = own(store, DAY).values()
    assert (document["load"], document["status"], "price" in document) == (61, "definitive", False)
    assert_totals(store)


def test_a_day_that_we_have_stays_as_it_is() -> None:
    days = [konnector(FIRST + timedelta(days=n), load) | {"price": n} for n, load in enumerate((55, 7))]
    store = MemoryStore(day=days, month=[konnector(FIRST, 75, MONTH) | {"price": 9}])
    ours(store, {0: 60, 1: 7})
    before = own(store, DAY) | own(store, MONTH)
    assert run(store)["days_ours"] == 2
    assert own(store, DAY) | own(store, MONTH) == before
    assert strangers(store) == []


def test_of_several_the_one_written_last_counts() -> None:
    written = ("2024-01-02T10:00:00.000Z", "2024-01-01T10:00:00.000Z", "", "")
    pairs = list(zip((55, 60, 50, 99), written, strict=True))
    store = MemoryStore(
        day=[konnector(FIRST, load, written=at) for load, at in pairs],
        month=[konnector(date(2019, 3, 1), load, MONTH, written=at) for load, at in pairs],
    )
    assert run(store)["duplicates"] == 6
    assert (own(store, DAY)[str(FIRST)]["load"], own(store, MONTH)["2019-03"]["load"]) == (55, 55)


def test_totals_are_sums_but_for_times_without_a_day() -> None:
    months = [
        konnector(date(2024, 1, 1), 99, MONTH),  # added twice
        konnector(date(2023, 12, 1), 500, MONTH, zero=True),
        konnector(date(2019, 3, 1), 232.5, MONTH, zero=True) | {"price": 23},
    ]
    years = [konnector(date(2024, 1, 1), 62.5, YEAR), konnector(date(2019, 1, 1), 2700, YEAR, zero=True)]
    january = [konnector(date(2024, 1, n), 2) for n in range(1, 32)]
    store = MemoryStore(day=[*january, konnector(date(2023, 12, 31), 5)], month=months, year=years)
    told = run(store)
    assert (told["totals_kept"], told["totals_ours"], told["removed"]) == (2, 3, 37)
    found = own(store, MONTH) | own(store, YEAR)
    assert {period: (each["load"], each["days"], each.get("price")) for period, each in found.items()} == {
        "2019-03": (232.5, 0, 23), "2019": (2700, 0, None), "2023-12": (5, 1, None), "2023": (5, 1, None),
        "2024-01": (62, 31, None), "2024": (62, 31, None),
    }  # fmt: skip
    assert (found["2019-03"]["month"], found["2019"]["month"], found["2019"]["day"]) == (3, 1, 1)


def test_documents_of_other_accounts_and_meters_are_left_alone() -> None:
    theirs = konnector(FIRST, 60, written="2024-01-01T10:00:00.000Z")
    theirs["cozyMetadata"]["sourceAccount"] = "neighbour"
    store = MemoryStore(day=[theirs, konnector(FIRST, 5), {"_id": "_design/days", "views": {}}])
    load_answer(store, ACCOUNT, "09900000000099", [Reading(FIRST, 1)], T0)
    load_answer(store, "neighbour", PCE, [Reading(FIRST, 2)], T0)
    assert run(store, HELD, "neighbour")["foreign"] == 1
    assert sorted(each["load"] for each in store.docs[DAY].values() if "load" in each) == [1, 2, 5, 60]


def test_documents_about_days_of_another_household_are_left_alone() -> None:
    """The account may hold January 2024 and what comes from June on; what is older was its own, for all we know."""
    held = Held(pce=PCE, days=(Window(date(2024, 1, 1), date(2024, 2, 1)), Window(date(2024, 6, 1), date(2040, 1, 1))))
    months = [konnector(date(2024, month, 1), month, MONTH) for month in (1, 3, 6)]
    store = MemoryStore(
        day=[*(konnector(date(2024, month, 15), month) for month in range(1, 7)), konnector(FIRST, 60)],
        month=[*months, konnector(date(2023, 11, 1), 99, MONTH)],
        year=[konnector(date(2023, 1, 1), 500, YEAR), konnector(date(2024, 1, 1), 800, YEAR)],
    )
    assert run(store, held)["uncovered"] == 6
    assert sorted(own(store, DAY)) == [str(FIRST), "2024-01-15", "2024-06-15"]
    assert sorted(own(store, MONTH)) == ["2023-11", "2023-12", "2024-01", "2024-06"]
    assert sorted(each["load"] for each in strangers(store)) == [2, 3, 3, 4, 5, 800]
    assert run(store, held)["removed"] == 0


def test_a_document_that_changes_meanwhile_stays_and_is_told() -> None:
    store = MemoryStore(day=[konnector(FIRST, 60)])
    (stored,) = store.docs[DAY].values()
    plan = plan_of(store)
    adopt(store, plan)
    store.write(DAY, [{**stored, "load": 61}])
    with pytest.raises(StoreBusy, match="the konnector is stopped"):
        remove(store, plan)
    assert [each["load"] for each in strangers(store)] == [61]


@pytest.mark.parametrize(
    ("doctype", "fields"),
    [
        *((DAY, {"load": load}) for load in (True, float("nan"), -1)), (DAY, {"day": 0}), (DAY, {"year": "2024"}),
        (DAY, {"year": 24}), (DAY, {"minute": 30}), (DAY, {"_id": f"x:{PCE}:2024-01-01"}),
        (MONTH, {"month": 0}), (MONTH, {"day": 2}), (YEAR, {"month": 5}), (YEAR, {"pce": PCE}),
    ],
)  # fmt: skip
def test_an_odd_document_is_an_error_that_names_it(doctype: str, fields: dict[str, Any]) -> None:
    store = MemoryStore(day=[konnector(FIRST, 60)])
    store.write(doctype, [{"_id": "odd", "load": 1, "year": 2024, "month": 1, "day": 1} | fields])
    before = store.revs()
    with pytest.raises(BadRequest, match="is neither ours nor one that the konnector writes"):
        run(store)
    assert store.revs() == before


LOADS = st.one_of(st.integers(0, 4), st.sampled_from([0.5, 36.212, 40.5]))
WRITTEN = st.sampled_from(["", "2024-01-01T10:00:00.000Z", "2024-02-01T10:00:00.000Z"])
DAYS = st.dictionaries(st.integers(0, SPAN), LOADS, max_size=SPAN)
TOTALS = st.lists(
    st.tuples(
        st.sampled_from([date(2019, 3, 1), date(2023, 12, 1), date(2024, 1, 1), date(2024, 2, 1)]),
        st.one_of(st.integers(0, 90), st.just(62)), st.booleans(), WRITTEN,
    ),
    max_size=5,
)  # fmt: skip


@st.composite
def shelves(draw: st.DrawFn) -> MemoryStore:
    days = [
        konnector(FIRST + timedelta(days=n), load, written=at)
        for n, load, at in draw(st.lists(st.tuples(st.integers(0, SPAN), LOADS, WRITTEN), max_size=30))
    ]
    months = [konnector(day, load, MONTH, zero, at) for day, load, zero, at in draw(TOTALS)]
    years = [konnector(day, load, YEAR, zero, at) for day, load, zero, at in draw(TOTALS)]
    store = MemoryStore(
        **{name: [*map(priced, each)] for name, each in (("day", days), ("month", months), ("year", years))}
    )
    ours(store, draw(DAYS))
    return store


def priced(document: dict[str, Any]) -> dict[str, Any]:
    """Return every second document with a price: a tenth of the load that it was computed for."""
    return document | ({"price": document["load"] / 10} if int(document["_id"], 16) % 2 else {})


@given(shelves())
@settings(max_examples=100)
def test_no_day_is_lost_and_totals_are_right(store: MemoryStore) -> None:
    theirs = {doctype: [*store.docs[doctype].values()] for doctype in DOCTYPES}
    held = copy.deepcopy(own(store, DAY))
    run(store)
    assert strangers(store) == []
    assert_totals(store)
    days = own(store, DAY)
    assert days.keys() == held.keys() | {
        f"{each['year']:04}-{each['month']:02}-{each['day']:02}" for each in theirs[DAY]
    }
    for day, document in held.items():
        assert {**days[day], "_rev": ""} == {**document, "_rev": ""}
    every = [each for doctype in DOCTYPES for each in own(store, doctype).values()]
    assert all(each.get("price") in (None, each["load"] / 10) for each in every)
    assert {each["year"] for each in theirs[YEAR]} <= {each["year"] for each in own(store, YEAR).values()}
    after = store.revs()
    assert run(store)["removed"] == 0
    assert store.revs() == after, "twice is once"


@given(shelves())
@settings(max_examples=6)
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


def contents(store: MemoryStore) -> dict[str, Any]:
    return {
        f"{doctype} {key}": {name: value for name, value in document.items() if name not in ("_rev", "basis")}
        for doctype in DOCTYPES
        for key, document in store.docs[doctype].items()
    }


@given(shelves(), DAYS, st.lists(st.integers(0, 1), max_size=40))
@settings(max_examples=40)
def test_while_a_load_is_going_on(store: MemoryStore, loads: dict[int, Any], order: list[int]) -> None:
    def adopting(at_once: Any) -> None:
        try:
            run(at_once)
        except StoreBusy:
            run(at_once)

    interleave(store, [adopting, lambda at_once: ours(at_once, loads, 24 * 60)], order)
    assert strangers(store) == []
    assert_totals(store)
    days = own(store, DAY)
    for n, load in loads.items():
        assert days[(FIRST + timedelta(days=n)).isoformat()]["load"] == load, "GRDF's word stands"
