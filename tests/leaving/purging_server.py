"""A small CouchDB that can purge. It has the parts of revisions, tombstones, ``_purge`` and ``_compact`` that are used.

It follows CouchDB 3's reference (``_all_docs``, ``_bulk_docs``, ``_purge``, ``_compact``): a purge only removes leaf
revisions, a document without any leaf disappears with its id, and at most 100 documents may be named at once.
"""

from __future__ import annotations

import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MOST_IDS = 100


class PurgingCouch:
    """Databases whose documents have one leaf each, which may be a tombstone.

    :param before: called with the method, path and body of each request, before it is carried out
    :param members: logins of users who are not server administrators
    """

    def __init__(
        self, before: Callable[[str, str, Any], None] = lambda *_: None, members: Collection[str] = ()
    ) -> None:
        couch = self
        self.databases: dict[str, dict[str, tuple[str, bool]]] = {}
        self.compacted: list[str] = []
        self.purges: list[int] = []
        self.before = before
        self.lock = threading.RLock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # otherwise, a body waits 40 ms for the acknowledgement of its headers

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = json.loads(body) if body else None
                couch.before(self.command, self.path, asked)
                login = (
                    b64decode((self.headers.get("Authorization") or " ").split(" ", 1)[1]).decode().partition(":")[0]
                )
                with couch.lock:
                    status, answer = couch.answer(self.command, self.path, asked, admin=login not in members)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self) -> None:
                self._serve()

            def do_PUT(self) -> None:
                self._serve()

            def do_POST(self) -> None:
                self._serve()

            def log_message(self, format: str, *args: object) -> None:
                """Do not log requests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port

    def answer(self, method: str, target: str, asked: Any, *, admin: bool = True) -> tuple[int, Any]:
        """Carry out one request. Members may not create databases, purge or compact (as seen on CouchDB 3.5.2)."""
        parts = urlsplit(target)
        if parts.path == "/_session":
            return 200, {"ok": True, "userCtx": {"name": "somebody", "roles": ["_admin"] if admin else []}}
        if not admin and re.fullmatch(r"/[^/]+(/_purge|/_compact)?", parts.path) and method in ("PUT", "POST"):
            return 401, {"error": "unauthorized", "reason": "You are not a server admin."}
        _, name, *rest = parts.path.split("/")
        if not name:
            return 200, {"couchdb": "Welcome", "version": "3.4.2"}
        database = self.databases.get(unquote(name))
        if database is None:
            return 404, {"error": "not_found", "reason": "Database does not exist."}
        if rest == ["_all_docs"] and method == "GET":
            query = {key: json.loads(values[0]) for key, values in parse_qs(parts.query).items()}
            ids = sorted(key for key, (_, dead) in database.items() if not dead)
            ids = [key for key in ids if query.get("startkey", "") <= key <= query.get("endkey", "\uffff")]
            rows = [{"id": key, "key": key, "value": {"rev": database[key][0]}} for key in ids]
            return 200, {"rows": rows[: query.get("limit")]}
        if method == "PUT" and len(rest) == 1:
            row = self._write(database, {**asked, "_id": unquote(rest[0])})
            return (409 if "error" in row else 201), row
        if method == "GET" and len(rest) == 1 and rest[0][0] != "_":
            rev, dead = database.get(unquote(rest[0]), ("", True))
            return (404, {"error": "not_found"}) if dead else (200, {"_id": unquote(rest[0]), "_rev": rev})
        if rest == ["_all_docs"]:
            found = [(key, database.get(key)) for key in asked["keys"]]
            return 200, {"rows": [self._row(key, leaf) for key, leaf in found]}
        if rest == ["_bulk_docs"]:
            return 201, [self._write(database, document) for document in asked["docs"]]
        if rest == ["_purge"]:
            return self._purge(database, asked)
        if rest == ["_compact"]:
            self.compacted.append(name)
            return 202, {"ok": True}
        return 405, {"error": "method_not_allowed", "reason": target}

    def _row(self, key: str, leaf: tuple[str, bool] | None) -> dict[str, Any]:
        if leaf is None:
            return {"key": key, "error": "not_found"}
        return {"id": key, "key": key, "value": {"rev": leaf[0]} | ({"deleted": True} if leaf[1] else {})}

    def _write(self, database: dict[str, tuple[str, bool]], document: dict[str, Any]) -> dict[str, Any]:
        key = document["_id"]
        old = database.get(key)
        if old and not old[1] and document.get("_rev") != old[0]:
            return {"id": key, "error": "conflict", "reason": "Document update conflict."}
        generation = int(old[0].partition("-")[0]) + 1 if old else 1
        database[key] = (f"{generation}-a", bool(document.get("_deleted")))
        return {"ok": True, "id": key, "rev": database[key][0]}

    def _purge(self, database: dict[str, tuple[str, bool]], asked: dict[str, list[str]]) -> tuple[int, Any]:
        if len(asked) > MOST_IDS:
            return 400, {"error": "bad_request", "reason": "Exceeded maximum number of documents."}
        self.purges.append(len(asked))
        purged: dict[str, list[str]] = {}
        for key, revisions in asked.items():
            leaf = database.get(key, ("", False))[0]
            purged[key] = [leaf] if leaf in revisions else []
            if purged[key]:
                del database[key]
        return 201, {"purge_seq": None, "purged": purged}

    @contextmanager
    def running(self) -> Iterator[PurgingCouch]:
        """Serve inside the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
