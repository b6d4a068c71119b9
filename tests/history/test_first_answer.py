"""An incomplete first answer is not final: within a month all that may be asked for is asked for again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from include.gas.days.windows import oldest_allowed
from include.gas.display.overview import Situation, overview
from tests.helpers import days_of, known_account, stored
from tests.history.steps import asked, assert_stored_as_grdf, run, weeks_pass

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def situation(world: LocalWorld, account: str) -> Situation:
    return overview(document(world, account)).situation(world.control.today())


def connected(world: LocalWorld, account: str) -> tuple[str, date, date]:
    """Create a household whose first answer held the last 93 days of three years. Return its meter and GRDF's days."""
    today = world.control.today()
    first, last = oldest_allowed(today), today - 4 * ONE  # days that GRDF shows of every meter by now
    (pce,) = known_account(world, account, history=False, conso_debut=str(first))
    silent = (last - 92 * ONE - first).days
    world.control.set_quirks(pce, lines={"missing": [str(first + n * ONE) for n in range(silent)]})
    run(account, last)
    assert len(days_of(stored_days(account, pce))) == 93
    return pce, first, last


def stored_days(account: str, pce: str) -> dict[str, float]:
    from grdf.hooks.couchdb import CouchDBHook

    return stored(CouchDBHook(), account, pce)


def test_days_that_the_first_answer_did_not_hold_come_within_the_month(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    pce, first, last = connected(world, account_id)
    line = overview(document(world, account_id))
    assert sum(year.days for year in line.years) == 93
    assert sum(line.missing(world.control.today())) == (last - first).days + 1 - 93

    world.control.set_quirks(pce)
    asked(world)
    weeks_pass(world, account_id)
    run(account_id, last)

    assert [call[:2] for call in asked(world)] == [(pce, str(first))], "all of them, in the one call"
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, last + ONE)
    assert situation(world, account_id) == Situation.WELL
