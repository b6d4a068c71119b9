"""CouchDB, which stores the households' accounts, gas days and totals: its documents and databases.

Two connections lead to it. ``couchdb`` is an ordinary member of this project's databases, for all reading and writing
of documents. ``couchdb_admin`` is a server administrator, who alone may create databases, decide who can access them,
and purge; only the set-up (:mod:`grdf.couchdb_setup`) and the deletion use it. Where Airflow has no connection of that
name, ``couchdb`` is used for both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import requests
from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from grdf.hooks.couch_server import CouchServer
from grdf.hooks.http_calls import parse_json
from include.gas.documents.day_documents import database_name
from include.gas.documents.doctypes import database, index_name
from include.gas.documents.storing import WriteResult
from include.gas.errors import BadRequest, BadSettings, ServiceUnavailable
from include.gas.meter_tag import without_numbers
from include.gas.redact import excerpt

ADMIN_CONN_ID = "couchdb_admin"
BATCH = 2000
"""Documents per ``_bulk_docs``. A day document has about 250 bytes, so a batch stays far below any server's limit."""
PAGE = 5000
"""Documents per page when a range is read."""
HIGHEST = "\U0010ffff"
"""No id is higher, byte by byte, as CouchDB compares ids."""
SET_UP = "Run ./grdf couchdb setup (with the compose file: docker compose run --rm couchdb-setup), then clear the task."
COMPARES = "/_design/compare-revisions"
"""A design document by which CouchDB compares the revision of a write also with documents that are gone.

It answers 201 to a write with ``_rev`` for a document that was purged, by which a task could bring back an account that
was deleted meanwhile: only in a database with a ``validate_doc_update``, of which an empty function is enough, does it
look at revisions beforehand (``couch_db:before_docs_update`` of 3.5.2). It makes writes dearer, of many most."""

Document = dict[str, Any]


class CouchDBHook(CouchServer):
    """Reads and writes documents of a Cozy doctype. Its parameters are those of :class:`CouchServer`."""

    def administrator(self) -> CouchDBHook:
        """Return a hook with an administrator's rights on the same databases; this one if there is no other."""
        try:
            BaseHook.get_connection(ADMIN_CONN_ID)
        except AirflowNotFoundException:
            return self
        except ValueError:  # it exists but cannot be read; the hook reports that
            pass
        admin = CouchDBHook(ADMIN_CONN_ID, timeout=self._timeout, patience=self._patience)
        admin.facts = admin.facts._replace(prefix=self.facts.prefix)
        return admin

    def get(self, doctype: str, doc_id: str) -> Document | None:
        """Return one document, or ``None`` if it or its database does not exist."""
        return self.request_json("GET", doctype, _path_of(doc_id))

    def put(self, doctype: str, document: Mapping[str, Any]) -> str | None:
        """Write one document.

        :param document: with ``_id``, and ``_rev`` if it replaces one
        :return: the new revision, or ``None`` if somebody has changed the document in the meantime (409), or removed it
            with its database: one that is lost must not be made anew for a document that was in it
        """
        path, replaces = _path_of(str(document["_id"])), "_rev" in document
        send = self.request if replaces else self._writing
        response = send("PUT", doctype, path, body=document)
        gone = response.status_code == 404 and replaces
        return None if gone or response.status_code == 409 else str(self.json_object(response)["rev"])

    # -- the store that include.gas.documents.storing works on ---------------------------------------------------------

    def range(self, doctype: str, startkey: str, endkey: str) -> list[Document]:
        """Return all documents from one id to another, both included, in the order of their ids."""
        return list(self.scan(doctype, startkey, endkey))

    def scan(self, doctype: str, startkey: str = "", endkey: str = HIGHEST) -> Iterator[Document]:
        """Yield the documents of a range, page by page, without those of indexes."""
        rows: list[dict[str, Any]] = [{"id": startkey}]
        while rows:
            rows = self.rows_with_docs(doctype, startkey=rows[-1]["id"], endkey=endkey, limit=PAGE + 1)
            yield from (row["doc"] for row in rows[:PAGE] if not row["id"].startswith("_design/"))
            rows = rows[PAGE:]

    def fetch(self, doctype: str, ids: Collection[str]) -> dict[str, Document]:
        """Return documents by id. Ids that do not exist are left out."""
        found: dict[str, Document] = {}
        for keys in _batches([*ids]):
            found |= {row["id"]: row["doc"] for row in self.rows_with_docs(doctype, keys=keys)}
        return found

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        """Write documents in batches and read the answer item by item.

        :return: which were written and which conflicted with a newer revision
        :raises ServiceUnavailable: if the server refused a document for any other reason; what was written stays
        """
        written: dict[str, str] = {}
        conflicts: set[str] = set()
        refused: list[str] = []
        for batch in _batches([*docs]):
            rows = parse_json(self.require_success(self._writing("POST", doctype, "/_bulk_docs", body={"docs": batch})))
            answered = {row.get("id"): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}
            for doc_id in (document["_id"] for document in batch):
                row = answered.get(doc_id, {"error": "no answer"})  # by id: not every server keeps the order
                if row.get("error") == "conflict":
                    conflicts.add(doc_id)
                elif "error" in row or not row.get("rev"):
                    named = without_numbers(doc_id, doc_id.partition(":")[0])  # the meter's number follows the account
                    refused.append(f"{named} ({row.get('error')}: {row.get('reason')})")
                else:
                    written[doc_id] = row["rev"]
        if refused:
            raise ServiceUnavailable.about(
                None,
                f"CouchDB did not store {len(refused)} of {len(docs)} documents of {doctype}, as {refused[0]}",
                "What it stored stays; the task is tried again and stores the rest.",
            )
        return WriteResult(written=set(written), conflicts=conflicts, revisions=written)

    def create_database(self, doctype: str) -> list[str]:
        """Create what is missing of a doctype's database and of what CouchDB itself needs in it.

        Its indexes are those that Cozy's clients ask for, and one by account: a query of one account's documents is a
        hundred times faster with it (docs/decisions.md).

        :return: ``created`` or ``exists``, and what an older one lacked, in words
        """
        wanted = database(doctype)  # refuses one of which nobody knows what a deletion must remove
        response = self.request("PUT", doctype, "")
        if response.status_code in (401, 403):
            raise BadSettings.about(
                None,
                f"CouchDB at {self.facts.url} has no database {database_name(doctype, self.facts.prefix)}, and the "
                f"login of the Airflow connection {self.couchdb_conn_id} may not create it",
                SET_UP,
            )
        is_new = response.status_code != 412 and self.require_success(response).ok
        made = []
        if wanted.compares_revisions:
            design = {"language": "javascript", "validate_doc_update": "function () {}"}
            response = self.request("PUT", doctype, COMPARES, body=design)
            if response.status_code != 409 and self.require_success(response):
                made.append("now compares revisions")
        for fields in wanted.indexes:
            name = index_name(fields)
            order = {"index": {"fields": list(fields)}, "ddoc": name, "name": name, "type": "json"}
            if self.json_object(self.request("POST", doctype, "/_index", body=order)).get("result") != "exists":
                made.append(f"now with the index {name}")
        return ["created"] if is_new else ["exists", *made]

    def has_database(self, doctype: str) -> bool:
        """Return whether a doctype's database exists."""
        return self.request_json("GET", doctype, "") is not None

    def _writing(self, method: str, doctype: str, path: str, *, body: Mapping[str, Any]) -> requests.Response:
        """Write. Create the database if it is missing and the login may, as an administrator's may."""
        response = self.request(method, doctype, path, body=body)
        if response.status_code == 404:
            self.create_database(doctype)
            response = self.request(method, doctype, path, body=body)
        return response


def _path_of(doc_id: str) -> str:
    """Return the path of a document below its database. It never leads to another endpoint.

    ``_all_docs``, ``_design`` and the like are CouchDB's own. An empty id, or one of dots alone, would lead to the
    database or out of it.
    """
    if doc_id.startswith("_") or doc_id in ("", ".", ".."):
        cause = f"{excerpt(repr(doc_id), 60)} cannot be a document id: ids that begin with '_' are CouchDB's own"
        raise BadRequest.about(None, cause, "CouchDB was not asked. Correct the id.")
    return "/" + quote(doc_id, safe="")


def _batches(items: list[Any]) -> Iterable[list[Any]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))
