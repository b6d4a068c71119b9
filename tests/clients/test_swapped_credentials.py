"""Credentials that were swapped between two clients make no right seem over when its household leaves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import BadSettings, CredentialsRefused
from tests.clients.scene import CLIENTS, SOUTH, USUAL, account_of, asked_by, document, own_right, right_of, with_extra
from tests.leaving.household import revocations
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

DATA = ("AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW_CONN_GRDF_SOUTH")
REVOKERS = ("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", "AIRFLOW_CONN_GRDF_SOUTH_DELETE")


@pytest.fixture
def swapped(two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> LocalWorld:
    """Both clients have the other one's credentials, those that read and those that revoke."""
    for one, other in (DATA, REVOKERS):
        first, second = os.environ[one], os.environ[other]
        monkeypatch.setenv(one, second)
        monkeypatch.setenv(other, first)
    return two


@pytest.mark.parametrize("client", [USUAL, SOUTH])
def test_a_right_that_another_client_has_is_not_over(swapped: LocalWorld, account_id: str, client: str) -> None:
    account_of(swapped, account_id, client)
    right, other = own_right(swapped, account_id), SOUTH if client == USUAL else USUAL
    with pytest.raises(BadSettings, match=f"consent {right} for the client of {other}, but not for that of {client}"):
        delete(account_id)
    assert document(swapped, account_id)
    assert right_of(swapped, account_id)["etat_droit_acces"] == "Active"
    assert revocations(swapped) == []


def test_a_setting_that_cannot_be_read_hides_no_client(
    swapped: LocalWorld, monkeypatch: pytest.MonkeyPatch, account_id: str
) -> None:
    account_of(swapped, account_id, USUAL)
    monkeypatch.setenv("AIRFLOW__GRDF__CONNECTIONS", "grdf_adict; grdf_south")
    with pytest.raises(BadSettings, match=r"\[grdf\] connections names what is not the id"):
        delete(account_id)
    assert document(swapped, account_id)


def forget(world: LocalWorld, account: str) -> None:
    """Make GRDF list nothing for the account's right any more, for no client."""
    world.control.change_consent(own_right(world, account), raison_sociale_du_tiers="NOBODY")


def test_a_right_that_no_client_has_is_over(two: LocalWorld, account_id: str) -> None:
    account_of(two, account_id, USUAL)
    right = own_right(two, account_id)
    forget(two, account_id)
    assert delete(account_id)["revoke"]["revoked"] == {right: "was not in force"}
    assert document(two, account_id) == {}


def test_a_client_that_cannot_be_asked_may_have_it(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], account_id: str
) -> None:
    account_of(two, account_id, USUAL)
    forget(two, account_id)
    with monkeypatch.context() as wrong:
        wrong.setenv(*with_extra(SOUTH, password="not the secret of it"))
        with pytest.raises(CredentialsRefused):
            delete(account_id)
    assert document(two, account_id)
    assert f"before the client of {SOUTH} could be asked" in capsys.readouterr().out


def test_nobody_else_is_asked_while_rights_are_listed(two: LocalWorld, account_id: str) -> None:
    account_of(two, account_id, USUAL)
    two.control.revoke(own_right(two, account_id))
    two.control.clear_log()
    delete(account_id)
    assert CLIENTS[SOUTH] not in asked_by(two)
