"""Cells of the page: each period has exactly one, and a missing day is not a zero and has a reason."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.windows import Window
from include.gas.display.cells import Cell, Kind, day_cells, month_cells, year_cells
from include.gas.display.meter_days import DueDays, MeterDays
from include.gas.documents.totals import month_documents, year_documents
from include.gas.rights.meter_rights import Held

TODAY = date(2026, 5, 20)
FIRST = date(2024, 2, 10)


def bounds(first: date | None = FIRST, consent_end: date | None = None) -> DueDays:
    held = Held(pce="m", word="active", days=(Window(date.min, consent_end or date.max),))
    return MeterDays(held, since=first).due(TODAY)


def stored(day: date, load: float = 7, **more: Any) -> dict[str, Any]:
    return {"_id": f"a:m:{day}", "year": day.year, "month": day.month, "day": day.day, "load": load, **more}


def kinds(cells: tuple[Cell, ...]) -> dict[int, Kind]:
    return {cell.first.day: cell.kind for cell in cells}


def test_a_day_is_what_grdf_said_of_it() -> None:
    days = [
        stored(date(2026, 4, 1), status="definitive", quality="measured"),
        stored(date(2026, 4, 2), 0, status="definitive", quality="measured"),
        stored(date(2026, 4, 3), status="provisional", quality="estimated"),
        stored(date(2026, 4, 4), status="definitive", quality="estimated"),
        stored(date(2025, 4, 2), 11),
    ]
    cells = day_cells(date(2026, 4, 17), days, bounds())
    assert [cell.first.day for cell in cells] == list(range(1, 31))
    assert [cell.kind for cell in cells[:5]] == [
        Kind.MEASURED, Kind.MEASURED, Kind.PROVISIONAL, Kind.ESTIMATED, Kind.AWAITED,
    ]  # fmt: skip
    assert [cell.load for cell in cells[:5]] == [7, 0, 7, 7, None]
    assert [cell.before for cell in cells[:3]] == [None, 11, None]
    assert [(cell.days, cell.expected) for cell in cells[3:5]] == [(1, 1), (0, 1)]


def test_why_a_day_is_not_there() -> None:
    found = kinds(day_cells(TODAY, [stored(date(2026, 5, 12))], bounds()))
    assert {day for day, kind in found.items() if kind == Kind.AWAITED} == set(range(1, 17)) - {12}
    assert {day for day, kind in found.items() if kind == Kind.EXPECTED} == set(range(17, 32))
    found = kinds(day_cells(date(2026, 3, 1), [], bounds()))
    assert {day for day, kind in found.items() if kind == Kind.NONE} == set(range(1, 19)), "for two months it may come"
    assert {day for day, kind in found.items() if kind == Kind.AWAITED} == set(range(19, 32))
    assert kinds(day_cells(FIRST, [], bounds()))[9] == Kind.OUTSIDE
    assert kinds(day_cells(FIRST, [], bounds()))[10] == Kind.NONE
    assert set(kinds(day_cells(TODAY, [], bounds(first=None))).values()) == {Kind.OUTSIDE}


def test_after_the_end_of_the_consent_nothing_is_missing() -> None:
    cells = day_cells(TODAY, [], bounds(consent_end=date(2026, 5, 4)))
    assert [cell.first.day for cell in cells if cell.expected > cell.days] == [1, 2, 3]
    assert cells[5].kind == Kind.OUTSIDE


def test_corrections_are_told_in_order_and_odd_ones_left_out() -> None:
    changes = [{"at": "x", "before": 5, "after": 6, "status": "provisional"}, 7, {"at": "y", "before": 6, "after": 7}]
    (first, *others) = day_cells(date(2026, 4, 1), [stored(date(2026, 4, 1), changes=changes)], bounds())
    assert [(change.at, change.before) for change in first.changes] == [("x", 5), ("y", 6)]
    assert not any(cell.changes for cell in others)


def test_what_others_put_between_the_totals_replaces_none() -> None:
    january = {"_id": "a:m:2024-01", "year": 2024, "month": 1, "load": 310, "days": 31}
    note = january | {"_id": "a:m:2024-01-note", "load": 5000}
    assert month_cells(2024, [january, note], bounds()) == month_cells(2024, [january], bounds())


@given(st.sets(st.integers(0, 820), min_size=1))
def test_totals_say_how_many_days_they_sum_and_how_many_are_missing(numbers: set[int]) -> None:
    days = {FIRST + timedelta(days=n) for n in numbers}
    documents = [stored(day, 2) for day in sorted(days)]
    end = TODAY - timedelta(days=3)
    months = list(month_documents("a", "m", documents).values())
    for year in (2024, 2025, 2026):
        for cell in month_cells(year, months, bounds()):
            mine = {day for day in days if (day.year, day.month) == (year, cell.first.month)}
            due = [FIRST + timedelta(days=n) for n in range((end - FIRST).days)]
            due = [day for day in due if (day.year, day.month) == (year, cell.first.month)]
            assert cell.load == (2 * len(mine) if mine else None)
            assert (cell.days, cell.expected) == (len(mine), len(due))
            assert (cell.kind == Kind.MEASURED) == (len(mine) == _length(cell.first))
    years = year_cells(list(year_documents("a", "m", documents).values()), bounds())
    assert sum(cell.days for cell in years) == len(days)
    assert [cell.former for cell in years[1:]] == [cell.load for cell in years[:-1]]


def test_the_whole_former_period_stands_apart() -> None:
    """27 days of November look like savings beside the 30 of the year before."""
    former = [stored(date(2025, 4, day), 10) for day in range(1, 31)]
    now = [stored(date(2026, 4, day), 9) for day in range(1, 28)]
    months = list(month_documents("a", "m", former + now).values())
    april = month_cells(2026, months, bounds(), former + now)[3]
    assert (april.load, april.compared, april.matched, april.before) == (243, 27, 243, 270)
    assert (april.former, april.former_days) == (300, 0)
    holes = former[:10] + former[12:29]
    months = list(month_documents("a", "m", holes + now).values())
    april = month_cells(2026, months, bounds(), holes + now)[3]
    assert (april.load, april.compared, april.matched, april.before) == (243, 25, 225, 250)
    assert (april.former, april.former_days) == (270, 27)


@pytest.mark.parametrize(("days", "former", "before"), [(30, 0, 5), (30, 30, 5), (30, 29, None), (29, 0, None)])
def test_totals_without_days_are_compared_if_both_are_of_the_whole_period(
    days: int, former: int, before: int | None
) -> None:
    """Cozy's konnector has left such totals."""
    totals = [
        {"_id": f"a:m:{year}-04", "year": year, "month": 4, "load": load, "days": number}
        for year, load, number in ((2025, 5, former), (2026, 4, days))
    ]
    april = month_cells(2026, totals, bounds())[3]
    assert (april.before, april.compared, april.former) == (before, 0, 5)


def _length(first: date) -> int:
    return ((first + timedelta(days=31)).replace(day=1) - first).days


def test_months_without_a_total() -> None:
    cells = month_cells(2024, [], bounds(first=date(2024, 3, 1)))
    assert [cell.kind for cell in cells[:3]] == [Kind.OUTSIDE, Kind.OUTSIDE, Kind.NONE]
    cells = month_cells(2026, [], bounds())
    assert [cell.kind for cell in cells[1:6]] == [Kind.NONE, Kind.AWAITED, Kind.AWAITED, Kind.AWAITED, Kind.EXPECTED]
    assert {cell.kind for cell in month_cells(2027, [], bounds())} == {Kind.EXPECTED}
    adopted = {"_id": "a:m:2024-01", "year": 2024, "month": 1, "load": 310.25, "days": 0}
    assert month_cells(2024, [adopted], bounds())[0].kind == Kind.ADOPTED


@pytest.mark.parametrize(
    ("covered", "part"),
    [(366, None), (181, (181, 366)), (1, (1, 366)), (0, None), (400, None), (None, None), ("181", None)],
)
def test_a_year_of_billing_periods_says_if_they_cover_only_a_part_of_it(covered: Any, part: Any) -> None:
    total = {"_id": "a:m:2024", "year": 2024, "load": 5, "days": 0, "source": "published", "published_days": covered}
    (cell,) = year_cells([total], bounds())
    assert (cell.kind, cell.part) == (Kind.PUBLISHED, part)


@pytest.mark.parametrize(
    "totals",
    [[], [{"_id": f"a:m:{year}", "year": year, "load": 1, "days": days} for year, days in ((2022, 0), (2025, 365))]],
)
def test_years_run_from_the_first_to_the_last(totals: list[dict[str, Any]]) -> None:
    cells = year_cells(totals, bounds())
    assert [cell.first.year for cell in cells] == ([2022, 2023, 2024, 2025] if totals else [])
    if totals:
        assert [cell.kind for cell in cells] == [Kind.ADOPTED, Kind.OUTSIDE, Kind.NONE, Kind.MEASURED]


@pytest.mark.parametrize(
    "damage", [{"year": "98765 kWh"}, {"year": -5}, {"year": 9999}, {"year": None}, {"load": "310"}, {"load": None},
               {"days": "many"}, {"days": [1]}, {"days": float("inf")}, {"_id": "a:m:2025-note"}, {"year": 2}]
)  # fmt: skip
def test_a_damaged_document_is_left_out_and_the_rest_is_shown(damage: dict[str, Any]) -> None:
    good = {"_id": "a:m:2024", "year": 2024, "month": 1, "day": 1, "load": 310.25, "days": 31}
    bad = {"_id": "a:m:2025", "year": 2025, "month": 1, "day": 1, "load": 5, "days": 31} | damage
    without = {key: value for key, value in bad.items() if key not in damage}
    for odd in (bad, without if "days" not in damage else bad):
        assert year_cells([good, odd], bounds()) == year_cells([good], bounds())
        assert month_cells(2024, [good, odd], bounds()) == month_cells(2024, [good], bounds())
        assert day_cells(date(2024, 1, 1), [good, odd], bounds()) == day_cells(date(2024, 1, 1), [good], bounds())


def test_days_between_two_consents_are_outside_and_not_missing() -> None:
    covered = (Window(date(2024, 1, 10), date(2024, 2, 1)), Window(date(2024, 3, 1), date(2024, 4, 28)))
    meter = MeterDays(Held(pce="m", word="active", days=covered), since=date(2024, 1, 10))
    due = meter.due(date(2024, 5, 1))
    assert [cell.kind for cell in month_cells(2024, [], due)[:3]] == [Kind.NONE, Kind.OUTSIDE, Kind.AWAITED]
    assert [cell.expected for cell in month_cells(2024, [], due)[:4]] == [22, 0, 31, 27]
