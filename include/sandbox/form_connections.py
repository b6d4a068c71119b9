"""The connections to this machine's outside world as Airflow's forms would hold them: with types and all fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_PREFIX = "AIRFLOW_CONN_"
_TYPES = {"grdf_adict": "grdf", "grdfgrandlyon_delete": "grdfdelete", "couchdb": "couchdb"}
_CLIENT = ("token_url", "scope", "calls_per_second", "calls_per_day")
"""The fields of both GRDF types; the deletion's has no others."""
_MORE: dict[str, dict[str, Any]] = {
    "grdf": {"scope": "/adict/v2", "id_token_algorithms": "HS256", "jwks_url": "", "calls_per_day": 6000},
    "couchdb": {"database_prefix": ""},
}
_MORE["grdfdelete"] = _MORE["grdf"]


def form_connections(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Return connections by their ids, as ``airflow connections import`` reads them.

    :param environment: the connections in Airflow's JSON format, by the names of their variables
    """
    made = {}
    for name, text in environment.items():
        conn_id, fields = name.removeprefix(_PREFIX).lower(), json.loads(text)
        kind = _TYPES[conn_id]
        extra = _MORE[kind] | fields.get("extra", {})
        if kind == "grdfdelete":
            extra = {field: extra[field] for field in _CLIENT}
        # Airflow 3.3.2 tests no connection without a port (apache/airflow#73298).
        port = fields.get("port") or urlsplit(fields["host"]).port
        made[conn_id] = fields | {"conn_type": kind, "port": port, "extra": extra}
    return made
