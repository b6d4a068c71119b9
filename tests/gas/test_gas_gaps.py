"""Missing days: each counted once, none that is stored, none that may still be on its way; and the trace of changes."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from include.gas.documents import CHANGES_KEPT, DAY, day_id
from include.gas.gaps import PUBLISHED_WITHIN, Gap, awaited_from, gaps_of, known_gaps, with_gaps
from include.gas.lines import Reading
from include.gas.load import load_answer
from include.gas.windows import Window
from tests.gas.gas_memory_store import MemoryStore

PCE, OTHER = "09999999900017", "GI999042"
FIRST = date(2023, 11, 20)
EVERY = frozenset({2023, 2024, 2025})
ALL = Window(FIRST, date(2026, 1, 1))
WHOLE: dict[str, Any] = {"asked": ALL, "before": {}}
"""All days have just been asked for, and nothing was known before."""
OFFSETS = st.integers(0, 500)


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def missing_days(
    end: date, stored: set[date], years: frozenset[int], consent_end: date | None, first: date = FIRST
) -> list[date]:
    """Tell the slow way which days should be there."""
    return [
        each
        for each in (first + timedelta(days=n) for n in range(1200))
        if each + PUBLISHED_WITHIN < end
        and (consent_end is None or each < consent_end)
        and each not in stored
        and each.year in years
    ]


@given(
    OFFSETS,
    st.sets(OFFSETS, max_size=520),
    st.sets(st.sampled_from(sorted(EVERY))),
    st.integers(0, 400),
    st.none() | OFFSETS,
)
@example(0, set(), set(EVERY), 0, None)
def test_each_missing_day_is_counted_once_in_its_own_year(
    end: int, stored: set[int], years: set[int], reread: int, consent_end: int | None
) -> None:
    have = {day(n) for n in stored if day(n).year in years}
    bound = None if consent_end is None else day(consent_end)
    found = gaps_of(first=FIRST, end=day(end), stored=have, years=years, reread_days=reread, consent_end=bound, **WHOLE)
    missing = missing_days(day(end), have, frozenset(years), bound)
    assert set(found) == {each.year for each in missing}
    for year, gap in found.items():
        mine = [each for each in missing if each.year == year]
        old = [each for each in mine if each < day(end) - timedelta(days=reread)]
        assert gap == Gap(
            mine[0], mine[-1], len(mine) - len(old), len(old), mine[len(old)] if len(old) < len(mine) else None
        )


@given(OFFSETS, st.integers(0, 90))
def test_nothing_is_missing_when_all_is_stored_but_what_is_young(end: int, reread: int) -> None:
    stored = [day(n) for n in range(end) if day(n) + PUBLISHED_WITHIN < day(end)]
    assert gaps_of(first=FIRST, end=day(end), stored=stored, years=EVERY, reread_days=reread, **WHOLE) == {}


def test_a_young_day_is_not_missing_although_a_younger_one_has_come() -> None:
    end = date(2024, 3, 20)
    stored = [day(n) for n in range(200) if day(n) < end and day(n) != date(2024, 3, 18)]
    assert gaps_of(first=FIRST, end=end, stored=stored, years=EVERY, reread_days=62, **WHOLE) == {}


def test_leap_day_and_days_of_the_clock_changes_can_be_missing() -> None:
    holes = {date(2024, 2, 29), date(2024, 3, 30), date(2024, 10, 26)}
    end = date(2025, 1, 1)
    stored = [each for n in range(500) if (each := day(n)) < end and each not in holes]
    found = gaps_of(first=FIRST, end=end, stored=stored, years=EVERY, reread_days=90, **WHOLE)
    assert found == {2024: Gap(min(holes), max(holes), awaited=1, none=2, awaited_from=max(holes))}


def test_a_day_counts_as_none_only_once_it_was_asked_for_at_its_age() -> None:
    """A person has a newer day read; the old hole before it was never asked for late enough, so it stays awaited."""
    hole, end = date(2024, 3, 1), date(2024, 6, 20)
    stored = [each for n in range(300) if (each := day(n)) < end and each != hole]
    facts: dict[str, Any] = {"first": FIRST, "end": end, "stored": stored, "years": {2024}, "reread_days": 62}
    unasked = gaps_of(**facts, asked=Window(date(2024, 6, 19), end), before={})
    assert unasked == {2024: Gap(hole, hole, awaited=1, none=0, awaited_from=hole)}
    asked = gaps_of(**facts, asked=Window(hole, end), before=unasked)
    assert asked == {2024: Gap(hole, hole, awaited=0, none=1)}
    assert gaps_of(**facts, asked=Window(date(2024, 6, 19), end), before=asked) == asked, "known once, known for good"


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 120), st.booleans()), min_size=1, max_size=12),
    st.sets(OFFSETS, max_size=60),
)
def test_every_missing_day_becomes_none_by_being_asked_for_and_never_comes_back(
    runs: list[tuple[int, int, bool]], holes: set[int]
) -> None:
    """Runs of any reach, now and then; what they call none was asked for by one of them at an age of 62 days.

    Days are settled in their order within a year: one that follows an awaited one is asked for along with it.
    """
    document: dict[str, Any] = {"_id": "a"}
    end, settled = FIRST, set[date]()
    for later, back, daily in runs:
        end += timedelta(days=later)
        stored = [each for n in range(700) if (each := day(n)) < end and n not in holes]
        begin = end - timedelta(days=63 if daily else back + 1)
        begin = min(begin, awaited_from(document, PCE) or begin) if daily else begin
        asked = Window(begin, end)
        known = known_gaps(document, PCE)
        found = gaps_of(first=FIRST, end=end, stored=stored, years=EVERY, reread_days=62, asked=asked, before=known)
        document = with_gaps(document, PCE, EVERY, found, NOON)
        assert known_gaps(document, PCE) == found
        missing = missing_days(end, set(stored), EVERY, None)
        settled |= {each for each in missing if each < end - timedelta(days=62) and each in asked}
        none = {
            each
            for each in missing
            if all(other in settled for other in missing if other <= each and other.year == each.year)
        }
        assert sum(gap.none for gap in found.values()) == len(none)
        assert sum(gap.awaited for gap in found.values()) == len(missing) - len(none)
        assert awaited_from(document, PCE) == min((each for each in missing if each not in none), default=None)


# -- on the account ----------------------------------------------------------------------------------------------------

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
YEARS = st.sampled_from([2023, 2024, 2025])
GAPS = st.builds(
    lambda year, first, length, awaited, none: Gap(
        date(year, 1, 1) + timedelta(days=first), date(year, 1, 1) + timedelta(days=first + length), awaited, none
    ),
    YEARS, st.integers(0, 100), st.integers(0, 200), st.integers(0, 60), st.integers(0, 60),
)  # fmt: skip


def as_found(gaps: list[Gap]) -> dict[int, Gap]:
    return {gap.first.year: gap for gap in gaps}


@given(st.lists(st.tuples(st.sampled_from([PCE, OTHER]), st.sets(YEARS), st.lists(GAPS, max_size=3)), max_size=8))
def test_what_is_known_of_other_years_and_meters_stays_and_since_lasts(
    looks: list[tuple[str, set[int], list[Gap]]],
) -> None:
    document: dict[str, Any] = {"_id": "a", "_rev": "1-a", "history": {PCE: {"from": "2023-11-20"}}}
    known: dict[tuple[str, int], tuple[Gap, str]] = {}
    for turn, (pce, years, gaps) in enumerate(looks):
        now = NOON + timedelta(days=turn)
        found = {year: gap for year, gap in as_found(gaps).items() if year in years}
        given_document = copy.deepcopy(document)
        changed = with_gaps(document, pce, years, found, now)
        assert document == given_document, "the argument is left as it was"
        for year in years:
            before = known.pop((pce, year), None)
            if year in found:
                known[pce, year] = (found[year], before[1] if before else now.isoformat()[:19])
        assert with_gaps(changed, pce, years, found, now + timedelta(hours=1)) == changed, (
            "seen again: nothing to write"
        )
        document = changed
        assert {key: document[key] for key in ("_id", "_rev", "history")} == {
            key: given_document[key] for key in ("_id", "_rev", "history")
        }
        noted = {
            (meter, int(year)): (
                known_gaps(document, meter)[int(year)],
                e["since"][:19],
            )
            for meter, by_year in document.get("gaps", {}).items()
            for year, e in by_year.items()
        }
        assert noted == known
        assert ("gaps" in document) == bool(known), "no empty object is left behind"
        assert all(document["gaps"].values()) if known else True


# -- the trace of corrections ------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=40))
def test_the_trace_of_a_day_tells_every_change_of_load_and_is_bounded(said: list[tuple[int, bool]]) -> None:
    store, march = MemoryStore(), date(2026, 3, 14)
    expected: list[dict[str, Any]] = []
    before: int | None = None
    for turn, (load, definitive) in enumerate(said):
        status = "definitive" if definitive else "provisional"
        at = NOON + timedelta(days=turn)
        reading = Reading(march, load, status=status)  # type: ignore[arg-type]  # both words are the type's own
        report = load_answer(store, "a", PCE, [reading], at)
        if before is not None and before != load:
            expected.append({"before": before, "after": load, "status": status, "at": report_time(at)})
            assert report.corrected == 1
        before = load
    document = store.docs[DAY][day_id("a", PCE, march)]
    assert document.get("changes", []) == expected[-CHANGES_KEPT:]
    assert document["load"] == said[-1][0]
    store.check_totals()


def report_time(at: datetime) -> str:
    from include.gas.days import utc_text

    return utc_text(at)


def test_a_day_that_only_becomes_definitive_has_no_trace() -> None:
    store, march = MemoryStore(), date(2026, 3, 14)
    load_answer(store, "a", PCE, [Reading(march, 5)], NOON)
    report = load_answer(store, "a", PCE, [Reading(march, 5, status="definitive")], NOON + timedelta(days=1))
    document = store.docs[DAY][day_id("a", PCE, march)]
    assert report.confirmed == 1
    assert document["status"] == "definitive"
    assert "changes" not in document
