"""A household leaves: its own client's rights are revoked, with that client's own secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from include.gas.errors import BadSettings, ClientUnknown, CredentialsRefused
from include.sandbox.adict import identity
from tests.clients.scene import CLIENTS, SOUTH, account_of, document, own_right, right_of
from tests.helpers import holder
from tests.leaving.household import Couch, revocations
from tests.leaving.steps import delete

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
    assert record["revoked"] == [right]
    assert document(two, account) == {}


def test_without_that_secret_nothing_is_removed(two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account: str) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_GRDF_SOUTH_DELETE")
    with pytest.raises(BadSettings, match="Airflow has no connection grdf_south_delete"):
        delete(account)
    assert document(two, account)


def test_another_client_s_secret_does_not_make_rights_seem_over(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    """GRDF knows none of the account's rights for it, as if they were not in force any more."""
    right = own_right(two, account)
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_SOUTH_DELETE", two.connections()["AIRFLOW_CONN_GRDFGRANDLYON_DELETE"])
    with pytest.raises(CredentialsRefused, match=f"grdf_south_delete revoke consent {right} .*HTTP 404"):
        delete(account)
    assert document(two, account)
    assert right_of(two, account)["etat_droit_acces"] == "Active"


def test_an_account_of_no_client_is_not_removed(two: LocalWorld, account: str) -> None:
    two.book.save({**document(two, account), "grdf_connection": "grdf_nowhere"})
    with pytest.raises(ClientUnknown, match="grdf_nowhere"):
        delete(account)
    assert document(two, account)
    assert two.control.log() == []


def test_the_data_can_be_kept(two: LocalWorld, account: str) -> None:
    delete(account, form={"keep_data": True})
    assert document(two, account)["grdf_connection"] == SOUTH
