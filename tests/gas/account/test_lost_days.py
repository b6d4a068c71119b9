"""The account's book compared with the store: lost days are noted until they are stored again."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.account.sections.lost_days import lost_years, reads_again, with_history_read_again, with_lost_days
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


@given(YEARS, YEARS, st.integers(0, 400))
def test_days_that_were_taken_back_are_not_lost(own: dict[int, int], held: dict[int, int], foreign: int) -> None:
    """What is short besides is."""
    gone = [date(2026, 1, 1)] * foreign
    told = {**own, 2026: own.get(2026, 0) + foreign}
    document = with_lost_days({"_id": "a"}, PCE, book(told), book(held), {2024, 2025, 2026}, gone)
    assert lost_years(document, PCE) == {year: n for year, n in own.items() if held.get(year, 0) < n}
    assert reads_again(document, PCE) or not gone, "some may be its own, corrected meanwhile"


def test_the_last_stored_day_may_be_one_that_was_taken_back() -> None:
    told = {2025: StoredYear(10, date(2025, 1, 1), date(2025, 1, 10))}
    held = {2025: StoredYear(8, date(2025, 1, 2), date(2025, 1, 9))}
    gone = [date(2025, 1, 1), date(2025, 1, 10)]
    assert with_lost_days({"_id": "a"}, PCE, told, held, [2025], gone)["lost_days"] == {PCE: {"read_again": True}}
    assert lost_years(with_lost_days({"_id": "a"}, PCE, told, held, [2025], gone[1:]), PCE) == {2025: 9}


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {PCE: 7}, {PCE: {"years": 7}}, {PCE: {"years": {"x": 1, "2025": "y"}}}]
)
def test_an_odd_note_counts_as_none(odd: object) -> None:
    document = {"_id": "a", "lost_days": odd}
    assert lost_years(document, PCE) == {}
    assert not reads_again(document, PCE)
    assert lost_years(with_lost_days(document, PCE, book({2025: 3}), {}, [2025]), PCE) == {2025: 3}
