"""When the daily quota is used up, tasks wait for the next day without failing, and then ask for all of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.quota.governor import governor_for
from grdf.staging.staged_answers import Staging
from include.gas.documents.doctypes import DAY
from include.gas.errors import QuotaWait
from include.sandbox.local_world import LocalWorld
from tests.helpers import adict_hook, connect_code, context, days_of, stored
from tests.history.steps import Y, asked, household, load, make, read, run
from tests.leaving.household import staging_folder
from tests.plugins.clockwork import call

ONE = timedelta(days=1)


@pytest.fixture
def calls_per_day(monkeypatch: pytest.MonkeyPatch) -> Any:
    def allow(number: int) -> None:
        connection = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
        connection["extra"]["calls_per_day"] = number
        monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(connection))

    return allow


def staged(account: str) -> bool:
    return staging_folder(account).exists() and any(staging_folder(account).iterdir())


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_a_task_with_several_meters_asks_for_all_of_them_or_waits(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, calls_per_day: Any, run_type: str
) -> None:
    day = clean.control.today() - 5 * ONE
    pces, before = household(clean, account_id, date(Y, 1, 1), 3), clean.book.get(account_id)
    calls_per_day(10)
    governor = governor_for(GrdfOAuthHook().facts)
    for purpose in ("daily",) * 5 + ("history",) * 2:  # the token is the eighth, so two are left
        call(governor, purpose)
    with pytest.raises(AirflowRescheduleException) as caught:
        run(account_id, day, run_type)
    assert timedelta(hours=23) < caught.value.reschedule_date - datetime.now(UTC) < timedelta(hours=26)
    assert (asked(clean), clean.book.get(account_id)) == ([], before)
    calls_per_day(100)
    run(account_id, day, run_type)
    assert [call[0] for call in asked(clean)] == list(pces)
    assert all(stored(couchdb, account_id, pce) for pce in pces)
    assert not staged(account_id)


def test_a_reread_that_has_to_wait_keeps_what_it_has_stored(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, calls_per_day: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    first, end = date(Y, 3, 1), date(Y, 3, 11)
    one, two = household(clean, account_id, date(Y, 1, 1), 2, first=f"{Y}-01-01")
    calls_per_day(2)  # the token, and one meter: the other half of the calls is for daily runs
    with pytest.raises(AirflowRescheduleException):
        read(account_id, first, end)
    said = capfd.readouterr().out
    assert all(word in said for word in (account_id, "automatically"))
    assert [call[0] for call in asked(clean)] == [one]
    assert stored(couchdb, account_id, one)
    assert not stored(couchdb, account_id, two)
    calls_per_day(100)
    again = read(account_id, first, end)
    assert [call[0] for call in asked(clean)] == [two], "what is stored as definitive is not asked for again"
    assert dict(again.events)[DAY]["changed"] == len(days_of(stored(couchdb, account_id, two)))


def test_a_code_is_exchanged_on_a_day_that_is_spent(clean: LocalWorld, account_id: str, calls_per_day: Any) -> None:
    """It is good for a few minutes."""
    connect_code(clean, account_id)
    calls_per_day(1)
    hook = adict_hook()
    hook.data_token()
    with pytest.raises(QuotaWait):
        hook.query_all_rights()
    with pytest.raises(AirflowRescheduleException):  # it waits to see what the right covers
        make(AcquireTokenOperator, account_id=account_id).execute(context())
    document = clean.book.get(account_id) or {}
    assert "code" not in document["oauth"]
    assert len(document["oauth_callback_results"]["consents"]) == 1


def test_a_load_that_is_killed_before_it_is_done_tells_all_that_it_has_stored(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clean.control.today()
    (pce,) = household(clean, account_id, today - 20 * ONE)

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Staging, "remove", die)
        with pytest.raises(KeyboardInterrupt):
            run(account_id, today - 2 * ONE)
    days = days_of(stored(couchdb, account_id, pce))
    again = load(account_id, today - 2 * ONE, {"answers": 1})
    assert dict(again.events)[DAY]["changed"] == len(days) == again.result["changes"]["counts"][DAY] > 0
    assert again.result["new"] == 0
    assert not staged(account_id)
    done = run(account_id, today - 2 * ONE, loads=2)
    assert done == ({"account": account_id}, []), "Airflow may not hear of its end, and execute it once more"
