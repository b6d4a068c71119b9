"""A household leaves: its own client's rights are revoked, with that client's own secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import BadSettings, ClientUnknown
from include.sandbox.adict import identity
from tests.clients.scene import CLIENTS, SOUTH, account_of, document, own_right, right_of
from tests.helpers import holder
from tests.leaving.household import Couch, revocations
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.declared import give

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

REVOKER = identity.SECOND.delete_client_id


@pytest.fixture
def account(two: LocalWorld, account_id: str) -> str:
    """An account of the second client."""
    account_of(two, account_id, SOUTH)
    two.control.clear_log()
    return account_id


def records(world: LocalWorld, account: str) -> list[dict[str, Any]]:
    return Couch(world).records(account)


def test_the_own_client_s_secret_revokes(two: LocalWorld, account: str) -> None:
    right = own_right(two, account)
    (others,) = two.control.consent(holder(account).pces)  # the other client's right on the same meter
    delete(account)
    assert revocations(two) == [(right, 200, REVOKER)]
    states = {each["id_droit_acces"]: each["etat_droit_acces"] for each in two.control.consents()}
    assert states == {right: "Révoquée", others["id_droit_acces"]: "Active"}
    assert {call["client_id"] for call in two.control.log()} == {CLIENTS[SOUTH], REVOKER}
    (record,) = records(two, account)
    assert (record["grdf_connection"], record["revoked"]) == (SOUTH, {right: "revoked"})
    assert document(two, account) == {}


def test_without_that_secret_nothing_is_removed(two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_GRDF_SOUTH_DELETE")
    with pytest.raises(BadSettings, match="Airflow has no connection grdf_south_delete"):
        delete(account)
    assert document(two, account)


def test_another_client_s_secret_does_not_make_rights_seem_over(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    """GRDF lists none of the account's rights for it, as if they were not in force any more."""
    right = own_right(two, account)
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_SOUTH_DELETE", two.connections()["AIRFLOW_CONN_GRDFGRANDLYON_DELETE"])
    with pytest.raises(BadSettings, match=f"consent {right} .* the two connections belong to different clients"):
        delete(account)
    assert document(two, account)
    assert right_of(two, account)["etat_droit_acces"] == "Active"


def test_an_account_of_no_client_is_not_removed(two: LocalWorld, account: str) -> None:
    two.book.save({**document(two, account), "grdf_connection": "grdf_nowhere"})
    with pytest.raises(ClientUnknown, match="grdf_nowhere"):
        delete(account)
    assert document(two, account)
    assert two.control.log() == []


@pytest.mark.parametrize("spent", [False, True])
def test_a_late_right_comes_back_to_its_own_client(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, spent: bool
) -> None:
    """GRDF takes the right of an account that is deleted meanwhile, and its answer is lost."""
    give(two, account_id)
    two.book.save({**document(two, account_id), "grdf_connection": SOUTH})
    two.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(Exception, match="GRDF"):
        acquire(account_id)
    found = right_of(two, account_id)
    assert found["raison_sociale_du_tiers"] == identity.SECOND.company
    two.control.change_consent(found["id_droit_acces"], raison_sociale_du_tiers="NOT-LISTED-YET")
    delete(account_id)
    (record,) = records(two, account_id)
    assert record["grdf_connection"] == SOUTH
    assert record["unanswered"]
    assert document(two, account_id) == {}
    company = identity.FIRST.company if spent else identity.SECOND.company
    two.control.change_consent(found["id_droit_acces"], raison_sociale_du_tiers=company)
    check()
    if spent:
        assert document(two, account_id) == {}, "it is a right of the other client"
        return
    back = document(two, account_id)
    assert (back["grdf_connection"], bool(back["leaving"])) == (SOUTH, True)
    two.control.clear_log()
    delete(account_id, run_id="run-2")
    assert revocations(two) == [(found["id_droit_acces"], 200, REVOKER)]


def test_a_restored_account_is_its_own_client_s(two: LocalWorld, account: str) -> None:
    former = {key: value for key, value in document(two, account).items() if key != "_rev"}
    delete(account)
    two.book.save(former)
    two.control.clear_log()
    assert check()["left_before"] == 1
    with pytest.raises(AirflowSkipException, match="its household left"):
        acquire(account)
    delete(account, run_id="run-2")
    assert {call["client_id"] for call in two.control.log()} <= {*CLIENTS.values(), REVOKER}


def test_the_data_can_be_kept(two: LocalWorld, account: str) -> None:
    delete(account, form={"keep_data": True})
    assert document(two, account)["grdf_connection"] == SOUTH
