"""An in-memory CouchDB with the part of the HTTP API that the project's hook uses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Document = dict[str, Any]
Reply = tuple[int, Any]


class Couch:
    """``written`` is called for each change with the database, the id, the document before and the new one."""

    def __init__(self, written: Callable[[str, str, Document | None, Document | None], None]) -> None:
        self.databases: dict[str, dict[str, Document]] = {}
        self._tombstones: set[tuple[str, str]] = set()
        self._comparing: set[str] = set()
        self._written = written

    def documents(self, database: str) -> dict[str, Document]:
        return self.databases.get(database, {})

    def answer(self, method: str, url: str, body: bytes | None) -> Reply:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = [unquote(part) for part in parts.path.strip("/").split("/")] if parts.path.strip("/") else []
        data = json.loads(body) if body else {}
        if not path:
            return 200, {"couchdb": "Welcome", "version": "3.5.0", "features": ["partitioned"]}
        if path == ["_session"]:
            return 200, {"ok": True, "userCtx": {"name": "model", "roles": ["_admin"]}}
        if len(path) == 1:
            return self._database(method, path[0])
        if path[0] not in self.databases:
            return 404, {"error": "not_found", "reason": "Database does not exist."}
        database = self.databases[path[0]]
        if path[1:] == ["_all_docs"]:
            return self._all(database, query, data)
        if path[1:] == ["_bulk_docs"]:
            return 201, [self._bulk(path[0], document) for document in data["docs"]]
        if path[1:] == ["_changes"]:
            results = [
                {"id": key, "seq": "1", "changes": [{"rev": doc["_rev"]}], "doc": doc} for key, doc in database.items()
            ]
            return 200, {"results": results, "last_seq": "1", "pending": 0}
        if path[1:] == ["_purge"]:
            return 201, {"purged": {key: self._purge(path[0], key, revisions) for key, revisions in data.items()}}
        if path[1:2] == ["_compact"]:
            return 202, {"ok": True}
        if path[1:] == ["_index"]:
            return 200, {"result": "created", "id": f"_design/{data['ddoc']}", "name": data["name"]}
        if path[1:] == ["_design", "compare-revisions"] and method == "PUT":
            self._comparing.add(path[0])
            return 201, {"ok": True}
        if path[1:2] == ["_design"]:  # the index was not made, so accounts are searched
            return 404, {"error": "not_found", "reason": "missing"}
        if len(path) == 2 and not path[1].startswith("_"):
            return self._document(method, path[0], path[1], data)
        raise NotImplementedError(f"{method} {parts.path}")

    def _database(self, method: str, name: str) -> Reply:
        if method == "PUT":
            if name in self.databases:
                return 412, {"error": "file_exists"}
            self.databases[name] = {}
            return 201, {"ok": True}
        if method in ("GET", "HEAD"):
            if name not in self.databases:
                return 404, {"error": "not_found"}
            revisions = {key: document["_rev"] for key, document in self.databases[name].items()}
            seen = hashlib.md5(json.dumps(revisions, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
            return 200, {
                "db_name": name, "doc_count": len(revisions), "doc_del_count": 0, "update_seq": f"1-{seen}",
            }  # fmt: skip
        raise NotImplementedError(f"{method} /{name}")

    def _document(self, method: str, database: str, key: str, data: Document) -> Reply:
        stored = self.databases[database].get(key)
        if method == "GET":
            return (200, stored) if stored else (404, {"error": "not_found", "reason": "missing"})
        if method == "PUT":
            revision = self._put(database, {**data, "_id": key})
            if revision is None:
                return 409, {"error": "conflict", "reason": "Document update conflict."}
            return 201, {"ok": True, "id": key, "rev": revision}
        raise NotImplementedError(f"{method} /{database}/{key}")

    def _all(self, database: Mapping[str, Document], query: Mapping[str, str], data: Document) -> Reply:
        if "keys" in data:
            rows = [
                {"id": key, "key": key, "value": {"rev": doc["_rev"]}, "doc": doc}
                if (doc := database.get(key))
                else {"key": key, "error": "not_found"}
                for key in data["keys"]
            ]
            return 200, {"rows": rows}
        first, last = (json.loads(query[name]) if name in query else None for name in ("startkey", "endkey"))
        backwards = query.get("descending") == "true"
        if backwards:
            first, last = last, first
        keys = sorted(key for key in database if (first is None or key >= first) and (last is None or key <= last))
        if backwards:
            keys.reverse()
        keys = keys[: int(query.get("limit", len(keys)))]
        with_docs = query.get("include_docs") == "true"
        return 200, {
            "rows": [
                {"id": key, "key": key, "value": {"rev": database[key]["_rev"]}}
                | ({"doc": database[key]} if with_docs else {})
                for key in keys
            ]
        }

    def _bulk(self, database: str, document: Document) -> Document:
        revision = self._put(database, document)
        if revision is None:
            return {"id": document["_id"], "error": "conflict", "reason": "Document update conflict."}
        return {"ok": True, "id": document["_id"], "rev": revision}

    def _put(self, database: str, document: Document) -> str | None:
        key = document["_id"]
        stored = self.databases[database].get(key)
        same = document.get("_rev") == (stored["_rev"] if stored else None)
        # CouchDB 3.5.2 looks at the revision of a document that is gone only if it has a tombstone or a validation.
        if not same and (stored or (database, key) in self._tombstones or database in self._comparing):
            return None
        number = int(stored["_rev"].partition("-")[0]) + 1 if stored else 1
        digest = hashlib.md5(json.dumps(document, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        if document.get("_deleted"):
            self._tombstones.add((database, key))
            self.databases[database].pop(key, None)
            self._written(database, key, stored, None)
        else:
            self._tombstones.discard((database, key))
            self.databases[database][key] = {**document, "_rev": f"{number}-{digest}"}
            self._written(database, key, stored, self.databases[database][key])
        return f"{number}-{digest}"

    def _purge(self, database: str, key: str, revisions: list[str]) -> list[str]:
        stored = self.databases[database].get(key)
        if stored is None or stored["_rev"] not in revisions:
            return []
        del self.databases[database][key]
        self._written(database, key, stored, None)
        return [stored["_rev"]]
