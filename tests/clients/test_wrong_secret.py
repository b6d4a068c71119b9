"""A secret that revokes for another client makes no right seem over, whatever ``[grdf] connections`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.gas.errors import BadSettings
from include.sandbox.adict import identity
from tests.clients.scene import SOUTH, USUAL, account_of, connections, document, own_right, right_of
from tests.leaving.household import revocations
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

SETTING = "AIRFLOW__GRDF__CONNECTIONS"


def assert_stops(world: LocalWorld, account: str) -> None:
    right = own_right(world, account)
    with pytest.raises(BadSettings, match=f"consent {right} .* the two connections belong to different clients"):
        delete(account)
    assert document(world, account)
    assert right_of(world, account)["etat_droit_acces"] == "Active"
    assert revocations(world) == []


@pytest.mark.parametrize("listed", ["", USUAL, "grdf_adict; grdf_south", "grdf_adict, grdf_adict"])
def test_a_setting_that_is_empty_or_misspelt_does_not_stop_the_check(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str, listed: str
) -> None:
    account_of(two, account_id, USUAL)
    monkeypatch.setenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", connections(two)["AIRFLOW_CONN_GRDF_SOUTH_DELETE"])
    monkeypatch.setenv(SETTING, listed)
    assert_stops(two, account_id)


def test_nor_does_it_matter_that_a_client_is_the_only_one_left(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    account_of(two, account_id, SOUTH)
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_SOUTH_DELETE", two.connections()["AIRFLOW_CONN_GRDFGRANDLYON_DELETE"])
    monkeypatch.setenv(SETTING, SOUTH)
    assert_stops(two, account_id)


def test_a_right_that_is_listed_as_over_needs_no_further_look(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    account_of(two, account_id, USUAL)
    monkeypatch.setenv(SETTING, USUAL)
    right = own_right(two, account_id)
    two.control.revoke(right)
    two.control.clear_log()
    assert delete(account_id)["revoke"]["revoked"] == {right: "was not in force"}
    by_secret = [call["client_id"] == identity.FIRST.delete_client_id for call in asked(two)]
    assert by_secret == sorted(by_secret), "the secret asks last, and nobody asks after it"
    assert by_secret.count(True) == 1


def asked(world: LocalWorld) -> list[dict[str, str]]:
    """Return the calls for lists of rights, in order."""
    return [call for call in world.control.log() if call["path"].endswith("/droits_acces")]
