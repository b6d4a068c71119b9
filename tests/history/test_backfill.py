"""Native backfills, day by day: in any order, the result is that of one call for the range, without extra requests."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.documents.doctypes import DAY
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.helpers import stored
from tests.history.steps import Y, asked, assert_stored_as_grdf, backfill, household, read

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

ONE = timedelta(days=1)


def last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - (last.isoweekday() % 7) * ONE


RANGES = {
    "year's end": (date(Y - 1, 12, 28), date(Y, 1, 4), lambda days: days[::-1]),
    "23 hours": (last_sunday(Y, 3) - 3 * ONE, last_sunday(Y, 3) + ONE, lambda days: days[2:] + days[:2]),
    "25 hours": (last_sunday(Y - 1, 10) - 3 * ONE, last_sunday(Y - 1, 10) + ONE, lambda days: days[::2] + days[1::2]),
}
"""First day, end, and the order in which the days are read."""


@pytest.mark.parametrize("name", RANGES)
def test_in_any_order_it_ends_as_one_call_for_the_range(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, name: str
) -> None:
    first, end, order = RANGES[name]
    days = order([first + n * ONE for n in range((end - first).days)])
    (pce,) = household(clean, account_id, date(2023, 12, 1))
    clean.control.set_quirks(pce, lines={"absent_null": [str(first + ONE)], "missing": [str(end - 2 * ONE)]})
    clean.control.correct(pce, first, 36.212)
    for day in days:
        backfill(account_id, day)
    assert asked(clean) == [(pce, str(day), str(day + ONE)) for day in days], "each its own day alone"
    assert_stored_as_grdf(clean, couchdb, account_id, pce, first, end)
    figures = stored(couchdb, account_id, pce)
    assert [backfill(account_id, day).events for day in days] == [[]] * len(days)
    assert {call[1] for call in asked(clean)} == {str(day) for day in days} - figures.keys(), "what GRDF did not have"
    clean.control.set_quirks(pce)
    clean.control.correct(pce, first, 40.5)
    for day in days:
        backfill(account_id, day, include_definitive=True)
    assert len(asked(clean)) == len(days)
    assert_stored_as_grdf(clean, couchdb, account_id, pce, first, end)
    done = read(account_id, first, end, include_definitive=True)
    assert asked(clean) == [(pce, str(first), str(end))]
    assert (done.events, done.result["unchanged"]) == ([], len(days))


def test_only_the_open_days_of_a_meter_are_asked_for_unless_a_run_says_otherwise(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    one, two = household(clean, account_id, date(Y, 3, 1), 2)
    clean.control.set_quirks(two, lines={"missing": [f"{Y}-03-10"]})
    read(account_id, f"{Y}-03-01", f"{Y}-04-01")
    clean.control.set_quirks(two)
    clean.control.clear_log()
    revision = (clean.book.get(account_id) or {})["_rev"]
    for conf in ({}, {"include_definitive": "true"}, {"include_definitive": 1}, {"other": True}):
        capfd.readouterr()
        done = backfill(account_id, date(Y, 3, 31), **conf)
        assert (done.result, done.events) == ({"account": account_id}, [])
    assert clean.control.log() == [], "no call at all, not even for a token"
    assert (clean.book.get(account_id) or {})["_rev"] == revision
    said = "".join(capfd.readouterr())
    assert all(meter_tag(account_id, pce) in said for pce in (one, two))
    assert '{"include_definitive": true}' in said, "how to ask all the same"
    done = backfill(account_id, date(Y, 3, 10))
    assert asked(clean) == [(two, f"{Y}-03-10", f"{Y}-03-11")]
    assert (dict(done.events)[DAY]["changed"], done.result["changes"]["days"]) == (1, [f"{Y}-03-10"])
    for pce in (one, two):
        assert_stored_as_grdf(clean, couchdb, account_id, pce, f"{Y}-03-01", f"{Y}-04-01")
