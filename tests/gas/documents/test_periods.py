"""Published periods: stored once per first day, taken away by a whole answer, and compared with the days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import SortedAnswer
from include.gas.days.windows import Window
from include.gas.documents.billing.comparison import compare, compare_all
from include.gas.documents.billing.periods import (
    disallowed_periods,
    merge_period,
    period_document,
    period_of,
    withdrawn_periods,
)
from include.gas.documents.day_documents import CHANGES_KEPT, day_id
from include.gas.documents.doctypes import DATA, PUBLISHED
from include.gas.errors import PartialAnswer

PCE = "09900000000017"
MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)
READ_AT = "2024-06-01T11:00:00+00:00"


def document(load: int = 1922, end: date = APRIL, at: str = READ_AT, first: date = MARCH) -> dict[str, Any]:
    return period_document("home", PCE, Period(first, end, load, 11.24), at)


def test_a_document_and_back() -> None:
    period = Period(MARCH, APRIL, 1922, 11.24, 171.0, "RNO", "definitive", "measured")
    stored = period_document("home", PCE, period, READ_AT)
    assert stored == {
        "_id": f"home:{PCE}:2024-03-01", "account": "home", "pce": PCE, "load": 1922,
        "first": "2024-03-01", "end": "2024-04-01", "days": 31,
        "year": 2024, "month": 3, "day": 1, "hour": 0, "minute": 0,
        "coefficient": 11.24, "volume": 171.0, "reason": "RNO", "status": "definitive", "quality": "measured",

        "read_at": "2024-06-01T11:00:00.000000Z",
    }  # fmt: skip
    assert period_of(stored) == period
    assert PUBLISHED in DATA, "a household that leaves takes its periods along"


def test_merging() -> None:
    first = document()
    assert merge_period(None, first) == first
    stored = {**first, "_rev": "1-a", "other": 1}
    assert merge_period(stored, document(at="2024-07-01T11:00:00+00:00")) is None
    assert merge_period(stored | {"volume": 171, "reason": "RNO"}, first) is None, "it is left out once"
    new = merge_period(stored, document(1200, date(2024, 3, 20), "2024-07-01T11:00:00+00:00"))
    assert new is not None
    assert (new["load"], new["end"], new["_rev"], new["other"]) == (1200, "2024-03-20", "1-a", 1)
    assert new["changes"] == [{"at": "2024-07-01T11:00:00.000000Z", "before": 1922, "after": 1200, "end": "2024-04-01"}]
    for n in range(CHANGES_KEPT + 3):
        new = merge_period(new, document(n, at="2024-08-01T11:00:00+00:00"))
        assert new is not None
    assert len(new["changes"]) == CHANGES_KEPT
    assert new["changes"][-1]["after"] == CHANGES_KEPT + 2


YEAR = Window(date(2025, 1, 1), date(2025, 12, 1))
Row = tuple[str, str, int]
OLD, NEW, NEXT = ("01-02", "07-01", 6000), ("01-20", "07-01", 4000), ("07-01", "10-01", 900)


def answer(*rows: Row, window: Window = YEAR, **more: Any) -> SortedAnswer[Period]:
    made = [
        Period(date.fromisoformat(f"2025-{first}"), date.fromisoformat(f"2025-{end}"), kwh) for first, end, kwh in rows
    ]
    return SortedAnswer("a", PCE, window, tuple(made), **more)


def stored(*rows: Row) -> list[dict[str, Any]]:
    return [period_document("a", PCE, period, "2026-01-01T10:00:00Z") for period in answer(*rows).rows]


def gone(documents: list[dict[str, Any]], answer: SortedAnswer[Any]) -> list[str]:
    return [each["first"][5:] for each in withdrawn_periods(documents, answer)]


@pytest.mark.parametrize(
    ("before", "now", "taken"),
    [
        ((OLD, NEXT), (NEW, NEXT), ["01-02"]),
        ((NEW, NEXT), (OLD, NEXT), ["01-20"]),
        ((NEXT,), (("06-15", "10-01", 950),), ["07-01"]),
        ((OLD, NEXT), (("01-02", "06-15", 5900), ("06-15", "10-01", 1000)), ["07-01"]),
        ((OLD, NEXT), (OLD, NEXT), []),
        ((OLD, NEXT), (NEXT,), []),  # nothing is on its days now: it may have been left out
        ((OLD, NEW), (OLD, NEW), []),  # GRDF names both
    ],
)
def test_what_a_whole_answer_takes_away(before: tuple[Row, ...], now: tuple[Row, ...], taken: list[str]) -> None:
    assert gone(stored(*before), answer(*now)) == taken
    assert gone(stored(*before), answer(*now, broken=("cut",))) == []
    assert gone(stored(*before), answer(*now, refusals=(PartialAnswer("x"),))) == []
    documents, late = stored(OLD, NEXT), Window(date(2025, 5, 1), YEAR.end)
    assert gone(documents, answer(("06-15", "10-01", 1000), window=late)) == ["07-01"], "the other begins before"
    assert gone([documents[0] | {"end": None}], answer(NEW)) == [], "damaged"


def test_what_the_account_may_not_hold() -> None:
    documents = stored(OLD, NEXT, ("10-01", "11-01", 50))
    july, august, october = (date(2025, month, 1) for month in (7, 8, 10))
    for windows, found in (
        ([YEAR], []),
        ([Window(YEAR.first, august)], ["07-01", "10-01"]),  # only in part
        ([Window(july, YEAR.end)], []),  # what is older is left alone
        ([Window(YEAR.first, july), Window(october, YEAR.end)], ["07-01"]),
    ):
        assert [each["first"][5:] for each in disallowed_periods(documents, windows)] == found
    odd = [documents[1] | {"end": "soon"}, {"_id": f"a:{PCE}:note"}]
    assert disallowed_periods(odd, [YEAR]) == disallowed_periods(odd, []) == []
    assert disallowed_periods(odd, [Window(YEAR.first, july)]) == odd[:1]


def loads(each: int = 62) -> dict[date, int]:
    return {MARCH + timedelta(days=n): each for n in range(31)}


@pytest.mark.parametrize(
    ("published", "lost", "beyond"),
    [(0, 0, False), (31, 0, False), (42, 0, False), (43, 0, True), (-11, 0, False), (-12, 0, True), (-1922, 0, True),
     (0, 1, True)],
)  # fmt: skip
def test_rounding_is_no_difference_and_missing_days_are_counted(published: int, lost: int, beyond: bool) -> None:
    found = compare(Period(MARCH, APRIL, 1922 + published, 11.24), dict(list(loads().items())[lost:]))
    assert (found.beyond_rounding, found.stored, found.missing_days) == (beyond, 1922 - 62 * lost, lost)
    assert found.difference == published + 62 * lost


def test_only_whole_periods_beside_readable_days_are_compared() -> None:
    days = [
        {"_id": day_id("home", PCE, day), "year": day.year, "month": day.month, "day": day.day, "load": load}
        for day, load in loads().items()
    ]
    bounds = ((APRIL, date(2024, 5, 1)), (date(2024, 2, 1), MARCH), (MARCH, APRIL))
    found = compare_all([document(first=first, end=end) for first, end in bounds], days)
    assert [(each.first, each.missing_days) for each in found] == [(MARCH, 0), (APRIL, 30)]
    assert compare_all([document()], []) == ()
    note = days[0] | {"_id": f"{days[0]['_id']}-note", "load": 5000}
    assert compare_all([document()], [*days, note, days[0] | {"month": 13}]) == compare_all([document()], days)
    for odd in ({"first": None}, {"first": "2024-03-02"}, {"end": "9999-12-31"}, {"load": "x"}, {"end": 7},
                {"coefficient": "a"}):  # fmt: skip
        assert not compare_all([document() | odd], days)
