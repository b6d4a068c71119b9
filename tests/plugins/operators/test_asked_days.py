"""The days that a run asks for: the whole history at first, then the re-read window, nothing outside the consent."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.extract import ExtractOperator
from include.gas.days.windows import oldest_allowed
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_id
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    connect_cozy,
    context,
    days_of,
    known_account,
    stored,
    with_memory_shelf,
    yesterday,
)
from tests.plugins.steps import REREAD, acquire, asked, document, extract, load, sums

pytestmark = pytest.mark.usefixtures("home")


def test_the_first_launch_reads_the_whole_allowed_history_in_one_call_per_meter(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    pces = connect_cozy(clean, account_id, 2)
    acquire(account_id)
    clean.control.clear_log()
    day, today = yesterday(clean), clean.control.today()
    staged = extract(account_id, day)
    calls = asked(clean)
    rights = {right["id_pce"]: right for right in clean.control.consents()}
    for (pce, first, end), wanted in zip(calls, pces, strict=True):
        allowed = rights[wanted]["perim_donnees_conso_debut"][:10]
        assert (pce, first, end) == (wanted, max(str(oldest_allowed(today)), allowed), str(day + timedelta(days=1)))
    assert "body" not in json.dumps(staged)
    counts = load(account_id, staged)
    for pce in pces:
        expected = clean.control.expected(pce, calls[0][1], calls[0][2])
        assert len(expected) > 900
        assert stored(couchdb, account_id, pce) == sums(expected)
    assert counts["new"] > 1800
    history = document(clean, account_id)["history"]
    assert set(history) == set(pces)
    extract(account_id, day)
    last = date.fromisoformat(max(days_of(stored(couchdb, account_id, pces[0]))))
    first_missing = min(day, last + timedelta(days=1))  # depending on the hour, yesterday may already be available
    assert asked(clean)[0][1] == str(first_missing - timedelta(days=REREAD))


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
    task = ExtractOperator(task_id="extract", account_id=account_id, reread_days=2)
    with_memory_shelf(task).execute(context(day))
    assert [date.fromisoformat(first) for _, first, _ in asked(clean)] == [
        day - timedelta(days=5),
        day - timedelta(days=2),
    ]


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


def test_a_run_by_hand_is_about_the_last_gas_day_that_is_over(clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id)
    extract(account_id, None)
    ((_, _, end),) = asked(clean)
    assert end in (str(clean.control.today()), str(yesterday(clean)))


def test_nothing_outside_the_consent_is_asked_for(clean: LocalWorld, account_id: str) -> None:
    today = clean.control.today()
    first, end = today - timedelta(days=20), today - timedelta(days=5)
    (pce,) = known_account(clean, account_id, history=False, conso_debut=str(first), conso_fin=str(end))
    staged = extract(account_id, yesterday(clean))
    assert asked(clean) == [(pce, str(first), str(end))]
    load(account_id, staged)
    assert document(clean, account_id)["history"][pce]["from"] == str(first)
    staged = extract(account_id, today - timedelta(days=2))
    assert asked(clean) == [(pce, str(first), str(end))]
    assert extract(account_id, today - timedelta(days=30), run_type="backfill")["reference"] is None
    assert asked(clean) == []


def test_a_day_that_is_not_over_or_too_old_is_not_asked_for(clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id)
    for day in (clean.control.today() + timedelta(days=2), clean.control.today() - timedelta(days=4 * 366)):
        staged = extract(account_id, day, run_type="backfill")
        assert (staged["reference"], staged["answers"]) == (None, 0)
        assert load(account_id, staged)["account"] == account_id
    assert asked(clean) == []


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
