"""Each account is read with its own client: its token, its quota and its rights."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.hooks.adict import AdictHook
from grdf.operators.rescope_token import RescopeTokenOperator
from include.gas.errors import BadAccount, ClientUnknown, CredentialsRefused
from tests.clients.scene import CLIENTS, SOUTH, USUAL, account_of, asked_by, document, with_extra
from tests.helpers import context, days_of, stored, with_memory_shelf, yesterday
from tests.leaving.runs import acquire, extract, load
from tests.plugins.steps import read_published

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def rescope(account: str) -> dict[str, Any]:
    operator = with_memory_shelf(RescopeTokenOperator(task_id="rescope_token", account_id=account))
    return dict(operator.execute(context()))


def daily(world: LocalWorld, account: str) -> None:
    """Execute the account's DAG step by step."""
    day = yesterday(world)
    acquire(account)
    rescope(account)
    load(account, extract(account, day), day)


@pytest.fixture
def other(account_id: str) -> str:
    """The id of the account of the second client."""
    return f"south-{400_000 + int(account_id.rpartition('-')[2])}"


def test_a_daily_run_of_each(two: LocalWorld, couchdb: CouchDBHook, account_id: str, other: str) -> None:
    for account, client in ((account_id, USUAL), (other, SOUTH)):
        (pce,) = account_of(two, account, client)
        two.control.clear_log()
        daily(two, account)
        assert asked_by(two) == {CLIENTS[client]}, "token and data"
        last = yesterday(two)
        expected = two.control.expected(pce, last - timedelta(days=3), last + timedelta(days=1))
        assert expected
        assert expected.items() <= days_of(stored(couchdb, account, pce)).items()
        assert document(two, account).get("grdf_connection", USUAL) == client


def test_a_backfill_and_the_monthly_reading_of_each(two: LocalWorld, account_id: str, other: str) -> None:
    for account, client in ((account_id, USUAL), (other, SOUTH)):
        (pce,) = account_of(two, account, client)
        two.control.clear_log()
        extract(account, yesterday(two) - timedelta(days=30), "backfill")
        assert read_published(account)["meters"] == 1
        assert asked_by(two, pce) == asked_by(two) == {CLIENTS[client]}


def test_one_s_calls_are_spent_and_the_other_is_read(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str
) -> None:
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    monkeypatch.setenv(*with_extra(SOUTH, calls_per_day=1))
    with pytest.raises(AirflowRescheduleException):
        extract(other, yesterday(two))  # the token takes the only call
    two.control.clear_log()
    assert extract(account_id, yesterday(two))["answers"] == 1
    assert asked_by(two) == {CLIENTS[USUAL]}


def test_grdf_refuses_one_and_the_other_is_read(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str
) -> None:
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    monkeypatch.setenv(*with_extra(SOUTH, password="a wrong secret"))
    with pytest.raises(CredentialsRefused):
        rescope(other)
    assert rescope(account_id)["asked"]
    assert extract(account_id, yesterday(two))["answers"] == 1


@pytest.mark.parametrize("named", ["grdf_nowhere", "", None, 7, ["grdf_adict"], "grdf adict", "grdfgrandlyon_delete"])
def test_an_account_of_an_unknown_client_asks_nobody(two: LocalWorld, account_id: str, named: object) -> None:
    account_of(two, account_id, USUAL)
    two.book.save({**document(two, account_id), "grdf_connection": named})
    two.control.clear_log()
    before = document(two, account_id)
    for step in (lambda: acquire(account_id), lambda: extract(account_id, yesterday(two))):
        with pytest.raises(ClientUnknown, match="client"):
            step()
    with pytest.raises(BadAccount):
        rescope(account_id)
    assert two.control.log() == []
    assert document(two, account_id) == before


def test_a_connection_that_is_not_listed_any_more(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str
) -> None:
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    two.control.clear_log()
    monkeypatch.delenv("AIRFLOW__GRDF__CONNECTIONS")
    with pytest.raises(
        ClientUnknown, match=r"grdf_south, which the setting \[grdf\] connections \(grdf_adict\) does not"
    ):
        acquire(other)
    assert two.control.log() == []
    assert acquire(account_id)["meters"] == 1
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", f"{SOUTH}, {USUAL}")  # another order makes no difference
    acquire(other)
    extract(other, yesterday(two))
    assert asked_by(two) == {CLIENTS[SOUTH]}


@pytest.mark.parametrize("setting", ["grdf_adict; grdf_south", "grdf_south, grdf_south", ",", "grdfgrandlyon_delete"])
def test_a_wrong_setting_stops_only_those_who_need_it(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str, setting: str
) -> None:
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", setting)
    daily(two, account_id)
    with pytest.raises(ClientUnknown, match=r"grdf_south, which the setting \[grdf\] connections \(grdf_adict\) does"):
        acquire(other)


def test_a_connection_that_airflow_does_not_have(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str
) -> None:
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    monkeypatch.delenv("AIRFLOW_CONN_GRDF_SOUTH")
    with pytest.raises(Exception, match="Airflow has no connection grdf_south"):
        rescope(other)
    daily(two, account_id)


def test_each_client_has_a_token_of_its_own(two: LocalWorld) -> None:
    from grdf.hooks.oauth import variable_of

    assert [variable_of(name) for name in (USUAL, SOUTH)] == ["grdf_data_token", "grdf_data_token_grdf_south"]
    usual = AdictHook(USUAL)
    south = usual.named(SOUTH)
    assert south.named(USUAL) is usual
    assert usual.of({"_id": "a", "grdf_connection": SOUTH}) is south
    tokens = [hook.data_token()[0] for hook in (usual, south)]
    assert len({token.client for token in tokens}) == 2
    assert asked_by(two) == set(CLIENTS.values())
