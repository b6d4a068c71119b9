"""Missing days are never stored as 0, and are filled in by the daily run without extra calls."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.errors import ServiceUnavailable
from tests.helpers import days_of, known_account, stored
from tests.history.steps import asked, assert_stored_as_grdf, household, read, run, said

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
