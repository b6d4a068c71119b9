"""An account whose konnector left documents, and what adopting them must keep, said without the code under test."""

from __future__ import annotations

from calendar import isleap, monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.daily import Reading
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.storing import load_answer
from include.gas.konnector.adopting import adopt
from include.gas.rights.meter_rights import Held
from tests.gas.konnector_store import Shelf

ACCOUNT, PCE = "home", "09900000000017"
HELD = Held(pce=PCE, word="active", days=(Window(date(2000, 1, 1), date(2040, 1, 1)),))
FIRST = date(2023, 12, 27)  # the days span two years and three months
NOW = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)
DOCTYPES = (DAY, MONTH, YEAR)


def ours(store: Shelf, loads: dict[int, Any], at: datetime = NOW) -> None:
    readings = [Reading(FIRST + timedelta(days=n), load, "definitive") for n, load in loads.items()]
    load_answer(store, ACCOUNT, PCE, readings, at)


def own(store: Shelf, doctype: str) -> dict[str, dict[str, Any]]:
    return {
        key.rpartition(":")[2]: each for key, each in store.docs[doctype].items() if key.startswith(f"{ACCOUNT}:{PCE}:")
    }


def strangers(store: Shelf) -> list[tuple[str, dict[str, Any]]]:
    return [(t, each) for t in DOCTYPES for key, each in store.docs[t].items() if not key.startswith(ACCOUNT)]


def run(store: Any) -> Any:
    return adopt(store, ACCOUNT, HELD)


def period_of(doctype: str, document: dict[str, Any]) -> str:
    whole = f"{document['year']:04d}-{document['month']:02d}-{document['day']:02d}"
    return whole[: {DAY: 10, MONTH: 7, YEAR: 4}[doctype]]


def length(period: str) -> int:
    year, _, month = period.partition("-")
    return monthrange(int(year), int(month))[1] if month else 365 + isleap(int(year))


def assert_said(store: Shelf, doctype: str, document: dict[str, Any]) -> None:
    """Assert that each figure of the konnector is still in its document, in a new one, or contradicted by every day."""
    if document["_id"] in store.docs[doctype]:
        return
    period, load = period_of(doctype, document), document["load"]
    mine = own(store, doctype)[period]
    loads = [mine["load"], *(entry["load"] for entry in mine.get("adopted", []))]
    days = [each["load"] for day, each in own(store, DAY).items() if day.startswith(period)]
    complete = doctype != DAY and len(days) == length(period)
    assert load in loads or complete or any(abs(load - each) < 0.001 for each in loads if doctype != DAY)


def assert_totals(store: Shelf) -> None:
    days = own(store, DAY)
    for doctype in (MONTH, YEAR):
        sums: dict[str, list[Any]] = {}
        for day, document in days.items():
            sums.setdefault(day[: {MONTH: 7, YEAR: 4}[doctype]], []).append(document["load"])
        totals = own(store, doctype)
        assert sums.keys() <= totals.keys()
        for period, total in totals.items():
            found = sums.get(period, [])
            assert total["days"] == len(found)
            if found:
                assert total["load"] == pytest.approx(sum(found), abs=1e-9)
            else:
                assert total["load"] in [entry["load"] for entry in total["adopted"]]
