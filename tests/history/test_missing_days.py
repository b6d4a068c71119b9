"""Missing days are noted on the account, never stored as 0, and filled in by the daily run without extra calls."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.errors import ServiceUnavailable
from tests.helpers import days_of, known_account, stored
from tests.history.steps import Y, asked, assert_stored_as_grdf, backfill, household, read, run, said, weeks_pass

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


def gaps(world: LocalWorld, account: str) -> dict[str, Any]:
    return dict((world.book.get(account) or {}).get("gaps") or {})


def told(world: LocalWorld, account: str, pce: str) -> tuple[str, str, int, int]:
    """Return what is noted about a meter's missing days over all years: first, last, awaited, none."""
    years = [gap for _, gap in sorted(gaps(world, account)[pce].items())]
    return (
        years[0]["first"], years[-1]["last"], sum(gap["awaited"] for gap in years), sum(gap["none"] for gap in years),
    )  # fmt: skip


def assert_healed_by_one_call(
    world: LocalWorld, couchdb: CouchDBHook, account: str, pce: str, first: date, last: date
) -> None:
    assert len(asked(world)) == 1
    assert_stored_as_grdf(world, couchdb, account, pce, first, last + ONE)
    assert gaps(world, account) == {}


def test_a_weeks_outage_heals_by_itself_in_one_call_per_meter(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    last, first = today - 2 * ONE, today - 100 * ONE
    pces = household(world, account_id, first, 2, first=first.isoformat())
    read(account_id, first, last - 8 * ONE)
    world.control.fault("/adict/v2/pce/", status=503, times=None)
    for ago in range(8, 0, -1):
        with pytest.raises(ServiceUnavailable):
            run(account_id, last - ago * ONE)
    world.control.set(faults=[])
    asked(world)

    run(account_id, last)

    assert [call[0] for call in asked(world)] == list(pces), "one call per meter"
    for pce in pces:
        assert_stored_as_grdf(world, couchdb, account_id, pce, first, last + ONE)
    assert gaps(world, account_id) == {}
    assert not (world.book.get(account_id) or {}).get("state")


def test_days_that_grdf_does_not_have_are_noted_and_go_when_they_come(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    last, first = today - 2 * ONE, today - 120 * ONE
    late = [str(last - n * ONE) for n in (10, 11, 12, 13, 14, 15, 16)]
    never = [str(first + 5 * ONE), str(first + 6 * ONE)]
    pce, other = household(world, account_id, first, 2, first=first.isoformat())
    world.control.set_quirks(
        pce, lines={"missing": late[:4] + never, "absent_null": late[4:6], "absent_zero": late[6:]}
    )
    read(account_id, first, last)

    run(account_id, last)

    assert told(world, account_id, pce) == (never[0], late[0], 9, 0)
    weeks_pass(world, account_id)
    run(account_id, last)
    assert told(world, account_id, pce) == (never[0], late[0], 7, 2), "a second answer, weeks later"
    since = {year: gap["since"] for year, gap in gaps(world, account_id)[pce].items()}
    assert other not in gaps(world, account_id)
    assert not set(late + never) & stored(couchdb, account_id, pce).keys(), "missing is not 0"
    revision = (world.book.get(account_id) or {})["_rev"]
    run(account_id, last)
    assert (world.book.get(account_id) or {})["_rev"] == revision, "known already: nothing is written"

    world.control.set_quirks(pce, lines={"missing": never})
    asked(world)
    run(account_id, last)
    assert [call[0] for call in asked(world)] == [pce, other]
    assert told(world, account_id, pce) == (never[0], never[1], 0, 2)
    assert all(gap["since"] == since[year] for year, gap in gaps(world, account_id)[pce].items())
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, last + ONE)

    # Days that are too old for the daily runs are found when a person requests them.
    world.control.set_quirks(pce)
    run(account_id, last)
    assert pce in gaps(world, account_id)
    for day in never:
        backfill(account_id, date.fromisoformat(day))
    assert gaps(world, account_id) == {}
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, last + ONE)


@pytest.mark.parametrize(
    ("setting", "argument", "answered"),
    [(None, None, False), ("5", None, True), (None, 5, False), ("5", 62, False)],
)
def test_missing_days_are_judged_with_the_window_that_the_run_asked_with(
    world: LocalWorld,
    account_id: str,
    monkeypatch: pytest.MonkeyPatch,
    setting: str | None,
    argument: int | None,
    answered: bool,
) -> None:
    """A day that the next runs request again anyway does not count as answered yet.

    A smaller window of the operator's own does not make it older: GRDF may not have published it yet.
    """
    if setting:
        monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", setting)
    today = world.control.today()
    last, first = today - 2 * ONE, today - 40 * ONE
    (pce,) = household(world, account_id, first)
    world.control.set_quirks(pce, lines={"missing": [str(last - 20 * ONE)]})
    for n in (21, 20, 19):
        with_argument = {"reread_days": argument} if argument else {}
        run(account_id, last - (n - 19) * ONE, **with_argument)
    (gap,) = gaps(world, account_id)[pce].values()
    assert gap["awaited"] == 1
    assert ("once" in gap, "ask_from" in gap) == (answered, not answered)


def test_a_line_that_could_not_be_read_is_no_word_of_grdf_that_it_has_no_such_day(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    first = today - timedelta(days=200)
    (pce,) = household(world, account_id, first, first=first.isoformat())
    unreadable = today - timedelta(days=150)
    world.control.set_quirks(pce, lines={"broken": [str(unreadable)]})
    run(account_id, today - 2 * ONE)
    assert told(world, account_id, pce) == (str(unreadable), str(unreadable), 1, 0)
    world.control.set_quirks(pce)
    asked(world)
    run(account_id, today - 2 * ONE)
    assert [str(call[1]) for call in asked(world)] == [str(unreadable)], "reached back to, in the same one call"
    assert gaps(world, account_id) == {}
    assert str(unreadable) in days_of(stored(couchdb, account_id, pce))


def test_looking_at_an_old_year_neither_forgets_nor_rejuvenates_its_missing_days(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = household(world, account_id, date(Y - 2, 11, 1), first=f"{Y - 2}-11-01", end=f"{Y}-02-01")
    holes = [f"{Y - 2}-12-10", f"{Y - 2}-12-30", f"{Y - 2}-12-31", f"{Y - 1}-12-31"]
    world.control.set_quirks(pce, lines={"missing": holes})
    read(account_id, f"{Y - 2}-11-01", f"{Y}-03-01")
    weeks_pass(world, account_id)
    read(account_id, f"{Y - 2}-11-01", f"{Y}-03-01", include_definitive=True)
    noted = gaps(world, account_id)
    assert {year: (gap["first"], gap["last"], gap["awaited"], gap["none"]) for year, gap in noted[pce].items()} == {
        str(Y - 2): (f"{Y - 2}-12-10", f"{Y - 2}-12-31", 0, 3),
        str(Y - 1): (f"{Y - 1}-12-31", f"{Y - 1}-12-31", 0, 1),
    }
    backfill(account_id, date(Y - 2, 11, 20), include_definitive=True)
    read(account_id, f"{Y - 2}-11-01", f"{Y - 2}-12-01", include_definitive=True)
    assert gaps(world, account_id) == noted
    world.control.set_quirks(pce)
    backfill(account_id, date(Y - 1, 12, 31))
    assert gaps(world, account_id) == {pce: {str(Y - 2): noted[pce][str(Y - 2)]}}, "the other year is as it was"


def test_a_day_that_has_only_not_come_yet_is_not_missing(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    (pce,) = household(world, account_id, today - 30 * ONE, first=str(today - 30 * ONE))
    world.control.set_quirks(pce, lines={"missing": [str(today - 3 * ONE)]})
    run(account_id, today - 2 * ONE)
    assert gaps(world, account_id) == {}


def test_a_measured_zero_is_a_reading_and_a_withdrawn_figure_keeps_the_last_known(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    day, first = today - 10 * ONE, today - 30 * ONE
    (pce,) = household(world, account_id, first, first=str(first))
    world.control.correct(pce, day, 0)
    run(account_id, today - 2 * ONE)
    assert days_of(stored(couchdb, account_id, pce))[str(day)] == 0
    world.control.correct(pce, day, None)
    run(account_id, today - 2 * ONE)
    assert days_of(stored(couchdb, account_id, pce))[str(day)] == 0
    assert gaps(world, account_id) == {}
    world.control.correct(pce, day, 12.5)
    run(account_id, today - 2 * ONE)
    assert days_of(stored(couchdb, account_id, pce))[str(day)] == 12.5


def test_a_newer_day_read_by_hand_hides_no_older_one_that_is_missing(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    """Nothing runs for a hundred days. Then somebody starts reading yesterday, before the first daily run."""
    today = world.control.today()
    last, first = today - 2 * ONE, today - 200 * ONE
    (pce,) = household(world, account_id, first)
    read(account_id, first, today - 100 * ONE)
    backfill(account_id, last - 2 * ONE)
    asked(world)

    run(account_id, last)
    assert_healed_by_one_call(world, couchdb, account_id, pce, first, last)


def test_a_meter_that_stays_silent_for_months_and_then_tells_all_is_read_whole(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    last, first = today - 2 * ONE, today - 150 * ONE
    (pce,) = household(world, account_id, first)
    world.control.set_quirks(pce, lines={"missing": [str(first + n * ONE) for n in range(150)]})
    run(account_id, last - ONE)
    assert stored(couchdb, account_id, pce) == {}
    assert told(world, account_id, pce)[2:] == (146, 0), "a young one may come any day, and so may all of them"
    world.control.set_quirks(pce)
    asked(world)
    run(account_id, last)
    assert_healed_by_one_call(world, couchdb, account_id, pce, first, last)


def test_a_reread_before_the_first_run_learns_how_far_the_consent_reaches(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    """This applies to an account that the konnector has left: its meter is known, but not its consent's dates."""
    today = world.control.today()
    begin = today - 40 * ONE
    (pce,) = known_account(world, account_id, history=False, conso_debut=str(begin))
    with said() as lines:
        read(account_id, today - 60 * ONE, today - 20 * ONE)
    assert [call[1:] for call in asked(world)] == [(str(begin), str(today - 20 * ONE))]
    assert any(f"the household's consent starts with {begin}" in line for line in lines)
    assert_stored_as_grdf(world, couchdb, account_id, pce, begin, today - 20 * ONE)
