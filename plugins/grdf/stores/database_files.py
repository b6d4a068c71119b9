"""The files of CouchDB's databases and indexes, which keep what was removed until they are compacted."""

from __future__ import annotations

import time
from urllib.parse import quote

import requests

from grdf.hooks.couch_server import docs_of, json_keys, json_object
from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.sections.section import members
from include.gas.documents.gas_days import Document

PATIENCE, LOOK = 300.0, 1.0
"""Longest wait in seconds for a compaction that runs already, and the time between two looks. CouchDB starts no second
one beside it, and what it has copied by then stays in the new file until the next one."""


class DatabaseFiles:
    """Has CouchDB write the files of its databases anew, without what is gone. Only an administrator may."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def compact(self, doctype: str) -> None:
        """Drop what a database's file keeps of removed documents and of old revisions.

        :raises BadSettings: if the login is no administrator's
        """
        self._wait(doctype, "")
        response = self._couchdb.request("POST", doctype, "/_compact", body={})
        if response.status_code != 404:  # 404: the database does not exist, so nothing was ever stored
            self._couchdb.good(response)

    def compact_indexes(self, doctype: str) -> None:
        """Bring all indexes of a database up to date, and have their files compacted: they name meters, too."""
        query = json_keys(startkey="_design/", endkey="_design/~", include_docs=True)
        response = self._couchdb.request("GET", doctype, "/_all_docs", query=query)
        if response.status_code == 404:
            return
        for row in docs_of(self._couchdb.good(response)):
            name = quote(row["id"].removeprefix("_design/"), safe="")
            for view, what in members(row["doc"].get("views")).items():
                if "map" not in members(what):  # a library
                    continue
                answer = self._updated(doctype, row["doc"], view)
                self._tell_if_not(answer, f"brought up to date for view {view} of {row['id']}", doctype)
            self._wait(doctype, f"/_design/{name}/_info")
            self._tell_if_not(
                self._couchdb.request("POST", doctype, f"/_compact/{name}", body={}),
                f"compacted for {row['id']}",
                doctype,
            )

    def _updated(self, doctype: str, design: Document, view: str) -> requests.Response:
        """Ask for something by an index, before which CouchDB brings it up to date."""
        if design.get("language") == "query":
            # CouchDB takes an index only if all its fields are asked for; if not, it looks elsewhere and says so in
            # a warning (mango_idx_view:is_usable, and the reference of _find).
            fields = members(members(members(design["views"])[view]).get("map")).get("fields")
            selector = {field: {"$gt": None} for field in members(fields) or ["_id"]}
            asked = {"selector": selector, "fields": ["_id"], "limit": 1, "use_index": design["_id"]}
            return self._couchdb.request("POST", doctype, "/_find", body=asked)
        name = quote(design["_id"].removeprefix("_design/"), safe="")
        path = f"/_design/{name}/_view/{quote(view, safe='')}"
        return self._couchdb.request("GET", doctype, path, query={"limit": "0"})

    def _wait(self, doctype: str, path: str) -> None:
        """Wait for a compaction that runs already: a second one is answered like a first and does nothing.

        :param path: below the database, what tells of it
        """
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            response = self._couchdb.request("GET", doctype, path)
            told = json_object(response) if response.ok else {}  # the compaction itself says what is wrong
            if members(told.get("view_index", told)).get("compact_running") is not True:
                return
            time.sleep(LOOK)

    def _tell_if_not(self, answer: requests.Response, what: str, doctype: str) -> None:
        """Tell that an index is not as it should be. Others make indexes, too, and theirs must keep nobody's data."""
        said = json_object(answer).get("warning") if answer.ok else None
        if said or not answer.ok:
            self._couchdb.log.warning(
                "CouchDB's database of %s could not be %s (HTTP %d%s). If the index is not needed, remove it: its file "
                "may name documents that are gone.", doctype, what, answer.status_code,
                ": CouchDB did not use it" if said else "",
            )  # fmt: skip
