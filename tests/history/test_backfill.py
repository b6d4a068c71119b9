"""Native backfills, day by day: in any order, the result is that of one call for the range, without extra requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.days.windows import oldest_allowed
from include.gas.meter_tag import meter_tag
from tests.helpers import days_of, stored
from tests.history.steps import DAY, TODAY, Y, asked, assert_stored_as_grdf, backfill, household, read, said

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


def last_sunday(year: int, month: int) -> date:
    """Return the last Sunday of a month, on which the clocks change in March and October."""
    last = date(year, month, 31)
    return last - (last.isoweekday() % 7) * ONE


LEAP = max(year for year in range(2024, Y + 1, 4))
RANGES = {
    "year's end": (date(Y - 1, 12, 28), date(Y, 1, 4)),
    "leap day": (date(LEAP, 2, 27), date(LEAP, 3, 2)),
    "23 hours": (last_sunday(Y, 3) - 3 * ONE, last_sunday(Y, 3) + ONE),
    "25 hours": (last_sunday(Y - 1, 10) - 3 * ONE, last_sunday(Y - 1, 10) + ONE),
}
if RANGES["leap day"][0] < oldest_allowed(TODAY):
    del RANGES["leap day"]  # in some years, none can be requested any more
ORDERS: dict[str, Callable[[list[date]], list[date]]] = {
    "forwards": list,
    "backwards": lambda days: days[::-1],
    "from the middle out": lambda days: sorted(days, key=lambda day: abs(day - days[len(days) // 2])),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", RANGES)
def test_in_any_order_it_ends_as_one_call_for_the_range(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, name: str, order: str
) -> None:
    first, end = RANGES[name]
    days = ORDERS[order]([first + n * ONE for n in range((end - first).days)])
    (pce,) = household(world, account_id, date(2023, 12, 1))
    world.control.set_quirks(pce, lines={"absent_null": [str(first + ONE)], "missing": [str(end - 2 * ONE)]})
    world.control.correct(pce, first, 36.212)
    for day in days:
        backfill(account_id, day)
    assert asked(world) == [(pce, str(day), str(day + ONE)) for day in days], "each its own day alone"
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, end)

    # Again: only the days that GRDF does not have are requested.
    figures = stored(couchdb, account_id, pce)
    for day in days:
        assert backfill(account_id, day).events == []
    open_days = sorted(day for day in days if str(day) not in figures)
    assert sorted(date.fromisoformat(call[1]) for call in asked(world)) == open_days
    assert stored(couchdb, account_id, pce) == figures

    # GRDF corrects a definitive day, and adds the two missing days.
    world.control.set_quirks(pce)
    world.control.correct(pce, first, 40.5)
    for day in days:
        backfill(account_id, day, include_definitive=True)
    assert len(asked(world)) == len(days), "one call per day"
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, end)

    # One call for the whole range finds nothing new.
    done = read(account_id, first, end, include_definitive=True)
    assert asked(world) == [(pce, str(first), str(end))]
    assert (done.events, done.result["unchanged"]) == ([], len(days))


def test_over_definitive_days_it_makes_no_call_and_says_so(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    one, two = household(world, account_id, date(Y, 3, 1), 2)
    read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    asked(world)
    before = stored(couchdb, account_id, one)
    revision = (world.book.get(account_id) or {})["_rev"]
    with said() as lines:
        for number in range(31):
            done = backfill(account_id, date(Y, 3, 1) + number * ONE)
            assert (done.result, done.events) == ({"account": account_id}, [])
    assert world.control.log() == [], "no call at all, not even for a token"
    for pce in (one, two):
        told = f"meter {meter_tag(account_id, pce)}: gas day 2026-03-31 is stored as definitive"
        assert any(told in line for line in lines)
    assert any('{"include_definitive": true}' in line for line in lines), "and how to ask all the same"
    assert stored(couchdb, account_id, one) == before
    assert (world.book.get(account_id) or {})["_rev"] == revision


def test_of_two_meters_only_the_one_with_an_open_day_is_asked(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    one, two = household(world, account_id, date(Y, 3, 1), 2)
    world.control.set_quirks(two, lines={"missing": [f"{Y}-03-10"]})
    read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    asked(world)
    world.control.set_quirks(two)
    done = backfill(account_id, date(Y, 3, 10))
    assert asked(world) == [(two, f"{Y}-03-10", f"{Y}-03-11")]
    assert dict(done.events)[DAY]["changed"] == 1
    assert done.result["changes"]["days"] == [f"{Y}-03-10"]
    for pce in (one, two):
        assert_stored_as_grdf(world, couchdb, account_id, pce, f"{Y}-03-01", f"{Y}-04-01")


@pytest.mark.parametrize("conf", [{"include_definitive": "true"}, {"include_definitive": 1}, {"other": True}])
def test_only_a_true_asks_again(world: LocalWorld, account_id: str, conf: dict[str, object]) -> None:
    household(world, account_id, date(Y, 3, 1))
    backfill(account_id, date(Y, 3, 10))
    asked(world)
    backfill(account_id, date(Y, 3, 10), **conf)
    assert asked(world) == []


@pytest.mark.parametrize("day", [date(2020, 5, 5), date(Y, 2, 27), date(Y, 9, 1)])
def test_days_that_cannot_be_asked_make_no_call(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str, day: date
) -> None:
    (pce,) = household(world, account_id, date(Y, 3, 1), first=f"{Y}-03-01", end=f"{Y}-09-01")
    with said() as lines:
        backfill(account_id, day)
    assert asked(world) == []
    assert stored(couchdb, account_id, pce) == {}
    assert any("no gas day" in line and meter_tag(account_id, pce) in line for line in lines)


def test_a_backfill_of_the_past_leaves_the_daily_window_where_it_was(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    from tests.history.steps import run

    today = world.control.today()
    (pce,) = household(world, account_id, date(Y, 1, 1))
    run(account_id, today - 3 * ONE)
    newest = max(days_of(stored(couchdb, account_id, pce)))
    backfill(account_id, date(Y, 1, 5))
    asked(world)
    run(account_id, today - 2 * ONE)
    assert asked(world) == [(pce, str(date.fromisoformat(newest) - 61 * ONE), str(today - ONE))]
