"""The account's book compared with the store: lost days are noted until they are stored again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.account.sections.lost_days import lost_years, reads_again, with_history_read_again, with_lost_days
from include.gas.account.sections.stored import with_stored
from include.gas.documents.year_counts import StoredYear, shortfall

PCE, OTHER = "09999999900017", "GI999042"
YEARS = st.dictionaries(st.sampled_from([2024, 2025, 2026]), st.integers(1, 365))


def book(days: dict[int, int]) -> dict[int, StoredYear]:
    return {year: StoredYear(n, date(year, 1, 1), date(year, 12, 31)) for year, n in days.items()}


@given(YEARS, YEARS, st.sets(st.sampled_from([2024, 2025, 2026])))
def test_what_is_short_is_what_was_told_and_is_not_held(
    told: dict[int, int], held: dict[int, int], years: set[int]
) -> None:
    short = shortfall(book(told), book(held), years)
    assert short == {
        year: told[year] - held.get(year, 0) for year in told if year in years and told[year] > held.get(year, 0)
    }


def test_days_that_went_at_one_end_while_others_came_are_seen() -> None:
    told = {2025: StoredYear(10, date(2025, 1, 1), date(2025, 1, 10))}
    held = {2025: StoredYear(10, date(2025, 1, 3), date(2025, 1, 12))}
    assert shortfall(told, held, [2025]) == {2025: 1}


@given(st.lists(st.tuples(YEARS, YEARS, st.booleans()), max_size=8))
def test_a_note_stays_until_as_many_days_are_there_again(
    turns: list[tuple[dict[int, int], dict[int, int], bool]],
) -> None:
    document: dict[str, Any] = {"_id": "a", "lost_days": {OTHER: {"read_again": True}}}
    most: dict[int, int] = {}
    for told, held, read in turns:
        document = with_lost_days(document, PCE, book(told), book(held), {2024, 2025, 2026})
        for year in told:
            if told[year] > held.get(year, 0):
                most[year] = max(most.get(year, 0), told[year])
        most = {year: n for year, n in most.items() if held.get(year, 0) < n}
        assert lost_years(document, PCE) == most
        assert reads_again(document, PCE) or not any(told[year] > held.get(year, 0) for year in told)
        if read:
            document = with_history_read_again(document, PCE)
            assert not reads_again(document, PCE)
            assert lost_years(document, PCE) == most
        assert document["lost_days"][OTHER] == {"read_again": True}


def taken_back(document: dict[str, Any], told: int, held: int, foreign: int) -> dict[str, Any]:
    """Return the document after days of 2026 were taken back, and what is stored then was noted."""
    gone = [date(2026, 3, 1)] * foreign
    document = with_lost_days(document, PCE, book({2026: told}), book({2026: held}), [2026], gone)
    return with_stored(document, PCE, [2026], book({2026: held}))


@pytest.mark.parametrize("stored", [True, False], ids=["the document tells what is stored", "it does not"])
def test_a_note_goes_when_all_own_days_are_there_though_some_were_taken_back(stored: bool) -> None:
    """Of 100 days 7 were lost and 10 were another household's: 90 are to come back."""
    document: dict[str, Any] = with_lost_days({"_id": "a"}, PCE, book({2026: 100}), book({2026: 93}), [2026])
    assert lost_years(document, PCE) == {2026: 100}
    if stored:
        document = with_stored(document, PCE, [2026], book({2026: 93}))
    document = taken_back(document, 93, 83, 10)
    assert lost_years(document, PCE) == {2026: 90}
    assert reads_again(document, PCE)
    most = with_lost_days(document, PCE, book({2026: 83}), book({2026: 89}), [2026])
    assert lost_years(most, PCE) == {2026: 90}
    assert lost_years(with_lost_days(document, PCE, book({2026: 83}), book({2026: 90}), [2026]), PCE) == {}


def test_a_year_without_days_that_were_taken_back_keeps_its_note() -> None:
    document = with_lost_days({"_id": "a"}, PCE, book({2026: 12, 2025: 3}), book({2026: 10}), [2025, 2026])
    gone = [date(2026, 3, 1)] * 10
    left = with_lost_days(document, PCE, book({2026: 10}), {}, [2025, 2026], gone)
    assert lost_years(left, PCE) == {2026: 2, 2025: 3}, "two of its own are lost, and a year without foreign days"


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {PCE: 7}, {PCE: {"years": 7}}, {PCE: {"years": {"x": 1, "2025": "y"}}}]
)
def test_an_odd_note_counts_as_none(odd: object) -> None:
    document = {"_id": "a", "lost_days": odd}
    assert lost_years(document, PCE) == {}
    assert not reads_again(document, PCE)
    assert lost_years(with_lost_days(document, PCE, book({2025: 3}), {}, [2025]), PCE) == {2025: 3}
