"""Connections with each other's credentials lose no account its consent."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import BadSettings
from tests.clients.scene import SOUTH, USUAL, account_of, document
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(600_000)


@pytest.fixture
def accounts(two: LocalWorld) -> list[str]:
    """Three accounts of each client."""
    made = []
    for client in (USUAL, SOUTH) * 3:
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
        for _ in range(2):
            with pytest.raises(BadSettings, match=r"shows none of the 3 rights .* another client's"):
                check()
            assert states(two, accounts) == [None] * 6
    assert check()["checked"] == 6
