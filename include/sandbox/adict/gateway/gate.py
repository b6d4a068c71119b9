"""The gateway in front of ADICT: callers, scopes, quotas, and injected faults.

Order: faults, form of the bearer token (400), token (401), scope (403), quota (429), which counts no earlier refusal.
The second is 5 % shorter, against clock jitter. The day begins at midnight in Paris. Both clients of a third party
share the quota.

A fault is ``{"path": regex searched in the URL path, "status": 503, "times": 2 or null, "retry_after": 3, "method":
"GET", "body": text or JSON value, "delay_s": 1.5, "cut": true, "after": true}``, all but ``path`` optional. ``status``
null only delays, ``cut`` breaks the connection in the body, ``after`` lets the call take effect first.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

from flask import Response, g, request

from include.sandbox.adict import answers, identity
from include.sandbox.adict.client_connect import tokens
from include.sandbox.adict.world import World

_BEARER = re.compile(r"Bearer [\w\-.~+/]+=*")


class Pace:
    """A counter of calls for ``calls_per_second`` and ``calls_per_day``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: dict[str, deque[float]] = {}

    def reset(self, world: World) -> None:
        """Forget all counted calls."""
        with self._lock:
            self._recent.clear()
            world.store.run("DELETE FROM calls")

    def count_call(self, world: World, company: str = identity.COMPANY) -> bool:
        """Count one call of a third party. Return ``False`` if it exceeds a quota."""
        per_second, per_day = world.setting("calls_per_second"), world.setting("calls_per_day")
        with self._lock:
            recent = self._recent.setdefault(company, deque())
            if per_second is not None:
                now = time.monotonic()
                allowed, window = (int(per_second), 0.95) if per_second >= 1 else (1, 0.95 / max(per_second, 1e-6))
                while recent and now - recent[0] >= window:
                    recent.popleft()
                if len(recent) >= allowed:
                    return False
            if per_day is not None:
                day = world.today().isoformat()
                day = day if company == identity.COMPANY else f"{day} {company}"
                rows = world.store.rows("SELECT calls FROM calls WHERE day = ?", day)
                if rows and rows[0][0] >= per_day:
                    return False
                world.store.run(
                    "INSERT INTO calls VALUES (?, 1) ON CONFLICT (day) DO UPDATE SET calls = calls + 1", day
                )
            if per_second is not None:
                recent.append(now)
        return True


def refuse(world: World, pace: Pace) -> Response | None:
    """Return the response that refuses a call, if any."""
    header = request.headers.get("Authorization")
    if header is None:
        return answers.gateway_error("Authentification nécessaire.", 401)
    if not _BEARER.fullmatch(header):
        if "/droit" in request.path:
            return answers.rights_answer(answers.BAD_BEARER[1])
        return answers.data_error(answers.BAD_BEARER)
    token = tokens.find_token(world.store, header.removeprefix("Bearer "), world.now())
    if token is None:
        return answers.gateway_error("Authentification nécessaire : jeton inconnu ou expiré.", 401)
    g.client_id, g.grant = token.client_id, token.grant_type
    if token.scope.split(" ")[0] != identity.API_PATH:
        return answers.gateway_error("La portée de ce jeton ne permet pas cet appel.", 403)
    if not pace.count_call(world, identity.company_of(token.client_id)):
        answer = answers.gateway_error("Quota d'appels dépassé.", 429)
        if world.setting("retry_after") is not None:
            answer.headers["Retry-After"] = f"{world.setting('retry_after'):g}"
        return answer
    return None


def apply_fault(world: World, *, after: bool) -> Response | None:
    """Apply the first fault that matches this request, before or ``after`` its effect, and return its response."""
    fault = _take_fault(world, after=after)
    if fault is None:
        return None
    time.sleep(float(fault.get("delay_s") or 0))
    if fault.get("cut"):
        return Response(_cut_short(), status=200, mimetype=answers.NDJSON, headers={"Content-Length": "100000"})
    status = fault.get("status", None if fault.get("delay_s") else 503)
    if status is None:
        return None
    body = fault.get("body")
    if isinstance(body, str):
        answer = Response(body, status=status, mimetype="text/html")
    else:
        answer = answers.body(body or _usual_body(status), status)
    if fault.get("retry_after") is not None:
        answer.headers["Retry-After"] = str(fault["retry_after"])
    return answer


def _take_fault(world: World, *, after: bool) -> dict[str, Any] | None:
    with world.store.lock:
        faults: list[dict[str, Any]] = world.setting("faults")
        for position, fault in enumerate(faults):
            meant = bool(fault.get("after")) == after and fault.get("method", request.method) == request.method
            if meant and re.search(fault["path"], request.path):
                left = fault.get("times", 1)
                if left is not None:
                    kept = [] if left <= 1 else [fault | {"times": left - 1}]
                    world.store.put("faults", faults[:position] + kept + faults[position + 1 :])
                return fault
    return None


def _usual_body(status: int) -> Any:
    # ADICT's own form for a 500, otherwise the gateway's.
    message = "Panne ordonnée au bac à sable."
    if status != 500 or not request.path.startswith(identity.API_PATH):
        return {"erreur": message}
    if "/droit" in request.path:
        return answers.treatment("2000000007", message)
    return {"statut_restitution": answers.restitution("9999500", message)}


def _cut_short() -> Iterator[bytes]:
    yield b'{"pce":{"id_pce":"0999'
    raise ConnectionError  # so the server drops the connection
