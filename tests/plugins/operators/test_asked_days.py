"""The days that a run asks for: everything at first and once in four weeks, otherwise its day and those before it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.status import Status
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import account_range, day_id
from include.sandbox.local_world import LocalWorld
from tests.helpers import enter_rights, give_back, known_account, lose, yesterday
from tests.history.steps import look_again
from tests.plugins.steps import REREAD, asked, extract, load

pytestmark = pytest.mark.usefixtures("home")


def at_first(account_id: str, day: date) -> None:
    """Do an account's first run."""
    load(account_id, extract(account_id, day))


def test_everything_is_asked_for_at_first_and_then_the_run_s_day_and_those_before_it(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id, history=False)
    day, today = yesterday(clean) - timedelta(days=4), clean.control.today()
    everything = (pce, str(oldest_allowed(today)), str(day + timedelta(days=1)))
    extract(account_id, day)
    assert asked(clean) == [everything]
    at_first(account_id, day)
    assert asked(clean) == [everything], "nothing was stored of what was asked for before"
    days = [*couchdb.range(DAY, *account_range(account_id, pce))]
    couchdb.write(DAY, [{"_id": each["_id"], "_rev": each["_rev"], "_deleted": True} for each in days[-90:]])
    for later in range(1, 4):
        extract(account_id, day + timedelta(days=later))
        since = day + timedelta(days=later - REREAD)
        assert asked(clean) == [(pce, str(since), str(day + timedelta(days=later + 1)))], "whatever is stored"


def test_everything_is_asked_for_again_once_in_four_weeks(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    ages = [age for age in range(35) if asks_for_all(clean, account_id, pce, day, age)]
    assert 21 <= ages[0] <= 28
    assert ages == list(range(ages[0], 35)), "until it has come"
    at_first(account_id, day)
    asked(clean)
    extract(account_id, day)
    assert asked(clean) == [(pce, str(day - timedelta(days=REREAD)), str(day + timedelta(days=1)))]


def asks_for_all(world: LocalWorld, account_id: str, pce: str, day: date, age: int) -> bool:
    """Return whether a run asks for everything so many days after everything was read."""
    document = world.book.get(account_id) or {}
    reading = replace(Status.reading(document, pce), whole_at=world.control.today() - timedelta(days=age))
    world.book.save(Status.with_reading(document, pce, reading))
    extract(account_id, day)
    ((_, first, _),) = asked(world)
    return first == str(oldest_allowed(world.control.today()))


def test_a_new_right_is_read_whole_and_one_that_comes_back_is_not(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    lose(clean, pce)
    look_again(pce)
    extract(account_id, day)
    assert asked(clean) == []
    give_back(clean, pce)
    look_again(pce)
    extract(account_id, day)
    assert [first for _, first, _ in asked(clean)] == [str(day - timedelta(days=REREAD))]
    enter_rights(account_id, clean.control.consent([pce]))
    extract(account_id, day)
    assert [first for _, first, _ in asked(clean)] == [str(oldest_allowed(clean.control.today()))]


def test_the_reread_window_is_a_setting(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known_account(clean, account_id)
    day = yesterday(clean)
    monkeypatch.setenv("AIRFLOW__GRDF__REREAD_DAYS", "5")
    extract(account_id, day)
    assert [first for _, first, _ in asked(clean)] == [str(day - timedelta(days=5))]


def test_a_backfilled_run_asks_for_its_own_day(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id, history=False)
    day = yesterday(clean) - timedelta(days=400)
    extract(account_id, day, run_type="backfill")
    assert asked(clean) == [(pce, str(day), str(day + timedelta(days=1)))]


@pytest.mark.parametrize("damage", [{"load": None}, {"day": 99}])
def test_a_backfill_asks_for_a_definitive_day_that_others_have_damaged(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, damage: dict[str, Any]
) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean) - timedelta(days=120)
    load(account_id, extract(account_id, day, run_type="backfill"))
    good = couchdb.get(DAY, day_id(account_id, pce, day)) or {}
    assert good["status"] == "definitive"
    asked(clean)
    couchdb.write(DAY, [good | damage])
    load(account_id, extract(account_id, day, run_type="backfill"))
    assert asked(clean) == [(pce, str(day), str(day + timedelta(days=1)))]
    mended = couchdb.get(DAY, good["_id"]) or {}
    assert (mended["load"], mended["day"]) == (good["load"], good["day"])
    assert extract(account_id, day, run_type="backfill")["answers"] == 0, "it is whole again"
