"""The files of CouchDB's databases and indexes, which keep what was removed until compacted."""

from __future__ import annotations

import time
from urllib.parse import quote

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.document_sections import object_or_empty
from include.gas.documents.day_documents import Document

PATIENCE, LOOK = 300.0, 1.0
"""Longest wait in seconds for a running compaction, and between looks. CouchDB starts no second one beside it."""


class DatabaseFiles:
    """Has CouchDB compact its files, as an administrator."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def compact(self, doctype: str) -> None:
        """Compact a database's file, which drops old revisions; ``BadSettings`` if the login is no administrator's."""
        self._wait(doctype, "")
        self._couchdb.request_json("POST", doctype, "/_compact", body={})  # without a database nothing was ever stored

    def compact_indexes(self, doctype: str) -> None:
        """Update all indexes of a database, and compact their files: they name meters, too."""
        for row in self._couchdb.rows_with_docs(doctype, startkey="_design/", endkey="_design/~"):
            name = quote(row["id"].removeprefix("_design/"), safe="")
            for view, what in object_or_empty(row["doc"].get("views")).items():
                if "map" in object_or_empty(what):  # others are libraries
                    self._update(doctype, row["doc"], view)
            self._wait(doctype, f"/_design/{name}/_info")
            self._warn_if_refused("POST", doctype, f"/_compact/{name}", row["id"], body={})

    def _update(self, doctype: str, design: Document, view: str) -> None:
        name = design["_id"]
        if design.get("language") == "query":
            # CouchDB takes an index only if all its fields are asked for (mango_idx_view:is_usable).
            fields = object_or_empty(object_or_empty(object_or_empty(design["views"])[view]).get("map")).get("fields")
            selector = {field: {"$gt": None} for field in object_or_empty(fields) or ["_id"]}
            asked = {"selector": selector, "fields": ["_id"], "limit": 1, "use_index": name}
            self._warn_if_refused("POST", doctype, "/_find", name, body=asked)
        else:
            path = f"/_design/{quote(name.removeprefix('_design/'), safe='')}/_view/{quote(view, safe='')}"
            self._warn_if_refused("GET", doctype, path, name, query={"limit": "0"})

    def _wait(self, doctype: str, path: str) -> None:
        """Wait for a running compaction: a second one would do nothing."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            found = self._couchdb.request_json("GET", doctype, path) or {}
            if object_or_empty(found.get("view_index", found)).get("compact_running") is not True:
                return
            time.sleep(LOOK)

    def _warn_if_refused(self, method: str, doctype: str, path: str, index: str, **more: Document) -> None:
        """Request something, and log a refusal: other programs' indexes stop no deletion."""
        response = self._couchdb.request(method, doctype, path, **more)
        said = self._couchdb.json_object(response).get("warning") if response.ok else None
        if said or not response.ok:
            self._couchdb.log.warning(
                "The index %s of CouchDB's database of %s is not up to date or not compacted (HTTP %d). If it is not "
                "needed, remove it: its file may name documents that are gone.", index, doctype, response.status_code,
            )  # fmt: skip
