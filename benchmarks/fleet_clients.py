"""A fleet's clients at GRDF, each with its quota, rights and list."""

from __future__ import annotations

from collections.abc import Mapping

from include.gas.account.client import DEFAULT
from include.sandbox.adict.identity import PARTIES, Party
from include.sandbox.local_world import LocalWorld
from tests.parties import connections_of


def several(number: int) -> dict[str, Party]:
    return {DEFAULT if place == 1 else f"{DEFAULT}_{place}": party for place, party in enumerate(PARTIES[:number], 1)}


def environment(world: LocalWorld, clients: Mapping[str, Party]) -> dict[str, str]:
    found = {"AIRFLOW__GRDF__CONNECTIONS": ", ".join(clients)}
    for connection, party in clients.items():
        found |= connections_of(world, connection, party)
    del found[f"{variable(DEFAULT)}_DELETE"]  # the usual client's has a name of its own
    return found


def variable(connection: str) -> str:
    return f"AIRFLOW_CONN_{connection.upper()}"
