"""Days that the database has lost are noticed from the account's book, requested again, and counted."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.sections.lost_days import lost_years, reads_again
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.stored import told_years
from include.gas.days.windows import oldest_allowed
from include.gas.display.overview import Situation, overview
from include.gas.documents.doctypes import DAY, YEAR
from include.gas.documents.gas_days import account_range, day_id, year_id
from tests.helpers import days_of, known_account, stored
from tests.history.steps import asked, backfill, run
from tests.plugins.steps import read_published as read
from tests.plugins.steps import sums

if TYPE_CHECKING:
    from collections.abc import Callable

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

ONE = timedelta(days=1)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Airflow home with a separate staging folder."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


def document(world: LocalWorld, account: str) -> dict[str, Any]:
    return world.book.get(account) or {}


def lose(couchdb: CouchDBHook, account: str, pce: str, wanted: Callable[[str], bool]) -> int:
    """Remove days directly from the database, keep all totals, and return the number of days."""
    days = [each for each in couchdb.range(DAY, *account_range(account, pce)) if wanted(each["_id"][-10:])]
    return len(couchdb.write(DAY, [each | {"_deleted": True} for each in days]).written)


def connected(world: LocalWorld, account: str) -> tuple[str, date, date]:
    """Create a household with its whole history stored. Return its meter, the first day, and the last run's day."""
    today = world.control.today()
    first, last = oldest_allowed(today), today - 4 * ONE  # GRDF shows no day later than that, whatever the meter
    (pce,) = known_account(world, account, history=False, conso_debut=str(first))
    run(account, last)
    asked(world)
    return pce, first, last


def assert_whole(world: LocalWorld, couchdb: CouchDBHook, account: str, pce: str, first: date, last: date) -> None:
    assert stored(couchdb, account, pce) == sums(world.control.expected(pce, first, last + ONE))
    assert "gaps" not in document(world, account)
    assert "lost_days" not in document(world, account)
    assert sum(year.days for year in told_years(document(world, account), pce).values()) == (last - first).days + 1


def test_a_year_that_a_restore_has_lost_is_found_within_the_month_and_read_again(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    pce, first, last = connected(clean, account_id)
    year = first.year + 1
    lost = lose(couchdb, account_id, pce, lambda day: day.startswith(f"{year}-"))
    assert lost >= 365
    run(account_id, last)
    assert [call[1] for call in asked(clean)] == [str(last - 62 * ONE)], "daily runs do not look at that year"

    counts = read(account_id)
    assert (counts["days_lost"], counts["totals_mended"]) == (lost, 13)
    assert known_gaps(document(clean, account_id), pce)[year].awaited == lost
    assert year_id(account_id, pce, year) not in {
        each["_id"] for each in couchdb.range(YEAR, *account_range(account_id))
    }
    assert overview(document(clean, account_id)).situation(clean.control.today()) == Situation.GAPS

    asked(clean)
    run(account_id, last)
    assert [call[1] for call in asked(clean)] == [str(first)], "in the one call"
    assert_whole(clean, couchdb, account_id, pce, first, last)
    again = read(account_id)
    assert (again.get("days_lost", 0), again.get("totals_mended", 0), again["books"]) == (0, 0, 1)
    run(account_id, last)
    assert [call[1] for call in asked(clean)] == [str(last - 62 * ONE)]


@pytest.mark.parametrize("ago", [3, 200, 600])
def test_a_backfill_into_a_database_that_is_a_new_one_hides_nothing(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, ago: int
) -> None:
    pce, first, last = connected(clean, account_id)
    lose(couchdb, account_id, pce, lambda _: True)
    day = last - ago * ONE
    before = told_years(document(clean, account_id), pce)[day.year]
    backfill(account_id, day)
    assert set(days_of(stored(couchdb, account_id, pce))) == {str(day)}
    assert lost_years(document(clean, account_id), pce) == {day.year: before.days}
    assert reads_again(document(clean, account_id), pce)
    asked(clean)
    run(account_id, last)
    assert [call[1] for call in asked(clean)] == [str(first)]
    assert_whole(clean, couchdb, account_id, pce, first, last)


def test_what_grdf_serves_no_more_is_said_and_not_asked_for_for_ever(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    pce, first, last = connected(clean, account_id)
    old = first - 400 * ONE
    couchdb.write(
        DAY, [{"_id": day_id(account_id, pce, old), "load": 4, "year": old.year, "month": old.month, "day": old.day}]
    )
    read(account_id)
    assert told_years(document(clean, account_id), pce)[old.year].days == 1
    lose(couchdb, account_id, pce, lambda day: day == str(old))
    changed = document(clean, account_id)
    changed["published"][pce]["read_at"] = "2020-01-01T00:00:00Z"
    clean.book.save(changed)
    assert read(account_id)["days_lost"] == 1
    asked(clean)
    for _ in range(2):
        run(account_id, last)
    assert [call[1] for call in asked(clean)] == [str(first), str(last - 62 * ONE)], "once more, and then no more"
    assert lost_years(document(clean, account_id), pce) == {old.year: 1}
    assert overview(document(clean, account_id)).situation(clean.control.today()) == Situation.HOLES
