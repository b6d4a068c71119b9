"""Cells of the page and of CSV files: each period has exactly one, and a missing day is not a zero and has a reason."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.days.windows import Window
from include.gas.display.cells import Cell, Kind, day_cells, month_cells, year_cells
from include.gas.display.csv_cells import safe_cell
from include.gas.display.meter_days import DueDays, MeterDays
from include.gas.documents.totals import month_documents, year_documents
from include.gas.rights.meter_rights import MeterAccess

TODAY, FIRST = date(2026, 5, 20), date(2024, 2, 10)


def bounds(first: date | None = FIRST, consent_end: date = date.max) -> DueDays:
    access = MeterAccess(pce="m", word="active", days=(Window(date.min, consent_end),))
    return MeterDays(access, since=first).due_days(TODAY)


def stored(day: date, load: float = 7, status: str = "definitive", quality: str = "measured", **more: Any) -> Any:
    said = {"status": status, "quality": quality, "load": load, **more}
    return {"_id": f"a:m:{day}", "year": day.year, "month": day.month, "day": day.day, **said}


def total(year: int, month: int = 0, load: float = 5, **more: Any) -> dict[str, Any]:
    period = f"{year}-{month:02}" if month else str(year)
    return {"_id": f"a:m:{period}", "year": year, "month": month or 1, "load": load, "days": 0, **more}


def kinds(cells: tuple[Cell, ...]) -> list[str]:
    return [cell.kind.value for cell in cells]


def days_of(cells: tuple[Cell, ...], kind: Kind) -> set[int]:
    return {cell.first.day for cell in cells if cell.kind == kind}


def test_a_day_is_what_grdf_said_of_it() -> None:
    changes = [{"at": "x", "before": 5, "after": 6, "status": "provisional"}, 7, {"at": "y", "before": 6, "after": 7}]
    days = [
        stored(date(2026, 4, 1), changes=changes), stored(date(2026, 4, 2), 0), stored(date(2025, 4, 2), 11),
        stored(date(2026, 4, 3), 7, "provisional", "estimated"), stored(date(2026, 4, 4), quality="estimated"),
    ]  # fmt: skip
    cells = day_cells(date(2026, 4, 17), days, bounds())
    assert [cell.first.day for cell in cells] == list(range(1, 31))
    assert kinds(cells[:5]) == ["measured", "measured", "provisional", "estimated", "awaited"]
    assert [cell.load for cell in cells[:5]] == [7, 0, 7, 7, None]
    assert [cell.before for cell in cells[:3]] == [None, 11, None]
    assert [(cell.days, cell.expected) for cell in cells[3:5]] == [(1, 1), (0, 1)]
    assert [(change.at, change.before) for change in cells[0].changes] == [("x", 5), ("y", 6)], "odd ones are left out"
    assert not any(cell.changes for cell in cells[1:])


def test_why_a_day_is_not_there() -> None:
    cells = day_cells(TODAY, [stored(date(2026, 5, 12))], bounds())
    assert days_of(cells, Kind.AWAITED) == set(range(1, 17)) - {12}
    assert days_of(cells, Kind.EXPECTED) == set(range(17, 32))
    cells = day_cells(date(2026, 3, 1), [], bounds())
    assert days_of(cells, Kind.NONE) == set(range(1, 19)), "for two months it may come"
    assert days_of(cells, Kind.AWAITED) == set(range(19, 32))
    cells = day_cells(FIRST, [], bounds())
    assert (cells[8].kind, cells[9].kind) == (Kind.OUTSIDE, Kind.NONE)
    assert {*kinds(day_cells(TODAY, [], bounds(first=None)))} == {Kind.OUTSIDE.value}
    cells = day_cells(TODAY, [], bounds(consent_end=date(2026, 5, 4)))
    assert [cell.first.day for cell in cells if cell.expected > cell.days] == [1, 2, 3]
    assert cells[5].kind == Kind.OUTSIDE


@given(st.sets(st.integers(0, 820), min_size=1, max_size=40))
def test_totals_say_how_many_days_they_sum_and_how_many_are_missing(numbers: set[int]) -> None:
    days = {FIRST + timedelta(days=n) for n in numbers}
    documents = [stored(day, 2) for day in sorted(days)]
    due_days = [FIRST + timedelta(days=n) for n in range((TODAY - timedelta(days=3) - FIRST).days)]
    months = list(month_documents("a", "m", documents).values())
    for year in (2024, 2025, 2026):
        for cell in month_cells(year, months, bounds()):
            mine, due = (
                [day for day in each if (day.year, day.month) == (year, cell.first.month)] for each in (days, due_days)
            )
            length = ((cell.first + timedelta(days=31)).replace(day=1) - cell.first).days
            assert cell.load == (2 * len(mine) if mine else None)
            assert (cell.days, cell.expected) == (len(mine), len(due))
            kind = Kind.WHOLE if len(mine) == length else Kind.PARTIAL if len(mine) < len(due) else Kind.CUT
            assert not mine or cell.kind == kind
    years = year_cells(list(year_documents("a", "m", documents).values()), bounds())
    assert sum(cell.days for cell in years) == len(days)
    assert [cell.former for cell in years[1:]] == [cell.load for cell in years[:-1]]


@pytest.mark.parametrize(
    ("holes", "found"),
    [((), (243, 27, 243, 270, 300, 0)), ((11, 12, 30), (243, 25, 225, 250, 270, 27))],
)
def test_the_whole_former_period_stands_apart(holes: tuple[int, ...], found: tuple[int, ...]) -> None:
    """27 days of November look like savings beside the 30 of the year before."""
    former = [stored(date(2025, 4, day), 10) for day in range(1, 31) if day not in holes]
    now = [stored(date(2026, 4, day), 9) for day in range(1, 28)]
    months = list(month_documents("a", "m", former + now).values())
    april = month_cells(2026, months, bounds(), former + now)[3]
    assert (april.load, april.compared, april.matched, april.before, april.former, april.former_days) == found
    for days, before_days, same in ((30, 30, True), (30, 0, False), (30, 29, False), (29, 0, False)):  # some are Cozy's
        totals = total(2025, 4, days=before_days), total(2026, 4, load=4, days=days)
        april = month_cells(2026, totals, bounds())[3]
        compared = (april.before, april.compared, april.matched, april.former)
        assert compared == ((5, 30, 4, 5) if same else (None, 0, None, 5))
    may = [stored(date(2026, 5, day)) for day in range(1, 17)]
    assert month_cells(2026, month_documents("a", "m", may).values(), bounds())[4].kind == Kind.SO_FAR
    leap = [total(2024, load=9, source="published", published_days=366), total(2025, days=365)]
    assert [cell.compared for cell in year_cells(leap, bounds())] == [0, 0], "366 days are not 365"


def test_a_day_that_came_early_fills_no_hole_and_nothing_is_to_come_where_reading_has_ended() -> None:
    days = [stored(date(2026, 5, day)) for day in range(1, 19) if day != 4]  # they are due up to the 16th
    totals = list(month_documents("a", "m", days).values())
    may = month_cells(2026, totals, bounds(), days)[4]
    assert (may.kind, may.days, may.expected) == (Kind.PARTIAL, 17, 18)
    cells = month_cells(2026, totals, bounds(consent_end=date(2026, 5, 4)))
    assert kinds(cells[4:6]) == ["cut", "outside"]


def test_months_without_a_total() -> None:
    cells = month_cells(2024, [total(2024, 1, 310.25)], bounds(first=date(2024, 3, 1)))
    assert kinds(cells[:3]) == ["adopted", "outside", "none"]
    assert kinds(month_cells(2026, [], bounds())[1:6]) == ["none", *["awaited"] * 3, "expected"]
    covered = (Window(date(2024, 1, 10), date(2024, 2, 1)), Window(date(2024, 3, 1), date(2024, 4, 28)))
    meter = MeterDays(MeterAccess(pce="m", word="active", days=covered), since=date(2024, 1, 10))
    cells = month_cells(2024, [], meter.due_days(date(2024, 5, 1)))
    assert kinds(cells[:3]) == ["none", "outside", "awaited"], "between two consents"
    assert [cell.expected for cell in cells[:4]] == [22, 0, 31, 27]


def test_years_run_from_the_first_to_the_last() -> None:
    cells = year_cells([total(2022), total(2025, days=365)], bounds())
    assert [cell.first.year for cell in cells] == [2022, 2023, 2024, 2025]
    assert [cell.kind for cell in cells] == [Kind.ADOPTED, Kind.OUTSIDE, Kind.NONE, Kind.WHOLE]
    assert year_cells([], bounds()) == ()
    parts = ((366, None), (181, (181, 366)), (1, (1, 366)), (0, None), (400, None), (None, None), ("181", None))
    for covered, part in parts:  # billing periods that cover only a part of a year
        (cell,) = year_cells([total(2024, source="published", published_days=covered)], bounds())
        assert (cell.kind, cell.part) == (Kind.PUBLISHED, part)


@pytest.mark.parametrize(
    "damage", [{"year": "98765 kWh"}, {"year": -5}, {"year": None}, {"load": "310"}, {"days": "many"}, {"days": [1]},
               {"days": float("inf")}, {"_id": "a:m:2025-note"}]
)  # fmt: skip
def test_a_damaged_document_or_a_note_is_left_out_and_the_rest_is_shown(damage: dict[str, Any]) -> None:
    good, bad = total(2024, load=310.25, days=31, day=1), total(2025, days=31, day=1) | damage
    for odd in (bad, good | {"_id": "a:m:2024-note", "load": 5000}):
        assert year_cells([good, odd], bounds()) == year_cells([good], bounds())
        assert month_cells(2024, [good, odd], bounds()) == month_cells(2024, [good], bounds())
        assert day_cells(date(2024, 1, 1), [good, odd], bounds()) == day_cells(date(2024, 1, 1), [good], bounds())


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        *((value, value) for value in (0, -5, 1.25, None, "", "2024-03-28", "GI000001", "-5", "+1.5e3", "a=b")),
        *((text, f"'{text}") for text in ("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1")),
        *((text, f"'{text}") for text in ("\t1", " =1", "＝1", "--5", "-", "=")), (["@"], "['@']"),
    ],
)  # fmt: skip
def test_numbers_stay_numbers_and_no_text_becomes_a_formula(value: object, safe: object) -> None:
    assert safe_cell(value) == safe
