"""Connections of further clients at GRDF, for tests and benchmarks with several of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.sandbox.adict.identity import Party
    from include.sandbox.local_world import LocalWorld


def connections_of(world: LocalWorld, connection: str, party: Party, redirect_uri: str | None = None) -> dict[str, str]:
    usual = json.loads(world.connections(redirect_uri)["AIRFLOW_CONN_GRDF_ADICT"])
    reads = usual | {"login": party.client_id, "password": party.client_secret}
    revokes = usual | {"login": party.delete_client_id, "password": party.delete_client_secret}
    name = f"AIRFLOW_CONN_{connection.upper()}"
    return {name: json.dumps(reads), f"{name}_DELETE": json.dumps(revokes)}
