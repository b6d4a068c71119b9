"""The request log, which contains no secrets."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response, g, request

from include.sandbox.adict.world import World

# Logged query parameters; codes, states, hints and secrets are not.
_KEPT: Final = ("date_debut", "date_fin", "scope", "response_type", "redirect_uri")


def log_request(at: World, answer: Response) -> None:
    """Add the current request and the status of its response to the log."""
    entry = {
        "at": at.now().isoformat(timespec="milliseconds"),
        "method": request.method,
        "path": request.path,
        "query": {name: request.args[name] for name in _KEPT if name in request.args},
        "client_id": g.get("client_id"),
        "grant": g.get("grant"),
        "status": answer.status_code,
        "pce": g.get("pce"),
    }
    at.store.run("INSERT INTO log (body) VALUES (?)", json.dumps(entry))


def entries_since(at: World, number: int) -> list[dict[str, Any]]:
    """Return the entries after a number, oldest first, each with its number ``n``."""
    rows = at.store.rows("SELECT n, body FROM log WHERE n > ? ORDER BY n", number)
    return [{"n": n} | json.loads(body) for n, body in rows]
