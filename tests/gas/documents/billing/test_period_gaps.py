"""Days without a published period: which there are, and when GRDF counts as having none for them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from include.gas.account.sections.section import read, written
from include.gas.answers.consumption.published import Period
from include.gas.days.windows import Window
from include.gas.documents.billing.period_gaps import (
    PeriodGap,
    awaited,
    gaps_in_words,
    gaps_left,
    open_stretches,
)
from include.gas.documents.billing.periods import period_document

START, TODAY, ONE = date(2024, 1, 1), date(2026, 3, 10), timedelta(days=1)


def stored(*spans: tuple[int, int]) -> list[dict[str, Any]]:
    """Return the documents of periods, each from one day after START to another."""
    return [
        period_document("home", "GI000001", Period(START + ONE * first, START + ONE * end, 5), "2026-01-01T00:00:00Z")
        for first, end in spans
    ]


def days(first: int, end: int) -> Window:
    return Window(START + ONE * first, START + ONE * end)


def test_before_between_and_not_after() -> None:
    documents = stored((10, 20), (20, 30), (40, 50))
    assert open_stretches(documents, [days(0, 90)]) == [days(0, 10), days(30, 40)]
    assert open_stretches(documents, [days(5, 8), days(12, 33), days(35, 90)]) == [
        days(5, 8),
        days(30, 33),
        days(35, 40),
    ]
    assert open_stretches(documents, []) == open_stretches([], [days(0, 90)]) == []
    assert open_stretches([*documents, {"_id": "home:GI000001:note"}, documents[0] | {"end": "2020-01-01"}], [
        days(10, 90)
    ]) == [days(30, 40)]  # fmt: skip


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda at: (at[0], at[0] + at[1])), max_size=6)


@given(SPANS, st.lists(st.integers(0, 90), max_size=6, unique=True).map(sorted))
def test_they_are_the_covered_days_that_no_period_has(spans: list[tuple[int, int]], bounds: list[int]) -> None:
    covered = [days(first, end) for first, end in zip(bounds[::2], bounds[1::2], strict=False)]
    have = {day for first, end in spans for day in days(first, end).days()}
    newest = max((START + ONE * first for first, _ in spans), default=START)
    wanted = [day for window in covered for day in window.days() if day < newest and day not in have]
    assert [day for window in open_stretches(stored(*spans), covered) for day in window.days()] == wanted


def test_two_answers_four_weeks_apart_settle_a_gap() -> None:
    gap = [days(30, 40)]
    once = gaps_left(gap, None, (), TODAY)
    assert once == [PeriodGap(gap[0].first, gap[0].end, TODAY)]
    assert awaited(gap, None) == awaited(gap, once) == gap
    assert gaps_left(gap, once, (), TODAY + 27 * ONE) == once
    twice = gaps_left(gap, once, (), TODAY + 28 * ONE)
    assert awaited(gap, twice) == []
    assert awaited([days(32, 40)], twice) == [], "a part of it"
    assert awaited([days(29, 40)], twice) == [days(29, 40)], "more than it"
    assert gaps_left(gap, twice, (), TODAY + 29 * ONE) == twice
    assert [read(PeriodGap, written(each)) for each in twice] == twice


def test_a_period_that_grdf_names_stays_awaited() -> None:
    gap, later = [days(30, 40)], TODAY + 40 * ONE
    once = gaps_left(gap, None, [gap[0].first], TODAY)
    twice = gaps_left(gap, once, [gap[0].first], later)
    assert twice == [PeriodGap(gap[0].first, gap[0].end, later)]
    assert not gaps_left(gap, twice, [START], later + ONE)[0].settled, "from then on the four weeks count"


def test_nothing_is_said_of_days_before_the_first_period() -> None:
    documents = stored((10, 20), (20, 30))
    assert gaps_in_words(open_stretches(documents, [days(0, 90)]), None, documents) == ""
    assert gaps_in_words([], None, []) == ""
    said = gaps_in_words([days(30, 40)], None, stored((10, 30), (40, 50)))
    assert "2024-01-31 to 2024-02-09" in said
