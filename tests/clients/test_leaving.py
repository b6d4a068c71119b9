"""A household leaves: its own client's rights are revoked, with that client's own secret."""

from __future__ import annotations

import pytest

from include.gas.errors import BadSettings, CredentialsRefused
from include.sandbox.adict import identity
from include.sandbox.local_world import LocalWorld
from tests.clients.scene import (
    CLIENTS,
    LISTED,
    SETTING,
    SOUTH,
    USUAL,
    account_of,
    connections,
    document,
    own_right,
    right_of,
)
from tests.helpers import holder
from tests.leaving.household import Couch, revocations
from tests.leaving.steps import delete

REVOKER = identity.SECOND.delete_client_id


def test_the_own_client_s_secret_revokes(two: LocalWorld, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account_of(two, other, SOUTH)
    right = own_right(two, other)
    (others,) = two.control.consent(holder(other).pces)  # the other client's right on the same meter
    two.control.clear_log()
    with monkeypatch.context() as patch:
        patch.delenv("AIRFLOW_CONN_GRDF_SOUTH_DELETE")
        with pytest.raises(BadSettings, match="grdf_south_delete"):
            delete(other)
    assert document(two, other)
    delete(other)
    assert revocations(two) == [(right, 200, REVOKER)]
    states = {each["id_droit_acces"]: each["etat_droit_acces"] for each in two.control.consents()}
    assert states == {right: "Révoquée", others["id_droit_acces"]: "Active"}
    assert {call["client_id"] for call in two.control.log()} == {CLIENTS[SOUTH], REVOKER}
    assert [record["revoked"] for record in Couch(two).records(other)] == [[right]]
    assert document(two, other) == {}


@pytest.mark.parametrize(("client", "listed"), [(USUAL, "grdf_adict; grdf_south"), (SOUTH, LISTED)])
def test_another_client_s_secret_makes_no_right_seem_over(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, other: str, client: str, listed: str
) -> None:
    account_of(two, other, client)
    right = own_right(two, other)
    usual, south = "AIRFLOW_CONN_GRDFGRANDLYON_DELETE", "AIRFLOW_CONN_GRDF_SOUTH_DELETE"
    secrets = two.connections() | connections(two)
    monkeypatch.setenv(*((usual, secrets[south]) if client == USUAL else (south, secrets[usual])))
    monkeypatch.setenv(SETTING, listed)
    with pytest.raises(CredentialsRefused, match=f"revoke consent {right} .*HTTP 404"):
        delete(other)
    assert document(two, other)
    assert right_of(two, other)["etat_droit_acces"] == "Active"
