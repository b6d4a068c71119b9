"""Missing days are counted once, but not if they are stored or may still arrive. Also the trace of changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from include.gas.account.sections.missing_days import awaited_from, known_gaps, with_gaps
from include.gas.days.asked_days import Reread
from include.gas.days.windows import Window
from include.gas.documents.gaps import APART, PUBLISHED_WITHIN, Gap, gaps_of

PCE = "09999999900017"
FIRST = date(2023, 11, 20)
EVERY = frozenset({2023, 2024, 2025})
ALL = Window(FIRST, date(2026, 1, 1))
TODAY = date(2025, 6, 4)
WHOLE: dict[str, Any] = {"asked": ALL, "before": {}, "today": TODAY}
"""All days have just been requested, and nothing was known before."""
AGAIN = timedelta(days=7) + APART
"""Time after which a second answer settles what was missing in the first one, on any day of the week."""
OFFSETS = st.integers(0, 500)


ONE = timedelta(days=1)


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def missing_days(
    end: date, stored: set[date], years: frozenset[int], consent_end: date | None, first: date = FIRST
) -> list[date]:
    """Return the days that should exist, computed in a slow and simple way."""
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
    found = gaps_of(
        first=FIRST, end=day(end), stored=have, years=years, reread=Reread(reread), consent_end=bound, **WHOLE
    )
    missing = missing_days(day(end), have, frozenset(years), bound)
    assert set(found) == {each.year for each in missing}
    for year, gap in found.items():
        mine = [each for each in missing if each.year == year]
        old = {each for each in mine if each < day(end) - timedelta(days=reread)}
        young = [each for each in mine if each not in old]
        assert (gap.first, gap.last, gap.awaited, gap.none) == (mine[0], mine[-1], len(mine), 0)
        assert (gap.awaited_from, gap.ask_from) == (mine[0], young[0] if young else None)
        assert [each for _, run in gap.once for each in run.days()] == sorted(old)
    again = WHOLE | {"before": found, "today": TODAY + AGAIN}
    settled = gaps_of(
        first=FIRST, end=day(end), stored=have, years=years, reread=Reread(reread), consent_end=bound, **again
    )
    for year, gap in settled.items():
        mine = [each for each in missing if each.year == year]
        old = {each for each in mine if each < day(end) - timedelta(days=reread)}
        assert (gap.awaited, gap.none) == (len(mine) - len(old), len(old))
        assert {each for each in mine if gap.is_none(each)} == old


def test_a_young_day_is_not_missing_although_a_younger_one_has_come() -> None:
    end = date(2024, 3, 20)
    stored = [day(n) for n in range(200) if day(n) < end and day(n) != date(2024, 3, 18)]
    assert gaps_of(first=FIRST, end=end, stored=stored, years=EVERY, reread=Reread(62), **WHOLE) == {}


def test_leap_day_and_days_of_the_clock_changes_can_be_missing() -> None:
    holes = {date(2024, 2, 29), date(2024, 3, 30), date(2024, 10, 26)}
    end = date(2025, 1, 1)
    stored = [each for n in range(500) if (each := day(n)) < end and each not in holes]
    facts: dict[str, Any] = {"first": FIRST, "end": end, "stored": stored, "years": EVERY, "reread": Reread(90)}
    once = gaps_of(**facts, **WHOLE)
    found = gaps_of(**facts, **WHOLE | {"before": once, "today": TODAY + AGAIN})[2024]
    assert (found.first, found.last, found.awaited, found.none) == (min(holes), max(holes), 1, 2)
    assert (found.awaited_from, found.ask_from) == (max(holes), max(holes))


def test_a_day_counts_as_none_only_once_two_answers_well_apart_did_not_hold_it_at_its_age() -> None:
    """Somebody starts reading a newer day. The older gap was never requested late enough, so it stays awaited."""
    hole, end, today = date(2024, 3, 1), date(2024, 6, 20), date(2024, 6, 20)  # a Thursday
    stored = [each for n in range(300) if (each := day(n)) < end and each != hole]
    facts: dict[str, Any] = {"first": FIRST, "end": end, "stored": stored, "years": {2024}, "reread": Reread(62)}

    def ask(window: Window, before: dict[int, Gap], days: int) -> dict[int, Gap]:
        return gaps_of(**facts, asked=window, before=before, today=today + timedelta(days=days))

    young, both = Window(date(2024, 6, 19), end), Window(hole, end)
    unasked = ask(young, {}, 0)
    assert unasked[2024] == Gap(hole, hole, awaited=1, none=0, awaited_from=hole, ask_from=hole)
    once = ask(both, unasked, 0)
    sunday = date(2024, 6, 23)
    assert once[2024] == Gap(hole, hole, 1, 0, awaited_from=hole, once=((sunday, Window(hole, hole + ONE)),))
    assert {n for n in range(40) if once[2024].due_from(today + timedelta(days=n))} == {4, *range(31, 40)}, (
        "on the Monday after, and then when four weeks are over: not every day"
    )
    for n in range(31):
        assert ask(both, once, n) == once, "answers close to the first one prove nothing, and write nothing"
    assert ask(young, once, 31) == once, "nor do answers that were not about it"
    settled = ask(both, once, 31)
    assert settled[2024] == Gap(hole, hole, awaited=0, none=1, none_days=(Window(hole, hole + ONE),))
    assert ask(young, settled, 60) == settled, "known for good"


def test_a_day_that_is_lost_before_those_that_grdf_has_none_for_is_none_of_them() -> None:
    """The database has lost the day, so GRDF was never asked for it in vain."""
    end, hole, lost = date(2024, 9, 1), date(2024, 3, 9), date(2024, 2, 2)
    stored = {each for n in range(300) if (each := day(n)) < end and each != hole}
    facts: dict[str, Any] = {"first": FIRST, "end": end, "years": EVERY, "reread": Reread(62)}
    none = gaps_of(**facts, stored=stored, **WHOLE)
    none = gaps_of(**facts, stored=stored, **WHOLE | {"before": none, "today": TODAY + AGAIN})
    assert (none[2024].awaited, none[2024].none) == (0, 1)
    found = gaps_of(**facts, stored=stored - {lost}, asked=None, before=none, today=TODAY + AGAIN)
    assert (found[2024].awaited, found[2024].none, found[2024].ask_from) == (1, 1, lost)


def test_a_day_older_than_grdf_serves_is_not_awaited_for_ever() -> None:
    facts: dict[str, Any] = {"first": FIRST, "end": day(300), "stored": (), "years": EVERY, "reread": Reread(62)}
    found = gaps_of(**facts, asked=None, before={}, today=date(2027, 6, 1))
    assert sum(gap.awaited for gap in found.values()) == (day(296) - date(2024, 6, 3)).days + 1
    assert found[2023].due_from(date(2027, 6, 1)) is None


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 120), st.booleans()), min_size=1, max_size=12),
    st.sets(OFFSETS, max_size=60),
)
def test_every_missing_day_becomes_none_by_being_asked_for_twice_and_never_comes_back(
    runs: list[tuple[int, int, bool]], holes: set[int]
) -> None:
    """Runs with any window happen at times. Days that count as none were requested by two, at an age of 62 days."""
    document: dict[str, Any] = {"_id": "a"}
    end, answers = FIRST, dict[date, list[date]]()
    for later, back, daily in runs:
        end += timedelta(days=later)
        stored = [each for n in range(700) if (each := day(n)) < end and n not in holes]
        begin = end - timedelta(days=63 if daily else back + 1)
        begin = min(begin, awaited_from(document, PCE, end) or begin) if daily else begin
        asked = Window(begin, end)
        known = known_gaps(document, PCE)
        facts: dict[str, Any] = {"asked": asked, "before": known, "today": end}
        found = gaps_of(first=FIRST, end=end, stored=stored, years=EVERY, reread=Reread(62), **facts)
        document = with_gaps(document, PCE, EVERY, found, NOON)
        assert known_gaps(document, PCE) == found
        missing = missing_days(end, set(stored), EVERY, None)
        for each in missing:
            if each < end - timedelta(days=62) and each in asked:
                answers.setdefault(each, []).append(end)
        for each in missing:
            gap, told = found[each.year], answers.get(each, [])
            if gap.is_none(each):
                assert told[-1] - told[0] >= APART
            elif told:
                assert told[-1] - told[0] < AGAIN
        assert sum(gap.none + gap.awaited for gap in found.values()) == len(missing)
        assert sum(gap.none for gap in found.values()) == sum(found[each.year].is_none(each) for each in missing)
        awaited = [each for each in missing if not found[each.year].is_none(each)]
        unasked = [each for each in awaited if each not in answers]
        assert min((g.awaited_from for g in found.values() if g.awaited_from), default=None) == min(
            awaited, default=None
        )
        assert min((g.ask_from for g in found.values() if g.ask_from), default=None) == min(unasked, default=None)
        assert all(len({at for at, _ in gap.once}) <= 12 for gap in found.values())


# -- on the account ----------------------------------------------------------------------------------------------------

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)


# -- the trace of corrections ------------------------------------------------------------------------------------------


def test_days_that_no_consent_covers_are_not_missing() -> None:
    covered = [Window(FIRST, FIRST + timedelta(days=5)), Window(FIRST + timedelta(days=8), FIRST + timedelta(days=20))]
    end = FIRST + timedelta(days=30)
    found = gaps_of(
        first=FIRST, end=end, stored=(), years=[FIRST.year], reread=Reread(62), covered=lambda _: covered, **WHOLE
    )
    assert (found[FIRST.year].first, found[FIRST.year].last) == (FIRST, FIRST + timedelta(days=19))
    assert found[FIRST.year].awaited == 5 + 12
