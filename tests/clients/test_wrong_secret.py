"""A secret that revokes for another client makes no right seem over, whatever ``[grdf] connections`` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.gas.errors import CredentialsRefused
from tests.clients.scene import SOUTH, USUAL, account_of, connections, document, own_right, right_of
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

SETTING = "AIRFLOW__GRDF__CONNECTIONS"


def assert_stops(world: LocalWorld, account: str) -> None:
    right = own_right(world, account)
    with pytest.raises(CredentialsRefused, match=f"revoke consent {right} .*HTTP 404"):
        delete(account)
    assert document(world, account)
    assert right_of(world, account)["etat_droit_acces"] == "Active"


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
