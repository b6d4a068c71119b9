"""``grdf_consents`` judges each account by the list of its own client, and a client without a list stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger
from include.gas.errors import CredentialsRefused, FailNow
from tests.clients.scene import (
    CLIENTS,
    PARTIES,
    SOUTH,
    USUAL,
    account_of,
    document,
    lists_asked,
    own_right,
    right_of,
    with_extra,
)
from tests.helpers import holder
from tests.leaving.runs import acquire, check
from tests.rights.declared import declared_before, give, look
from tests.rights.scene import check as check_named

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


@pytest.fixture
def pair(two: LocalWorld, account_id: str) -> tuple[str, str]:
    """An account of each client."""
    other = f"south-{410_000 + int(account_id.rpartition('-')[2])}"
    account_of(two, account_id, USUAL)
    account_of(two, other, SOUTH)
    two.control.clear_log()
    return account_id, other


def state(world: LocalWorld, account: str) -> object:
    return document(world, account).get("state")


def asked_at(client: str) -> str:
    """Return when a client's list was read last, for health."""
    return Ledger(CouchDBHook()).last_asked().get(client, "")


def test_one_call_for_each_client(two: LocalWorld, pair: tuple[str, str]) -> None:
    before = [asked_at(client) for client in (USUAL, SOUTH)]
    assert check()["checked"] == 2
    assert lists_asked(two) == [CLIENTS[USUAL], CLIENTS[SOUTH]]
    assert all(then < asked_at(client) for then, client in zip(before, (USUAL, SOUTH), strict=True))


@pytest.mark.parametrize("lost", [0, 1])
def test_what_one_has_lost_concerns_its_own_account(two: LocalWorld, pair: tuple[str, str], lost: int) -> None:
    two.control.revoke(own_right(two, pair[lost]))
    assert check()["waiting"] == 1
    assert state(two, pair[lost]) == OUTDATED
    assert state(two, pair[1 - lost]) is None


@pytest.mark.parametrize("refused", [0, 1])
def test_a_client_that_is_refused_stops_no_other(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str], refused: int
) -> None:
    bad, good = ((USUAL, SOUTH), (SOUTH, USUAL))[refused]
    monkeypatch.setenv(*with_extra(bad, password="a wrong secret"))
    for account in pair:
        two.control.revoke(own_right(two, account))
    before = asked_at(bad), asked_at(good)
    with pytest.raises(CredentialsRefused):
        check()
    assert state(two, pair[1 - refused]) == OUTDATED
    assert state(two, pair[refused]) is None, "nobody has asked for its right"
    assert asked_at(bad) == before[0]
    assert asked_at(good) > before[1]


def test_an_account_of_no_client_stops_no_other(two: LocalWorld, pair: tuple[str, str]) -> None:
    two.control.revoke(own_right(two, pair[0]))
    two.book.save({**document(two, pair[1]), "grdf_connection": "grdf_nowhere"})
    before = document(two, pair[1])
    check()
    assert state(two, pair[0]) == OUTDATED
    assert document(two, pair[1]) == before


def test_two_accounts_of_different_clients_share_a_meter(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__METER_IN_SEVERAL_ACCOUNTS", "True")
    (pce,) = holder(pair[0]).pces
    rights = two.control.consent([pce], company="TIERS-EXEMPLE-SUD", keep_others=True)
    named = [{"pce": right["id_pce"], "id_accreditation": right["id_droit_acces"]} for right in rights]
    two.book.save({**document(two, pair[1]), "oauth_callback_results": {"consents": named}})
    acquire(pair[1])
    check()
    assert [document(two, each)["status"]["meters"][pce]["word"] for each in pair] == ["active", "active"]
    two.control.revoke(rights[0]["id_droit_acces"])
    check()
    assert [document(two, each)["status"]["meters"][pce]["word"] for each in pair] == ["active", "over"]
    assert state(two, pair[0]) is None


def test_a_right_is_taken_over_from_the_account_s_own_client(two: LocalWorld, pair: tuple[str, str]) -> None:
    account = pair[1]
    (pce,) = holder(account).pces
    two.control.revoke(own_right(two, account))
    two.control.consent([pce])  # the other client's
    with pytest.raises(FailNow):
        check_named(account, dry_run=False)
    (mine,) = two.control.consent([pce], company="TIERS-EXEMPLE-SUD")
    assert check_named(account, dry_run=False) == {"taken_over": 1}
    assert own_right(two, account) == mine["id_droit_acces"]


def test_a_holder_s_answer_is_looked_for_with_the_own_client(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    other = f"south-{430_000 + int(account_id.rpartition('-')[2])}"
    for account, client in ((account_id, USUAL), (other, SOUTH)):
        give(two, account)
        if client != USUAL:
            two.book.save({**document(two, account), "grdf_connection": client})
        with pytest.raises(AirflowSkipException):
            acquire(account)
        declared_before(two, account, 20)
        assert right_of(two, account)["raison_sociale_du_tiers"].endswith("SUD") == (client == SOUTH)
        two.control.answer(right_of(two, account)["id_droit_acces"])
    two.control.clear_log()
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    assert look() == [f"grdf_account__{other}"]
    monkeypatch.setenv(*with_extra(USUAL, password=PARTIES[USUAL].client_secret))
    assert look("manual") == [f"grdf_account__{account_id}"]
