"""Adoption: whatever the konnector left and whatever is stored, no figure is lost and the totals are right."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import WriteResult, load_answer
from include.gas.errors import StoreBusy
from include.gas.konnector import adopting as adopt_module
from include.gas.konnector.adopting import adopt, look
from include.gas.konnector.old_documents import OddDocumentError, figure_of, ranked
from include.gas.konnector.plan import READ_AT
from include.gas.rights.meter_rights import Held
from tests.gas.adoption import ACCOUNT, FIRST, HELD, NOW, PCE, assert_totals, ours, own, run, strangers
from tests.gas.konnector_store import Shelf, konnector, shelf


def test_an_adopted_day_is_restated_by_the_next_reading() -> None:
    store = shelf(day=[konnector(FIRST, 60)])
    (doc_id,) = store.docs[DAY]
    run(store)
    (document,) = own(store, DAY).values()
    assert document | {"_rev": ""} == {
        "_id": f"{ACCOUNT}:{PCE}:{FIRST}", "_rev": "", "account": ACCOUNT, "pce": PCE, "load": 60,
        "year": 2023, "month": 12, "day": 27, "hour": 0, "minute": 0, "status": "provisional", "quality": "measured",
        "read_at": "1970-01-01T00:00:00.000000Z", "adopted": [{"load": 60, "from": doc_id}],
    }  # fmt: skip
    assert READ_AT == "1970-01-01T00:00:00Z"
    ours(store, {0: 61})
    (document,) = own(store, DAY).values()
    assert (document["load"], document["status"]) == (61, "definitive")
    assert document["adopted"] == [{"load": 60, "from": doc_id}], "where it came from stays known"
    assert_totals(store)


def test_a_day_we_hold_keeps_its_load_and_the_konnectors_is_noted() -> None:
    store = shelf(day=[konnector(FIRST, 55), konnector(FIRST + timedelta(days=1), 7)])
    ours(store, {0: 60, 1: 7})
    same = store.docs[DAY][f"{ACCOUNT}:{PCE}:{FIRST + timedelta(days=1)}"]["_rev"]
    report = run(store)
    days = own(store, DAY)
    assert days[FIRST.isoformat()]["load"] == 60
    assert [entry["load"] for entry in days[FIRST.isoformat()]["adopted"]] == [55]
    assert days[(FIRST + timedelta(days=1)).isoformat()]["_rev"] == same, "nothing to note, nothing written"
    assert report.counts()["days_differing"] == 1
    assert "    * 2023-12-27\n" in report.text()
    assert_totals(store)


def test_of_duplicates_the_one_written_last_stays() -> None:
    days = [
        konnector(FIRST, 55, written="2024-01-02T10:00:00.000Z"),
        konnector(FIRST, 60, written="2024-01-01T10:00:00.000Z"),
        konnector(FIRST, 55),
        konnector(FIRST, 99),
    ]
    store = shelf(day=days)
    report = run(store)
    (document,) = own(store, DAY).values()
    assert document["load"] == 55
    assert [entry["load"] for entry in document["adopted"]] == [99, 60, 55]
    assert document["adopted"][-1]["from"] == days[0]["_id"]
    assert report.counts()["duplicates"] == 3
    assert "2023-12-27: another figure" in report.text()


def test_totals_right_wrong_partly_known_and_alone() -> None:
    january = [konnector(date(2024, 1, n), 2) for n in range(1, 32)]
    months = [
        konnector(date(2024, 1, 1), 99, MONTH),  # added twice
        konnector(date(2023, 12, 1), 500, MONTH, zero=True),  # the whole of December, of which one day is stored
        konnector(date(2019, 3, 1), 232.5, MONTH, zero=True),
    ]
    years = [konnector(date(2024, 1, 1), 62.00000001, YEAR), konnector(date(2019, 1, 1), 2700, YEAR, zero=True)]
    store = shelf(day=[*january, konnector(date(2023, 12, 31), 5)], month=months, year=years)
    text = look(store, ACCOUNT, HELD).text(dry_run=True)
    assert "* 32 days adopted" in text
    assert "    * 2023-12: now the sum of 1 days; 30 days of it are not stored" in text
    report = run(store)
    found = own(store, MONTH) | own(store, YEAR)
    told = {
        period: (each["load"], each["days"], [e["load"] for e in each.get("adopted", [])])
        for period, each in found.items()
    }
    assert told == {
        "2019-03": (232.5, 0, [232.5]), "2019": (2700, 0, [2700]), "2023-12": (5, 1, [500]), "2023": (5, 1, []),
        "2024-01": (62, 31, []), "2024": (62, 31, []),
    }  # fmt: skip
    assert (found["2019-03"]["month"], found["2019-03"]["day"]) == (3, 1)
    assert (found["2019"]["month"], found["2019"]["day"]) == (1, 1)
    assert report.removed == {DAY: 32, MONTH: 3, YEAR: 2}
    assert strangers(store) == []


def test_documents_of_other_accounts_and_meters_are_left_alone() -> None:
    theirs = konnector(FIRST, 60, written="2024-01-01T10:00:00.000Z")
    theirs["cozyMetadata"]["sourceAccount"] = "neighbour"
    store = shelf(day=[theirs, konnector(FIRST, 5)])
    load_answer(store, ACCOUNT, "09900000000099", [Reading(FIRST, 1)], NOW)
    load_answer(store, "neighbour", PCE, [Reading(FIRST, 2)], NOW)
    report = adopt(store, ACCOUNT, HELD, {"neighbour"})
    assert report.counts()["foreign"] == 1
    assert theirs["_id"] in store.docs[DAY]
    assert sorted(each["load"] for each in store.docs[DAY].values()) == [1, 2, 5, 60]


def test_documents_about_days_of_another_household_are_left_alone() -> None:
    """The account may hold January 2024 and what comes from June on; what is older was its own, for all we know."""
    held = Held(pce=PCE, days=(Window(date(2024, 1, 1), date(2024, 2, 1)), Window(date(2024, 6, 1), date(2040, 1, 1))))
    days = [konnector(date(2024, month, 15), month) for month in range(1, 7)]
    months = [konnector(date(2024, month, 1), month, MONTH) for month in (1, 3, 6)]
    store = shelf(
        day=[*days, konnector(FIRST, 60)], month=[*months, konnector(date(2023, 11, 1), 99, MONTH)],
        year=[konnector(date(2023, 1, 1), 500, YEAR), konnector(date(2024, 1, 1), 800, YEAR)],
    )  # fmt: skip
    report = adopt(store, ACCOUNT, held)
    assert report.counts()["uncovered"] == 6
    assert sorted(own(store, DAY)) == [str(FIRST), "2024-01-15", "2024-06-15"]
    assert sorted(own(store, MONTH)) == ["2023-11", "2023-12", "2024-01", "2024-06"]
    assert sorted(each["load"] for _, each in strangers(store)) == [2, 3, 3, 4, 5, 800]
    assert "* 6 documents of days that its consent does not cover, left alone" in report.text()
    assert adopt(store, ACCOUNT, held).counts()["removed"] == 0


def test_only_what_was_read_back_is_removed() -> None:
    class Lossy(Shelf):
        """A store that claims to have stored a day but does not keep it."""

        def write(self, doctype: str, docs: Iterable[dict[str, Any]]) -> WriteResult:
            result = super().write(doctype, docs)
            self.docs[DAY].pop(f"{ACCOUNT}:{PCE}:{FIRST}", None)
            return result

    store = Lossy()
    store.write(DAY, [konnector(FIRST, 60), konnector(FIRST + timedelta(days=1), 5)])
    store.write(MONTH, [konnector(FIRST, 65, MONTH)])
    with pytest.raises(StoreBusy, match="2 documents of the konnector's were still there"):
        run(store)
    assert sorted(document["load"] for _, document in strangers(store)) == [60, 65]


def test_a_total_that_is_behind_its_days_keeps_the_konnectors() -> None:
    store = shelf(month=[konnector(FIRST, 12, MONTH)])
    ours(store, {0: 5})
    behind = copy.deepcopy(store.docs[MONTH])
    ours(store, {1: 7})
    plan = look(store, ACCOUNT, HELD)
    (figure,) = plan.found.figures
    assert plan.settled(figure)
    store.docs[MONTH] = behind  # another load has stored its day but not its total yet
    assert not look(store, ACCOUNT, HELD).settled(figure)


def test_of_lone_totals_the_one_written_last_counts() -> None:
    written = ("2024-01-01T10:00:00.000Z", "2024-01-02T10:00:00.000Z", "2024-01-03T10:00:00.000Z")
    store = shelf(
        month=[konnector(FIRST, load, MONTH, written=at) for load, at in zip((300, 400, 300), written, strict=True)]
    )
    run(store)
    (total,) = own(store, MONTH).values()
    assert (total["load"], total["days"], [each["load"] for each in total["adopted"]]) == (300, 0, [400, 300])


def test_a_konnector_that_goes_on_is_given_up_on_without_a_loss() -> None:
    class Busy(Shelf):
        def scan(self, doctype: str) -> list[dict[str, Any]]:
            if doctype == DAY:
                self.write(DAY, [konnector(FIRST + timedelta(days=len(self.calls)), 5)])
            return super().scan(doctype)

    store = Busy()
    with pytest.raises(StoreBusy, match="konnector is stopped"):
        run(store)
    assert len(own(store, DAY)) == adopt_module.ROUNDS
    assert_totals(store)


def test_a_document_that_changes_meanwhile_is_adopted_as_it_then_is() -> None:
    store = shelf(day=[konnector(FIRST, 60)])
    (stored,) = store.docs[DAY].values()
    changes = [lambda: store.write(DAY, [{**stored, "load": 61}])]
    report = adopt(store, ACCOUNT, HELD, before_removal=lambda: changes.pop()() if changes else None)
    (document,) = own(store, DAY).values()
    assert (document["load"], [each["load"] for each in document["adopted"]]) == (60, [60, 61])
    assert strangers(store) == []
    assert len(report.loads) == 2
    assert "It took 2 rounds" in report.text()


@pytest.mark.parametrize(
    ("doctype", "document", "why"),
    [
        (DAY, {"load": True, "year": 2024, "month": 1, "day": 1}, "its load is not a number"),
        (DAY, {"load": float("nan"), "year": 2024, "month": 1, "day": 1}, "its load is not a number"),
        (DAY, {"load": -1, "year": 2024, "month": 1, "day": 1}, "its load is not a number"),
        (DAY, {"load": 1, "year": 2024, "month": 1, "day": 0}, "there is no day 2024-1-0"),
        (DAY, {"load": 1, "year": 2024, "month": 1.5, "day": 1}, "its month is not a whole number"),
        (DAY, {"load": 1, "year": "2024", "month": 1, "day": 1}, "its year is not a whole number"),
        (DAY, {"load": 1, "year": 24, "month": 1, "day": 1}, "its year is 24"),
        (DAY, {"load": 1, "year": 10**40, "month": 1, "day": 1}, "its year is not a whole number"),
        (DAY, {"load": 1, "year": 2024, "month": 1, "day": 1, "minute": 30}, "its minute is 30"),
        (MONTH, {"load": 1, "year": 2024, "month": 0, "day": 1}, "there is no day"),
        (MONTH, {"load": 1, "year": 2024, "month": 5, "day": 2}, "not about one whole month"),
        (YEAR, {"load": 1, "year": 2024, "month": 5, "day": 1}, "not about one whole year"),
        (YEAR, {"load": 1, "year": 2024, "pce": PCE}, "but not both"),
        (YEAR, {"_id": "a:b:2024", "load": 1, "year": 2024}, "one of ours"),
    ],
)
def test_odd_documents(doctype: str, document: dict[str, Any], why: str) -> None:
    with pytest.raises(OddDocumentError, match=why):
        figure_of(doctype, document)


@pytest.mark.parametrize(
    ("doctype", "document", "period"),
    [
        (DAY, {"load": 1, "year": 2024, "month": 2, "day": 29}, "2024-02-29"),
        (DAY, {"load": 1.5, "year": 2024.0, "month": 2, "day": 3, "hour": 0, "minute": None}, "2024-02-03"),
        (MONTH, {"load": 1, "year": 2024, "month": 2, "day": 0}, "2024-02"),
        (MONTH, {"load": 0, "year": 2024, "month": 12}, "2024-12"),
        (YEAR, {"load": 1, "year": 2024, "month": 0, "day": 0}, "2024"),
        (YEAR, {"load": 1, "year": 2024}, "2024"),
    ],
)
def test_shapes_of_the_konnectors(doctype: str, document: dict[str, Any], period: str) -> None:
    figure = figure_of(doctype, {"_id": "f" * 32, "_rev": "1-a", **document})
    assert (figure.period, figure.load, figure.rev) == (period, document["load"], "1-a")


def test_the_order_does_not_matter() -> None:
    figures = [figure_of(DAY, konnector(FIRST, load, written=at)) for load in (1, 2) for at in ("", "2024-01-01")]
    assert len({tuple(each.id for each in ranked(some)) for some in itertools.permutations(figures)}) == 1
