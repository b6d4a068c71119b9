"""Connections with each other's credentials lose no account its consent."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest

from include.gas.days.gas_day import paris_today
from include.gas.errors import BadSettings
from tests.clients.scene import SOUTH, USUAL, account_of, document, own_right
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(600_000)


@pytest.fixture
def accounts(two: LocalWorld) -> list[str]:
    """Two accounts of each client."""
    made = []
    for client in (USUAL, USUAL, SOUTH, SOUTH):
        made.append(f"{client.replace('_', '-')}-{next(_numbers)}")
        account_of(two, made[-1], client)
    return made


def states(world: LocalWorld, accounts: list[str]) -> list[object]:
    return [document(world, name).get("state") for name in accounts]


def test_swapped_credentials_are_told_and_nobody_is_marked(
    two: LocalWorld, monkeypatch: pytest.MonkeyPatch, accounts: list[str]
) -> None:
    check()
    with monkeypatch.context() as patch:
        one, other = os.environ["AIRFLOW_CONN_GRDF_ADICT"], os.environ["AIRFLOW_CONN_GRDF_SOUTH"]
        patch.setenv("AIRFLOW_CONN_GRDF_ADICT", other)
        patch.setenv("AIRFLOW_CONN_GRDF_SOUTH", one)
        for days in (0, 1):  # two lists in a row are believed
            day = paris_today(datetime.now(UTC)) + timedelta(days=days)
            patch.setattr("grdf.operators.check_consents.paris_today", lambda _, day=day: day)
            with pytest.raises(BadSettings, match="credentials of the two connections may be swapped"):
                check()
            assert states(two, accounts) == [None] * 4
    assert check()["checked"] == 4


def test_an_account_that_names_the_wrong_client_stops_no_other(two: LocalWorld, accounts: list[str]) -> None:
    first, second, *_ = accounts
    two.book.save({**document(two, first), "grdf_connection": SOUTH})
    two.control.revoke(own_right(two, second))
    with pytest.raises(BadSettings, match=f"rights of 1 account.s. of {SOUTH} for {USUAL} instead .{first}"):
        check()
    assert states(two, accounts) == [None, "USER_ACTION_NEEDED.OAUTH_OUTDATED", None, None]
