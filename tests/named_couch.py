"""The CouchDB in ``GRDF_TEST_COUCHDB_URL``, by a proxy that gives databases a prefix of the test session."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

import requests

VARIABLE = "GRDF_TEST_COUCHDB_URL"
SERVERS = ["embedded", *(["real"] if os.environ.get(VARIABLE) else [])]
"""The servers on which tests of the embedded CouchDB run: also on a real one, if the variable names one."""
HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "accept-encoding"})


class NamedCouch:
    """The named server, with the sandbox's interface: ``url`` leads through the proxy, ``root`` directly."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        if not (parts.hostname and parts.username and parts.password):
            raise ValueError(f"{VARIABLE} must be http://user:password@host:5984, with an administrator's login.")
        self.user, self.password = unquote(parts.username), unquote(parts.password)
        self.prefix = f"grdf-test-{secrets.token_hex(5)}-"
        self._server = _Proxy(parts, self.prefix)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.root = f"{parts.scheme}://{parts.hostname}:{parts.port or 5984}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> NamedCouch:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        login = (self.user, self.password)
        for name in requests.get(f"{self.root}/_all_dbs", auth=login, timeout=60).json():
            if name.startswith(self.prefix):
                requests.delete(f"{self.root}/{quote(name, safe='')}", auth=login, timeout=60)


def named_couch() -> NamedCouch | None:
    address = os.environ.get(VARIABLE)
    return NamedCouch(address) if address else None


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: SplitResult, prefix: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.prefix = target, prefix

    def connect(self) -> http.client.HTTPConnection:
        secure = self.target.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        return kind(str(self.target.hostname), self.target.port or (6984 if secure else 5984), timeout=120)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Proxy

    def setup(self) -> None:
        super().setup()
        self._upstream = self.server.connect()

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def _pass_on(self) -> None:
        path, _, query = self.path.partition("?")
        first, slash, rest = path.lstrip("/").partition("/")
        database = unquote(first)
        ours = bool(database) and not database.startswith("_")
        target = f"/{quote(self.server.prefix, safe='')}{first}{slash}{rest}" if ours else path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        try:
            answer, content = self._ask(f"{target}{'?' if query else ''}{query}", body, headers)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as if the server itself had disappeared
            return
        if answer.status == 200 and path == "/_all_dbs":
            prefix = self.server.prefix
            content = _change(content, lambda names: [n.removeprefix(prefix) for n in names if n.startswith(prefix)])
        elif answer.status == 200 and ours and not rest and self.command == "GET":
            content = _change(content, lambda facts: facts | {"db_name": database})
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def _ask(self, target: str, body: bytes, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        fresh = self._upstream.sock is None
        try:
            self._upstream.request(self.command, target, body or None, headers)
            answer = self._upstream.getresponse()
        except http.client.RemoteDisconnected:
            self._upstream.close()
            if fresh:
                raise
            return self._ask(target, body, headers)  # it had closed an idle connection
        return answer, answer.read()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_COPY = _pass_on  # noqa: N815 - the base class's names

    def log_message(self, format: str, *arguments: Any) -> None:
        """Do not log requests."""


def _change(content: bytes, change: Callable[[Any], Any]) -> bytes:
    return json.dumps(change(json.loads(content))).encode()
