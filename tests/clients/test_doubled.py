"""Two connections of one client are refused: accounts of one would be asked for with the rights of the other."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.errors import BadSettings, GasError
from include.sandbox.adict import identity
from tests.clients.scene import LISTED, SOUTH, USUAL, account_of, document, with_extra
from tests.importing.scene import adopt
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

SETTING = "AIRFLOW__GRDF__CONNECTIONS"


@pytest.fixture
def doubled(two: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> LocalWorld:
    """The second client's connection has the first one's credentials."""
    monkeypatch.setenv(*with_extra(SOUTH, login=identity.FIRST.client_id, password=identity.FIRST.client_secret))
    two.control.clear_log()
    return two


@pytest.mark.parametrize("connection", [USUAL, SOUTH])
def test_neither_is_used(doubled: LocalWorld, connection: str) -> None:
    other = SOUTH if connection == USUAL else USUAL
    with pytest.raises(BadSettings, match=rf"{connection} and {other} have the same client id \(login\)"):
        _ = GrdfOAuthHook(connection).facts


def test_nobody_is_judged_or_adopted_by_it(doubled: LocalWorld, account_id: str) -> None:
    account_of(doubled, account_id, SOUTH)
    before = document(doubled, account_id)
    for step in (check, adopt):
        with pytest.raises(GasError, match="the same client id"):
            step()
    assert document(doubled, account_id) == before
    assert doubled.control.log() == []


@pytest.mark.parametrize(
    "text", ["", "{", '{"conn_type": "grdf", "passwd": "x"}', '{"conn_type": "grdf", "port": "x"}']
)
def test_a_connection_that_cannot_be_read_does_not_stop_the_other(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_SOUTH", text)
    assert GrdfOAuthHook(USUAL).facts.client_id == identity.FIRST.client_id


def test_a_connection_that_is_not_listed_may_have_the_same_id(
    doubled: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody tests a connection: Airflow then gives it an id of its own."""
    monkeypatch.setenv("AIRFLOW_CONN_ONLY_TESTED", os.environ["AIRFLOW_CONN_GRDF_ADICT"])
    monkeypatch.setenv(SETTING, USUAL)
    assert GrdfOAuthHook("only_tested").facts.client_id == json.loads(os.environ["AIRFLOW_CONN_ONLY_TESTED"])["login"]
    assert GrdfOAuthHook(USUAL).facts.conn_id == USUAL


@pytest.mark.parametrize("listed", ["grdf_adict, GRDF_ADICT", "GRDF_ADICT", "grdf_south, grdf_South", "Grdf_Adict, a"])
def test_ids_that_differ_in_case_only_are_one(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    monkeypatch.setenv(SETTING, listed)
    with pytest.raises(BadSettings, match="ids that differ in upper and lower case only"):
        settings.connections()


@pytest.mark.parametrize("listed", [LISTED, SOUTH, "grdf_South, grdf_adict"])
def test_other_ids_are_taken(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    monkeypatch.setenv(SETTING, listed)
    assert settings.connections() == tuple(listed.split(", "))
