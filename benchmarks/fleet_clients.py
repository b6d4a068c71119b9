"""The clients at GRDF of a fleet: one as usual, or several, each with a quota, rights and a list of its own."""

from __future__ import annotations

from collections.abc import Mapping

from include.gas.account.client import DEFAULT
from include.sandbox.adict.identity import PARTIES, Party
from include.sandbox.local_world import LocalWorld
from tests.parties import connections_of


def several(number: int) -> dict[str, Party]:
    """Return so many third parties by the ids of their connections: ``grdf_adict``, ``grdf_adict_2`` and so on."""
    return {DEFAULT if place == 1 else f"{DEFAULT}_{place}": party for place, party in enumerate(PARTIES[:number], 1)}


def environment(world: LocalWorld, clients: Mapping[str, Party]) -> dict[str, str]:
    """Return the connections of the clients and the setting that names them, as environment variables."""
    found = {"AIRFLOW__GRDF__CONNECTIONS": ", ".join(clients)}
    for connection, party in clients.items():
        found |= connections_of(world, connection, party)
    del found[f"{variable(DEFAULT)}_DELETE"]  # that of the usual client has a name of its own
    return found


def variable(connection: str) -> str:
    """Return the environment variable of a connection."""
    return f"AIRFLOW_CONN_{connection.upper()}"
