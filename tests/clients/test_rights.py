"""Each account is judged by the answers to its own client, and a client that cannot be asked stops no other."""

from __future__ import annotations

import os
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.operators.check_rights import CheckRightsOperator
from include.gas.errors import BadSettings, CredentialsRefused, FailNow, RetryLater
from include.sandbox.local_world import LocalWorld
from tests.clients.scene import (
    CLIENTS,
    OUTDATED,
    PARTIES,
    SETTING,
    SOUTH,
    USUAL,
    account_of,
    declared_by,
    document,
    own_right,
    refuse,
    right_of,
    spend,
    state,
    word,
)
from tests.helpers import context, holder
from tests.importing.scene import adopt
from tests.leaving.runs import acquire, check
from tests.plugins.steps import read_published
from tests.rights.declared import declared_before, give, look
from tests.rights.scene import check as check_named

Pair = tuple[str, str]
LAST = 4


def try_to_check(try_number: int = 1) -> dict[str, int]:
    return dict(CheckRightsOperator(task_id="check").execute(context(try_number=try_number, max_tries=3)))


def asked_at(client: str) -> str:
    return Ledger(CouchDBHook()).last_asked().get(client, "")


@pytest.mark.parametrize("lost", [0, 1])
def test_what_one_client_has_lost_concerns_its_own_account(two: LocalWorld, pair: Pair, lost: int) -> None:
    before = [asked_at(client) for client in (USUAL, SOUTH)]
    two.control.revoke(own_right(two, pair[lost]))
    assert check()["waiting"] == 1
    lists = [call["client_id"] for call in two.control.log() if call["method"] == "GET"]
    assert lists == [CLIENTS[USUAL], CLIENTS[SOUTH]], "one call for each"
    assert all(then < asked_at(client) for then, client in zip(before, (USUAL, SOUTH), strict=True))
    assert [state(two, account) for account in pair] == [OUTDATED if at == lost else None for at in range(2)]


@pytest.mark.parametrize("refused", [0, 1])
def test_a_client_that_is_refused_stops_no_other(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: Pair, refused: int
) -> None:
    bad, good = ((USUAL, SOUTH), (SOUTH, USUAL))[refused]
    refuse(monkeypatch, bad)
    for account in pair:
        two.control.revoke(own_right(two, account))
    before = asked_at(bad), asked_at(good)
    with pytest.raises(CredentialsRefused):
        check()
    assert state(two, pair[1 - refused]) == OUTDATED
    assert state(two, pair[refused]) is None, "its right was not asked for"
    assert asked_at(bad) == before[0]
    assert asked_at(good) > before[1]


def test_a_refused_client_takes_no_try_from_one_that_is_waited_for(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: Pair
) -> None:
    monkeypatch.setattr("grdf.quota.quota_state.FIRST_PAUSE", 0.01)  # it doubles with each of the refusals
    two.control.revoke(own_right(two, pair[1]))
    refuse(monkeypatch, USUAL)
    two.control.fault("/(droits_acces|pce/)", status=503, times=None)
    for step in (try_to_check, adopt, lambda: read_published(*pair)):
        with pytest.raises(RetryLater):
            step()
    two.control.set(faults=[])
    with pytest.raises(CredentialsRefused):
        try_to_check(LAST)
    assert state(two, pair[1]) == OUTDATED


def test_connections_with_each_other_s_credentials_lose_nobody_its_consent(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [f"{name}-{600_000 + at}" for at, name in enumerate(("usual", "south") * 3)]
    for account in accounts:
        account_of(two, account, SOUTH if "south" in account else USUAL)
    check()
    names = ("AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW_CONN_GRDF_SOUTH")
    with monkeypatch.context() as patch:
        for name, value in zip(names, [os.environ[name] for name in reversed(names)], strict=True):
            patch.setenv(name, value)
        for _ in range(2):
            with pytest.raises(BadSettings, match=r"shows none of the rights .* another client's"):
                check()
            assert [state(two, account) for account in accounts] == [None] * 6
    assert check()["checked"] == 6


def test_a_right_is_taken_over_from_the_account_s_own_client(two: LocalWorld, pair: Pair) -> None:
    two.control.revoke(own_right(two, pair[1]))
    (pce,) = holder(pair[1]).pces
    two.control.consent([pce])  # the other client's
    with pytest.raises(FailNow):
        check_named(pair[1], dry_run=False)
    (mine,) = two.control.consent([pce], company=PARTIES[SOUTH].company)
    assert check_named(pair[1], dry_run=False) == {"taken_over": 1}
    assert own_right(two, pair[1]) == mine["id_droit_acces"]


def accepts(world: LocalWorld, account: str) -> None:
    declared_before(account, 20)
    world.control.answer(right_of(world, account)["id_droit_acces"])


@pytest.mark.parametrize("bad", [0, 1])
@pytest.mark.parametrize("how", [refuse, spend])
def test_a_holder_s_answer_is_looked_for_with_the_own_client_whatever_becomes_of_the_other(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str, how: Any, bad: int
) -> None:
    waiting, clients = (account_id, other), (USUAL, SOUTH)
    for account, client in zip(waiting, clients, strict=True):
        give(two, account)
        two.book.save({**document(two, account), "grdf_connection": client})
        with pytest.raises(AirflowSkipException):
            acquire(account)
        accepts(two, account)
        assert declared_by(two, holder(account).pces[0]) == [client]
    two.control.clear_log()
    with monkeypatch.context() as patch:
        how(patch, clients[bad])
        two.control.clear_log()
        assert look() == [f"grdf_account__{waiting[1 - bad]}"]
        assert {call["client_id"] for call in two.control.log() if call["status"] == 200} == {CLIENTS[clients[1 - bad]]}
        if how is spend and not bad:  # a run for a spent client alone keeps no later one from looking
            patch.setenv(SETTING, USUAL)
            with pytest.raises(AirflowRescheduleException):
                look()
    assert look("manual") == [f"grdf_account__{waiting[bad]}"]


def test_who_waits_for_a_client_that_is_not_listed_keeps_no_other_from_being_settled(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, other: str
) -> None:
    for account, client in ((other, SOUTH), (account_id, USUAL)):
        give(two, account)
        two.book.save({**document(two, account), "grdf_connection": client})
    monkeypatch.setenv(SETTING, USUAL)
    look("manual")
    assert word(two, account_id, *holder(account_id).pces) == "waiting"
