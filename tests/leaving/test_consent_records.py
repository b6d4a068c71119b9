"""The record of a consent leaves with its household, but for the copy that GRDF may ask for, which leaves later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.account.declaration import Declaration
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.proof.consent_record import HOUSEHOLD, KEPT, new_record, overdue
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, give

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(autouse=True)
def nothing_is_kept_for_other_tests(clean: LocalWorld, account_id: str) -> Iterator[None]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover
    from include.gas.documents.gas_days import account_range

    yield
    clean.book.remove(account_id)
    for first, last in (account_range(account_id), (KEPT, KEPT + "\ufff0")):
        Remover(CouchDBHook()).remove_range(CONSENT_RECORD, first, last)


@pytest.fixture
def recorded(clean: LocalWorld, account_id: str) -> str:
    """An account with one record, whose right is not declared yet."""
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.consent_records import ConsentRecords

    pce = give(clean, account_id)
    declaration = Declaration(pce=pce, perimeters=["informatives"], **PERSON)
    ConsentRecords(CouchDBHook()).add(new_record(account_id, declaration, datetime.now(UTC), by=HOUSEHOLD))
    return account_id


def kept() -> list[dict[str, Any]]:
    from grdf.hooks.couchdb import CouchDBHook

    return CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def own(account: str) -> int:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.consent_records import ConsentRecords

    return len(ConsentRecords(CouchDBHook()).of(account))


def clear_away(today: date) -> int:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.removal import Remover

    return Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *overdue(today))


def test_a_copy_stays_for_the_time_that_the_settings_say(recorded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_RECORD_DAYS", "30")
    before = {each["_id"] for each in kept()}
    told = delete(recorded, form={"dry_run": True}, steps=("check",))
    assert "for 30 days" in told["check"]["text"]
    assert own(recorded) == 1
    delete(recorded)

    assert own(recorded) == 0
    [copy] = [each for each in kept() if each["_id"] not in before]
    assert copy["entered"]["name"] == PERSON["name"]
    assert recorded not in str(copy)
    until = date.fromisoformat(copy["_id"][1:11])
    assert timedelta(29) <= until - datetime.now(UTC).date() <= timedelta(31)
    clear_away(until)
    assert copy["_id"] in {each["_id"] for each in kept()}
    assert clear_away(until + timedelta(1)) >= 1
    assert copy["_id"] not in {each["_id"] for each in kept()}


def test_nothing_stays_where_the_settings_say_so(recorded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_RECORD_DAYS", "0")
    before = kept()
    assert "kept for" not in delete(recorded, form={"dry_run": True}, steps=("check",))["check"]["text"]
    delete(recorded)
    assert own(recorded) == 0
    assert kept() == before


def test_an_account_whose_data_are_kept_keeps_its_record(recorded: str) -> None:
    before = kept()
    delete(recorded, form={"keep_data": True})
    assert own(recorded) == 1
    assert kept() == before


def test_the_dag_removes_what_is_overdue_alone(clean: LocalWorld) -> None:
    from airflow.sdk import DAG

    from grdf.hooks.couchdb import CouchDBHook
    from grdf.operators.retention import RemoveOverdueOperator
    from tests.helpers import context

    couchdb, today = CouchDBHook(), datetime.now(UTC).date()
    names = {day: f"{KEPT}{(today + timedelta(day)).isoformat()}:{'a' * 32}" for day in (-2, 2)}
    for name in names.values():
        couchdb.put(CONSENT_RECORD, {"_id": name, "pce": "x"})
    with DAG("steps", schedule=None):
        operator = RemoveOverdueOperator(task_id="remove_overdue")
    assert operator.execute(context()) >= 1
    left = {each["_id"] for each in kept()}
    assert names[2] in left
    assert names[-2] not in left
