"""A proxy for a CouchDB that passes requests on, and does something at one of them, such as killing a process."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

PASSED_ON = ("Authorization", "Content-Type", "Accept")


class Proxy:
    """A proxy that passes requests on to a CouchDB.

    :param target: CouchDB's address
    :param when: returns whether to strike, from a request's number (from 1) and text (``POST /database/_bulk_docs``)
    :param strike: called after CouchDB has carried out that request; its response is not sent
    """

    def __init__(self, target: str, when: Callable[[int, str], bool], strike: Callable[[], None]) -> None:
        proxy = self
        self.count = 0
        self.lines: list[str] = []
        self._lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # otherwise, a body waits 40 ms for the acknowledgement of its headers

            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with proxy._lock:
                    proxy.count += 1
                    line = f"{self.command} {self.path.partition('?')[0]}"
                    now = when(proxy.count, line)
                    proxy.lines.append(line)
                answer = requests.request(
                    self.command,
                    target + self.path,
                    data=body,
                    headers={name: self.headers[name] for name in PASSED_ON if name in self.headers},
                    timeout=30,
                )
                if now:
                    strike()
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_PUT = do_POST = _pass  # noqa: N815 - the base class calls them so

            def log_message(self, format: str, *args: object) -> None:
                """Do not log requests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve inside the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def through(world: LocalWorld, proxy: Proxy) -> dict[str, str]:
    """Return the connection to CouchDB through a proxy."""
    connection = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"])
    return {"AIRFLOW_CONN_COUCHDB": json.dumps(connection | {"port": proxy.port})}
