"""A small web server for responses that the sandbox never sends, an object store, and connections to both."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import pytest
import requests

from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import DOCTYPES
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes
from tests.helpers import own_couchdb
from tests.servers import ObjectStore, start_object_store

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook


@dataclass
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Reply:
    body: bytes | str | dict[str, Any] = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Server:
    def __init__(self, answer: Callable[[Heard], Reply]) -> None:
        self.heard: list[Heard] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                heard = Heard(self.command, self.path, dict(self.headers), self.rfile.read(length))
                server.heard.append(heard)
                reply = answer(heard)
                time.sleep(reply.delay)
                body = json.dumps(reply.body) if isinstance(reply.body, dict) else reply.body
                data = body.encode() if isinstance(body, str) else body
                try:
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # the client did not wait

            do_GET = do_POST = do_PUT = do_HEAD = do_PATCH = do_DELETE = _any  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: Any) -> None:
                """Do not log requests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @contextmanager
    def running(self) -> Iterator[Server]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


Serve = Callable[[Callable[[Heard], Reply]], Server]
Put = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")  # Airflow keeps the client of a connection
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with Processes() as processes, pytest.MonkeyPatch.context() as patch:
        store = start_object_store(processes, tmp_path_factory.mktemp("store"))
        for name in ("STAGING", "LAKE"):
            patch.setenv(f"AIRFLOW_CONN_{name}", store.connection)
        yield store


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Server(answer).running())


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Put:
    def put(conn_id: str, **fields: Any) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "generic", **fields}))
        return conn_id

    return put


@pytest.fixture
def own_databases(world: LocalWorld, connection: Put) -> Iterator[CouchDBHook]:
    from grdf.hooks.couchdb import CouchDBHook

    fields, _ = own_couchdb(world)
    connection("couchdb", **fields)
    yield CouchDBHook()
    for doctype in DOCTYPES:
        database = quote(database_name(doctype, fields["extra"]["database_prefix"]), safe="")
        requests.delete(f"{world.couch.url}/{database}", auth=(world.couch.user, world.couch.password), timeout=60)


@pytest.fixture
def grdf(world: Any, connection: Put) -> Put:
    def put(name: str = "grdf_other", *, extra: dict[str, Any] | None = None, **fields: Any) -> str:
        facts = world.facts
        names = ("token_url", "authorize_url", "redirect_uri", "issuer")
        usual = {"login": facts["client_id"], "password": facts["client_secret"], "host": facts["adict_base"]}
        given = {name: facts[name] for name in names} | {"calls_per_second": 1000} | (extra or {})
        return connection(name, **usual | fields, extra=given)

    return put
