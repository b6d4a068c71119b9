"""Requests as bytes, which no client would send, and the answers to them; no server stands between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from tests.connect.site import token

BASE = "/gas/airflow/grdf"


@dataclass
class Answer:
    status: int = 0
    failed: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    taken: int = 0
    scope: dict[str, Any] = field(default_factory=dict)


async def asked(
    app: Any, method: str, target: str, *, who: str = "anonymous", body: Iterable[bytes] = (), **headers: str
) -> Answer:
    path, _, query = target.partition("?")
    named = {"Host": "127.0.0.1:18080", "Accept": "text/html"} | headers
    if who != "anonymous":
        named |= {"Authorization": f"Bearer {token(who)}"}
    answer = Answer(scope={
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": BASE + unquote_to_bytes(path).decode("utf-8", "replace"), "raw_path": path.encode(),
        "root_path": BASE, "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 18080),
        "headers": [(name.lower().encode(), text.encode("latin-1")) for name, text in named.items()],
    })  # fmt: skip
    parts: Iterator[bytes] = iter(body)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)  # as a server would, so that time passes
        part = next(parts, b"")
        answer.taken += len(part)
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode().lower(): text.decode("latin-1") for name, text in message["headers"]}

    try:
        await app(answer.scope, receive, send)
    except Exception:  # noqa: BLE001 - what a server answers with 500, unless it has begun to answer
        answer.failed, answer.status = True, answer.status or 500
    return answer


def ask(app: Any, *target: str, **more: Any) -> Answer:
    return asyncio.run(asked(app, *target, **more))
