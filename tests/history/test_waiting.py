"""When the daily quota is used up, tasks wait for the next day without failing, and then ask for all of it."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.acquire_token import AcquireTokenOperator
from include.gas.documents.doctypes import DAY
from include.gas.errors import QuotaWait
from include.sandbox.local_world import LocalWorld
from tests.helpers import adict_hook, connect_code, context, days_of, stored
from tests.history.steps import Y, asked, household, make, read


@pytest.fixture
def calls_per_day(monkeypatch: pytest.MonkeyPatch) -> Any:
    def allow(number: int) -> None:
        connection = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
        connection["extra"]["calls_per_day"] = number
        monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(connection))

    return allow


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
