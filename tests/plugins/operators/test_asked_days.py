"""The days that a run asks for: the whole history at first, then the re-read window, nothing outside the consent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_id
from include.sandbox.local_world import LocalWorld
from tests.helpers import known_account, yesterday
from tests.plugins.steps import REREAD, asked, extract, load

pytestmark = pytest.mark.usefixtures("home")


def test_a_later_run_asks_from_the_first_missing_day_back_by_the_reread_window(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean) - timedelta(days=4)
    extract(account_id, day)
    end = str(day + timedelta(days=1))
    oldest = str(oldest_allowed(clean.control.today()))
    assert asked(clean) == [(pce, oldest, end)], "nothing stored yet: all of it may come at once"
    last = day - timedelta(days=30)
    couchdb.write(DAY, [{"_id": f"{account_id}:{pce}:{last}", "load": 1, "year": last.year}])
    extract(account_id, day)
    assert asked(clean) == [(pce, str(last + timedelta(days=1 - REREAD)), end)], "a month is missing"
    couchdb.write(DAY, [{"_id": f"{account_id}:{pce}:{day + timedelta(days=3)}", "load": 1}])
    extract(account_id, day)
    assert asked(clean) == [(pce, str(day - timedelta(days=REREAD)), end)], "a past day again"


def test_the_reread_window_is_a_setting(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pce,) = known_account(clean, account_id)
    day = yesterday(clean)
    couchdb.write(DAY, [{"_id": f"{account_id}:{pce}:{day}", "load": 1}])
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
    assert extract(account_id, day, run_type="backfill")["reference"] is None, "it is whole again"


@pytest.mark.parametrize("end", ["note", "2026-11", "2026-11-01-note", "9999-12-31"])
@pytest.mark.parametrize("days", [True, False])
def test_what_others_put_between_the_days_is_not_the_last_stored_one(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, end: str, days: bool
) -> None:
    (pce,) = known_account(clean, account_id)
    day, today = yesterday(clean), clean.control.today()
    last = today - timedelta(days=20)
    couchdb.write(DAY, [{"_id": f"{account_id}:{pce}:{end}", "text": "seen"}])
    if days:
        couchdb.write(DAY, [{"_id": f"{account_id}:{pce}:{last}", "load": 5}])
    extract(account_id, day)
    first = last + timedelta(days=1 - REREAD) if days else oldest_allowed(today)
    assert asked(clean) == [(pce, str(first), str(today))]
