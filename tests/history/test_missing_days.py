"""Missing days are never stored as 0. They are the calendar minus the store, and come without extra calls."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.display.overview import overview
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_id
from include.gas.errors import ServiceUnavailable
from tests.helpers import days_of, known_account, stored
from tests.history.steps import asked, assert_stored_as_grdf, household, read, run, said, weeks_pass

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


def missing(world: LocalWorld, account: str) -> tuple[int, int]:
    """Return how many days are missing: of the last two months, and of before."""
    return overview(world.book.get(account) or {}).missing(world.control.today())


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
    assert missing(world, account_id) == (0, 0)
    assert not (world.book.get(account_id) or {}).get("state")


def test_a_day_that_has_only_not_come_yet_is_not_missing(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    (pce,) = household(world, account_id, today - 30 * ONE, first=str(today - 30 * ONE))
    world.control.set_quirks(pce, lines={"missing": [str(today - 3 * ONE)]})
    run(account_id, today - 2 * ONE)
    assert missing(world, account_id) == (0, 0)
    world.control.set_quirks(pce, lines={"missing": [str(today - 4 * ONE)]})
    lost = couchdb.get(DAY, day_id(account_id, pce, today - 4 * ONE)) or {}
    couchdb.write(DAY, [{"_id": lost["_id"], "_rev": lost["_rev"], "_deleted": True}])
    run(account_id, today - 2 * ONE)
    assert missing(world, account_id) == (1, 0), "a day older it is"


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
    assert missing(world, account_id) == (0, 0)
    world.control.correct(pce, day, 12.5)
    run(account_id, today - 2 * ONE)
    assert days_of(stored(couchdb, account_id, pce))[str(day)] == 12.5


def test_a_meter_that_stays_silent_for_months_and_then_tells_all_is_read_whole_within_the_month(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today = world.control.today()
    last, first = today - 2 * ONE, today - 150 * ONE
    (pce,) = household(world, account_id, first, first=str(first))
    world.control.set_quirks(pce, lines={"missing": [str(first + n * ONE) for n in range(150)]})
    run(account_id, last - ONE)
    assert stored(couchdb, account_id, pce) == {}
    assert missing(world, account_id) == (59, 88)
    world.control.set_quirks(pce)
    asked(world)
    run(account_id, last)
    assert_stored_as_grdf(world, couchdb, account_id, pce, last - 62 * ONE, last + ONE)
    assert missing(world, account_id) == (0, 86)
    weeks_pass(world, account_id)
    run(account_id, last)
    assert len(asked(world)) == 2, "one call for each run"
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, last + ONE)
    assert missing(world, account_id) == (0, 0)


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
