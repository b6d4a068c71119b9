"""Missing days are counted once, but not if they are stored or may still arrive. Also the trace of changes."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from include.gas.account.sections.missing_days import awaited_from, known_gaps, with_gaps
from include.gas.answers.consumption.daily import Reading
from include.gas.days.asked_days import Reread
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY
from include.gas.documents.gaps import APART, PUBLISHED_WITHIN, Gap, gaps_of
from include.gas.documents.gas_days import CHANGES_KEPT, day_id
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

PCE, OTHER = "09999999900017", "GI999042"
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


@given(OFFSETS, st.integers(0, 90))
def test_nothing_is_missing_when_all_is_stored_but_what_is_young(end: int, reread: int) -> None:
    stored = [day(n) for n in range(end) if day(n) + PUBLISHED_WITHIN < day(end)]
    assert gaps_of(first=FIRST, end=day(end), stored=stored, years=EVERY, reread=Reread(reread), **WHOLE) == {}


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


@given(st.sets(st.integers(0, 400), min_size=1, max_size=200))
def test_daily_runs_settle_every_hole_and_reach_far_back_on_few_days(holes: set[int]) -> None:
    """After a whole history is read at once, daily runs settle a year's gaps with three wide requests."""
    document: dict[str, Any] = {"_id": "a"}
    start = FIRST + timedelta(days=480)
    wide = 0
    for n in range(45):
        end = start + timedelta(days=n)
        stored = [each for m in range(700) if (each := day(m)) < end and m not in holes]
        usual = FIRST if n == 0 else end - timedelta(days=63)
        begin = min(usual, awaited_from(document, PCE, end) or usual)
        wide += n > 0 and begin < usual
        facts: dict[str, Any] = {"asked": Window(begin, end), "before": known_gaps(document, PCE), "today": end}
        found = gaps_of(first=FIRST, end=end, stored=stored, years=EVERY, reread=Reread(62), **facts)
        document = with_gaps(document, PCE, EVERY, found, NOON)
    assert sum(gap.awaited for gap in found.values()) == 0
    assert sum(gap.none for gap in found.values()) == len(holes)
    assert wide == 2


# -- on the account ----------------------------------------------------------------------------------------------------

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
YEARS = st.sampled_from([2023, 2024, 2025])


def a_gap(year: int, first: int, days: list[int]) -> Gap:
    """Return a gap of days that are each awaited (0), without an answer (1) or known as none (2)."""
    runs = [Window(each, each + ONE) for n in range(len(days)) if (each := date(year, 1, 1) + timedelta(first + 2 * n))]
    none, once = ([run for run, kind in zip(runs, days, strict=True) if kind == wanted] for wanted in (2, 1))
    awaited = [run.first for run, kind in zip(runs, days, strict=True) if kind < 2]
    unasked = [run.first for run, kind in zip(runs, days, strict=True) if kind == 0]
    return Gap(
        runs[0].first, runs[-1].first, len(awaited), len(none), min(awaited, default=None), min(unasked, default=None),
        tuple(none), tuple((date(2026, 5, 3), run) for run in once),
    )  # fmt: skip


GAPS = st.builds(a_gap, YEARS, st.integers(0, 100), st.lists(st.integers(0, 2), min_size=1, max_size=60))


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
    from include.gas.days.gas_day import utc_text

    return utc_text(at)


def test_a_day_that_only_becomes_definitive_has_no_trace() -> None:
    store, march = MemoryStore(), date(2026, 3, 14)
    load_answer(store, "a", PCE, [Reading(march, 5)], NOON)
    report = load_answer(store, "a", PCE, [Reading(march, 5, status="definitive")], NOON + timedelta(days=1))
    document = store.docs[DAY][day_id("a", PCE, march)]
    assert report.confirmed == 1
    assert document["status"] == "definitive"
    assert "changes" not in document


def test_days_that_no_consent_covers_are_not_missing() -> None:
    covered = [Window(FIRST, FIRST + timedelta(days=5)), Window(FIRST + timedelta(days=8), FIRST + timedelta(days=20))]
    end = FIRST + timedelta(days=30)
    found = gaps_of(
        first=FIRST, end=end, stored=(), years=[FIRST.year], reread=Reread(62), covered=lambda _: covered, **WHOLE
    )
    assert (found[FIRST.year].first, found[FIRST.year].last) == (FIRST, FIRST + timedelta(days=19))
    assert found[FIRST.year].awaited == 5 + 12
