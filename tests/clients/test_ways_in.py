"""New accounts get a client: by an import, an adoption, a document; and no meter is in accounts of two clients."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.room import client_with_room, room_of
from grdf.ledger.taking_in import TakingIn
from grdf.operators.ways_in.look_at_waiting import LookAtWaitingOperator
from include.gas.errors import CredentialsRefused
from include.sandbox.adict import identity
from tests.clients.scene import CLIENTS, SOUTH, USUAL, account_of, document, own_right, with_extra
from tests.helpers import adict_hook, context, holder
from tests.importing.scene import LOG, adopt, household, outcomes, put
from tests.rights.declared import look

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(440_000)


def imported(rows: int = 1) -> list[str]:
    """Import households, and return their accounts."""
    import secrets

    from airflow.sdk import DAG

    from grdf.operators.ways_in.import_accounts import ImportAccountsOperator

    homes = [household(next(_numbers)) for _ in range(rows)]
    name = f"{secrets.token_hex(4)}.csv"
    put(homes, name)
    operator = ImportAccountsOperator(task_id="import", dag=DAG("steps", schedule=None))
    operator._cached_logger = LOG  # type: ignore[assignment]  # else Airflow writes to standard output
    params = {"file": name, "dry_run": False, "skip_wrong_lines": False}
    at_hand = context(run_type="manual", run_id=secrets.token_hex(8)) | {"params": params}
    at_hand["dag_run"].triggering_user_name = "an-operator"
    operator.execute(at_hand)  # type: ignore[arg-type]  # the part of the context that is read
    assert {outcome for _, outcome in outcomes(name)} == {"declared"}
    return [home["account"] for home in homes]


def clients(world: LocalWorld, accounts: list[str]) -> list[str]:
    """Return the clients of some accounts, which their documents and their rights at GRDF name alike."""
    companies = {right["id_droit_acces"]: right["raison_sociale_du_tiers"] for right in world.control.consents()}
    found = []
    for account in accounts:
        named = document(world, account).get("grdf_connection", USUAL)
        party = identity.SECOND if named == SOUTH else identity.FIRST
        assert companies[own_right(world, account)] == party.company
        found.append(named)
    return found


def test_an_import_fills_one_client_after_the_other(two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(*with_extra(USUAL, calls_per_day=1000))
    assert clients(two, imported()) == [USUAL]
    monkeypatch.setattr("grdf.ledger.room.room_of", lambda calls: 3 if calls == 1000 else 5000)
    assert clients(two, imported(4)) == [USUAL, USUAL, SOUTH, SOUTH]


def test_which_client_has_room(two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    assert room_of(6000) == 5000
    monkeypatch.setenv(*with_extra(USUAL, calls_per_day=6000))
    monkeypatch.setenv(*with_extra(SOUTH, calls_per_day=600))
    assert client_with_room(Counter({})) == USUAL
    assert client_with_room(Counter({USUAL: 4999})) == USUAL
    assert client_with_room(Counter({USUAL: 5000, SOUTH: 499})) == SOUTH
    assert client_with_room(Counter({USUAL: 9999, SOUTH: 500})) == SOUTH, "none has room: the last"
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", SOUTH)
    assert client_with_room(Counter({SOUTH: 9999})) == SOUTH, "a single one is not counted"


def right(world: LocalWorld, pce: str, company: str) -> str:
    """Make a client have a right that somebody else has declared, and return its id."""
    (made,) = world.control.consent([pce], keep_others=True, company=company)
    fields = {"nom_titulaire": "Durand-Invente", "courriel_titulaire": "planted-1@example.org"}
    world.control.change_consent(made["id_droit_acces"], **fields)
    return str(made["id_droit_acces"])


def test_an_adopted_right_s_account_is_its_client_s(two: LocalWorld, caplog: pytest.LogCaptureFixture) -> None:
    pces = [household(next(_numbers))["pce"] for _ in range(2)]
    first, second = right(two, pces[0], identity.FIRST.company), right(two, pces[1], identity.SECOND.company)
    with caplog.at_level(logging.INFO):
        assert adopt(dry_run=True)["accounts"] == 2
    assert f"Right {second} of client {SOUTH} (meter" in caplog.text
    assert adopt()["accounts"] == 2
    assert clients(two, [f"right-{first}", f"right-{second}"]) == [USUAL, SOUTH]
    assert adopt() == {"accounts": 0, "left_out": 0}


def test_rights_of_two_clients_on_one_meter_are_one_account_s(
    two: LocalWorld, caplog: pytest.LogCaptureFixture
) -> None:
    pce = household(next(_numbers))["pce"]
    for party in identity.PARTIES:
        right(two, pce, party.company)
    with caplog.at_level(logging.WARNING):
        told = adopt()
    assert (told["accounts"], told["left_out"]) == (1, 1)
    assert "another account has its meter" in caplog.text


def test_a_refused_client_s_rights_wait_and_the_others_are_adopted(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    pces = [household(next(_numbers))["pce"] for _ in range(2)]
    first, second = right(two, pces[0], identity.FIRST.company), right(two, pces[1], identity.SECOND.company)
    monkeypatch.setenv(*with_extra(SOUTH, password="a wrong secret"))
    with pytest.raises(CredentialsRefused):
        adopt()
    assert document(two, f"right-{first}")
    assert document(two, f"right-{second}") == {}


def connect(world: LocalWorld, account: str, pce: str, own: str) -> dict[str, Any]:
    """Store what a household has that consented to the second client, and take it in."""
    results = {"pce_id": pce, "consents": [{"pce": pce, "id_accreditation": own}]}
    stored = {"_id": account, "account_type": "grdfgrandlyon", "oauth_callback_results": results}
    world.book.save(stored | {"grdf_connection": SOUTH})
    return TakingIn(CouchDBHook(), adict_hook().named(SOUTH), account).take_in()


def test_a_meter_of_the_other_client_s_account_is_taken(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    account_of(two, account_id, USUAL)
    (pce,), other = holder(account_id).pces, f"south-{next(_numbers)}"
    own = right(two, pce, identity.SECOND.company)
    two.control.clear_log()
    assert connect(two, other, pce, own)["status"]["meters"][pce]["word"] == "behind"
    assert CLIENTS[USUAL] in {call["client_id"] for call in two.control.log()}, "whose right is in question"
    monkeypatch.setenv(*with_extra(USUAL, password="a wrong secret"))
    found = TakingIn(CouchDBHook(), adict_hook().named(SOUTH), other).take_in()
    assert found["status"]["meters"][pce]["word"] == "behind", "it is not known that its right is over"
    monkeypatch.undo()


def test_who_waits_for_a_client_that_is_not_listed_is_named(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(LookAtWaitingOperator, "log", LOG)  # else Airflow writes to standard output
    homes = [household(next(_numbers)) for _ in range(2)]
    for home, client in zip(homes, (SOUTH, USUAL), strict=True):
        given = {key: value for key, value in home.items() if key != "account"}
        bare = {"_id": home["account"], "account_type": "grdfgrandlyon", "grdf_connection": client}
        two.book.save(bare | {"declaration": given})
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", USUAL)
    with caplog.at_level(logging.WARNING):
        look("manual")
    (said,) = [each for each in caplog.messages if each.startswith(f"Account {homes[0]['account']}: ")]
    assert f"its rights belong to the GRDF client of the Airflow connection {SOUTH}" in said
    assert document(two, homes[1]["account"])["status"]["meters"][homes[1]["pce"]]["word"] == "waiting"


def test_a_meter_whose_right_at_the_other_client_is_over_changes_hands(two: LocalWorld, account_id: str) -> None:
    account_of(two, account_id, USUAL)
    (pce,), other = holder(account_id).pces, f"south-{next(_numbers)}"
    own = right(two, pce, identity.SECOND.company)
    two.control.revoke(own_right(two, account_id))
    made = connect(two, other, pce, own)
    assert made["grdf_connection"] == SOUTH
    assert made["status"]["meters"][pce]["word"] == "active"
