"""The in-process connection between the project's code and the servers, with faults, deaths and interference by others.

Only ``requests.adapters.HTTPAdapter.send`` is replaced. It carries the real requests and responses, as bytes. GRDF is
the sandbox's application, called without a socket.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from grdf.hooks.http_calls import TurnAdapter

if TYPE_CHECKING:
    from flask import Flask

    from tests.model.clock import Clock
    from tests.model.couch import Couch

GRDF, COUCH = "127.0.0.1:9", "127.0.0.1:8"
"""A host on which nothing listens."""


class Killed(BaseException):
    """The task's process has been killed. Nothing may catch this."""


@dataclass
class Trouble:
    """Something that happens at one of the next requests.

    :param host: the server, or ``""`` for any
    :param after: number of requests to it that succeed first
    :param what: name of the fault
    :param times: number of consecutive requests affected
    """

    host: str
    after: int
    what: str
    times: int = 1


@dataclass
class Call:
    """A request that GRDF has answered completely.

    :param actor: the account whose task was running, if it was the task of one account
    """

    actor: str | None
    run: str
    method: str
    path: str
    query: dict[str, str]
    status: int
    body: bytes
    sent: bytes = b""


class Witness(Protocol):
    """An observer of the requests."""

    def about_to(self, actor: str | None, method: str, path: str) -> None:
        """A request is about to reach GRDF."""

    def answered(self, call: Call) -> None:
        """GRDF's answer has arrived."""


@dataclass
class Wire:
    """The wire of one life.

    :param app: GRDF's application
    :param couch: CouchDB
    :param clock: the clock, on which each request takes a moment
    """

    app: Flask
    couch: Couch
    clock: Clock
    witness: Witness
    troubles: list[Trouble] = field(default_factory=list)
    meanwhile: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    actor: str | None = None
    run: str = ""
    sent: int = 0
    calm: bool = False
    lists: list[str] = field(default_factory=list)
    """How the next complete lists of rights are damaged: cut, empty or odd."""

    def send(self, adapter: HTTPAdapter, request: requests.PreparedRequest) -> requests.Response:
        """Send one request and return the response."""
        host = urlsplit(request.url or "").netloc.rpartition("@")[2]
        self.sent += 1
        if not self.calm:
            self._others()
        trouble = self._trouble(host)
        if host == GRDF:
            if isinstance(adapter, TurnAdapter):
                adapter.take_turn()
            self.clock.pass_(0.1)
            return self._grdf(adapter, request, trouble)
        assert host == COUCH, f"nobody lives at {host}"
        return self._couch(adapter, request, trouble)

    def _others(self) -> None:
        """Let others act as planned for this moment, without further faults."""
        due = [doing for left, doing in self.meanwhile if left <= 0]
        self.meanwhile = [(left - 1, doing) for left, doing in self.meanwhile if left > 0]
        for doing in due:
            kept = self.actor, self.run, self.troubles, self.meanwhile
            self.actor, self.run, self.troubles, self.meanwhile = None, "", [], []
            try:
                doing()
            finally:
                self.actor, self.run, self.troubles, self.meanwhile = kept

    def _trouble(self, host: str) -> str:
        if self.calm:
            return ""
        for trouble in self.troubles:
            if trouble.host in ("", host):
                if trouble.after > 0:
                    trouble.after -= 1
                    continue
                trouble.times -= 1
                if trouble.times <= 0:
                    self.troubles.remove(trouble)
                return trouble.what
        return ""

    def _grdf(self, adapter: HTTPAdapter, request: requests.PreparedRequest, trouble: str) -> requests.Response:
        parts = urlsplit(request.url or "")
        method = request.method or "GET"
        if trouble == "kill":
            raise Killed
        if trouble == "down":
            raise requests.ConnectionError("down")
        if trouble in ("500", "503", "429", "403", "401"):
            headers = {"Retry-After": "20"} if trouble == "429" else {}
            return _answer(adapter, request, int(trouble), b'{"erreur":""}', headers)
        self.witness.about_to(self.actor, method, parts.path)
        status, body, headers = self._ask(request)
        if trouble == "kill after":
            raise Killed
        if trouble == "cut":
            raise requests.exceptions.ChunkedEncodingError("cut")
        if trouble == "slow":
            raise requests.ReadTimeout("slow")
        if trouble == "half":
            body = body[: len(body) // 2]
        if self.lists and method == "GET" and parts.path.endswith("/droits_acces"):
            body = _list_as(body, self.lists.pop(0))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        sent = request.body.encode() if isinstance(request.body, str) else request.body or b""
        self.witness.answered(Call(self.actor, self.run, method, parts.path, query, status, body, sent))
        return _answer(adapter, request, status, body, headers)

    def _ask(self, request: requests.PreparedRequest) -> tuple[int, bytes, dict[str, str]]:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        told = self.app.test_client().open(
            request.path_url,
            base_url=f"http://{GRDF}",
            method=request.method,
            headers=headers,
            data=request.body,
        )
        return told.status_code, told.get_data(), dict(told.headers)

    def _couch(self, adapter: HTTPAdapter, request: requests.PreparedRequest, trouble: str) -> requests.Response:
        if trouble == "kill":
            raise Killed
        if trouble == "down":
            raise requests.ConnectionError("down")
        if trouble in ("500", "503"):
            return _answer(adapter, request, int(trouble), b'{"error":"x","reason":"y"}', {})
        body = request.body.encode() if isinstance(request.body, str) else request.body
        status, answer = self.couch.answer(request.method or "GET", request.url or "", body)
        if trouble == "kill after":
            raise Killed
        if trouble in ("cut", "slow", "half"):
            raise requests.ReadTimeout("slow")
        return _answer(adapter, request, status, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def _list_as(body: bytes, how: str) -> bytes:
    """Damage a list of rights: leave out some rights, as a fault at GRDF would, but keep the status line."""
    *lines, status = body.decode().splitlines()
    if how == "empty":
        kept = []
    elif how == "odd":
        kept = [lines[0][: len(lines[0]) // 2], *lines[1:]] if lines else []
    else:
        kept = lines[: len(lines) // 2]
    return "\n".join([*kept, status, ""]).encode()


def _answer(
    adapter: HTTPAdapter, request: requests.PreparedRequest, status: int, body: bytes, headers: dict[str, str]
) -> requests.Response:
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}  # it may be damaged
    raw = HTTPResponse(body=io.BytesIO(body), headers=headers, status=status, preload_content=False)
    return adapter.build_response(request, raw)


_CURRENT: list[Wire] = []


def lay(wire: Wire | None) -> None:
    """Send all requests over a wire from now on."""
    _CURRENT[:] = [wire] if wire else []


@contextmanager
def replaced() -> Iterator[None]:
    """Replace the network by the wire."""

    def send(self: HTTPAdapter, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        assert _CURRENT, "no life is being led"
        return _CURRENT[0].send(self, request)

    usual = HTTPAdapter.send
    HTTPAdapter.send = send  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        HTTPAdapter.send = usual  # type: ignore[method-assign]
