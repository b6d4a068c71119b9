"""Days that were stored before all that GRDF measured was kept are completed by one re-read, in one call per meter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.gas.answers.consumption.measures import NAMES
from include.gas.days.windows import oldest_allowed
from tests.history.steps import DAY, MONTH, asked, assert_stored_as_grdf, household, read

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

SUMS = ("volume", "volume_days", "measured_days", "estimated_days", "corrected_days")


def days(couchdb: CouchDBHook, account: str) -> list[dict[str, Any]]:
    return couchdb.range(DAY, f"{account}:", f"{account};")


def without_moment(day: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in day.items() if key not in ("_rev", "read_at")}


def forget(couchdb: CouchDBHook, account: str) -> None:
    """Leave what a version before November 2026 has stored."""
    for doctype, names in ((DAY, NAMES), (MONTH, SUMS)):
        former = couchdb.range(doctype, f"{account}:", f"{account};")
        couchdb.write(doctype, [{key: value for key, value in each.items() if key not in names} for each in former])


def test_three_years_are_completed_and_no_day_looks_corrected(
    world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    today, first = world.control.today(), oldest_allowed(world.control.today())
    (pce,) = household(world, account_id, first)
    read(account_id, first, today)
    whole = days(couchdb, account_id)
    forget(couchdb, account_id)
    assert not any("volume" in each for each in days(couchdb, account_id))
    world.control.clear_log()

    done = read(account_id, first, today, include_definitive=True)

    assert asked(world) == [(pce, str(first), str(today))]
    counted = {name: done.result[name] for name in ("calls", "completed", "corrected", "confirmed", "new", "unchanged")}
    assert counted == {
        "calls": 1, "completed": len(whole), "corrected": 0, "confirmed": 0, "new": 0, "unchanged": 0,
    }  # fmt: skip
    again = days(couchdb, account_id)
    kept = [name for name in whole[0] if name not in ("_rev", "read_at")]
    assert [[each.get(name) for name in kept] for each in again] == [
        [each.get(name) for name in kept] for each in whole
    ]
    assert not any("changes" in each for each in again)
    months = couchdb.range(MONTH, f"{account_id}:", f"{account_id};")
    assert all(each["volume_days"] == each["days"] for each in months)
    assert_stored_as_grdf(world, couchdb, account_id, pce, first, today)
    world.control.clear_log()
    assert read(account_id, first, today, include_definitive=True).result["completed"] == 0
