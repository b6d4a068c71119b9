"""CouchDB's documents and databases.

``couchdb`` is an ordinary member, for documents. ``couchdb_admin`` is a server administrator, who alone may create
databases, set access, and purge: for the set-up (:mod:`grdf.couchdb_setup`) and the deletion. If it is missing,
``couchdb`` serves for both.
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
"""Documents per ``_bulk_docs``, of about 250 bytes: far below any limit."""
PAGE = 5000
"""Documents per page of a range."""
HIGHEST = "\U0010ffff"
"""The highest id in CouchDB's byte order."""
SET_UP = "Run ./grdf couchdb setup (with the compose file: docker compose run --rm couchdb-setup), then clear the task."
COMPARES = "/_design/compare-revisions"
"""A design document that makes CouchDB compare revisions with purged documents, too.

It answers 201 to a ``_rev`` of a purged document, so a task could bring a deleted account back. Only a database with a
``validate_doc_update``, be it empty, looks at revisions first (``couch_db:before_docs_update`` of 3.5.2). Large writes
get dearer.
"""

Document = dict[str, Any]


class CouchDBHook(CouchServer):
    """Reads and writes documents of a Cozy doctype; parameters as of :class:`CouchServer`."""

    def administrator(self) -> CouchDBHook:
        """Return a hook with an administrator's rights on the same databases; this one if there is no other."""
        try:
            BaseHook.get_connection(ADMIN_CONN_ID)
        except AirflowNotFoundException:
            return self
        except ValueError:  # exists but cannot be read, as the hook reports
            pass
        admin = CouchDBHook(ADMIN_CONN_ID, timeout=self._timeout, patience=self._patience)
        admin.facts = admin.facts._replace(prefix=self.facts.prefix)
        return admin

    def get(self, doctype: str, doc_id: str) -> Document | None:
        """Return a document; ``None`` if it or its database does not exist."""
        return self.request_json("GET", doctype, _path_of(doc_id))

    def put(self, doctype: str, document: Mapping[str, Any]) -> str | None:
        """Write a document, with ``_rev`` in place of one. Return its revision, or ``None`` if changed or lost."""
        path, replaces = _path_of(str(document["_id"])), "_rev" in document
        send = self.request if replaces else self._writing
        response = send("PUT", doctype, path, body=document)
        gone = response.status_code == 404 and replaces
        return None if gone or response.status_code == 409 else str(self.json_object(response)["rev"])

    # -- the store that include.gas.documents.storing works on ---------------------------------------------------------

    def range(self, doctype: str, startkey: str, endkey: str) -> list[Document]:
        """Return all documents between two ids, both included, in order."""
        return list(self.scan(doctype, startkey, endkey))

    def scan(self, doctype: str, startkey: str = "", endkey: str = HIGHEST) -> Iterator[Document]:
        """Yield the documents of a range page by page, without design documents."""
        rows: list[dict[str, Any]] = [{"id": startkey}]
        while rows:
            rows = self.rows_with_docs(doctype, startkey=rows[-1]["id"], endkey=endkey, limit=PAGE + 1)
            yield from (row["doc"] for row in rows[:PAGE] if not row["id"].startswith("_design/"))
            rows = rows[PAGE:]

    def fetch(self, doctype: str, ids: Collection[str]) -> dict[str, Document]:
        """Return existing documents by id."""
        found: dict[str, Document] = {}
        for keys in _batches([*ids]):
            found |= {row["id"]: row["doc"] for row in self.rows_with_docs(doctype, keys=keys)}
        return found

    def changes(self, doctype: str, since: str | int, limit: int) -> tuple[list[dict[str, Any]], str | int]:
        """Return changes since a sequence, with documents, and the sequence after them; none without a database.

        A purge leaves no change.
        """
        query = {"since": since, "limit": limit, "include_docs": "true"}
        answer = self.request_json("GET", doctype, "/_changes", query=query) or {"results": [], "last_seq": since}
        found, end = answer.get("results"), answer.get("last_seq")
        if not isinstance(found, list) or not isinstance(end, str | int):
            raise self._error("sent an answer without changes or their end")
        return found, end

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        """Write documents in batches. Return the written and the conflicting ids.

        :raises ServiceUnavailable: if one is refused for any other reason; what was written stays
        """
        result = WriteResult()
        refused: list[str] = []
        for batch in _batches([*docs]):
            rows = parse_json(self.require_success(self._writing("POST", doctype, "/_bulk_docs", body={"docs": batch})))
            answered = {row.get("id"): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}
            for doc_id in (document["_id"] for document in batch):
                row = answered.get(doc_id, {"error": "no answer"})  # by id: not every server keeps the order
                if row.get("error") == "conflict":
                    result.conflicts.add(doc_id)
                elif "error" in row or not row.get("rev"):
                    named = without_numbers(doc_id, doc_id.partition(":")[0])  # the meter's number follows the account
                    refused.append(f"{named} ({row.get('error')}: {row.get('reason')})")
                else:
                    result.revisions[doc_id] = row["rev"]
        if refused:
            raise ServiceUnavailable.about(
                None,
                f"CouchDB did not store {len(refused)} of {len(docs)} documents of {doctype}, as {refused[0]}",
                "What it stored stays; the task is tried again and stores the rest.",
            )
        return result

    def create_database(self, doctype: str) -> list[str]:
        """Create what is missing of a doctype's database, with indexes by account (docs/decisions.md)."""
        wanted = database(doctype)  # refuses one that no deletion would empty
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

    def count_unindexed(self, doctype: str) -> int:
        """Return how many documents one of a doctype's indexes lacks: CouchDB builds them by itself, one by one."""
        paths = [f"/_design/{index_name(fields)}/_info" for fields in database(doctype).indexes]
        infos = [self.request_json("GET", doctype, path) or {"view_index": {}} for path in paths]
        return max((info["view_index"].get("updates_pending", {}).get("total", 0) for info in infos), default=0)

    def has_database(self, doctype: str) -> bool:
        """Return whether a doctype's database exists."""
        return self.request_json("GET", doctype, "") is not None

    def _writing(self, method: str, doctype: str, path: str, *, body: Mapping[str, Any]) -> requests.Response:
        response = self.request(method, doctype, path, body=body)
        if response.status_code == 404:
            self.create_database(doctype)
            response = self.request(method, doctype, path, body=body)
        return response


def _path_of(doc_id: str) -> str:
    """Return the path of a document, which never leads to another endpoint.

    ``_all_docs``, ``_design`` and the like are CouchDB's; an empty id or dots alone would lead out of the database.
    """
    if doc_id.startswith("_") or doc_id in ("", ".", ".."):
        cause = f"{excerpt(repr(doc_id), 60)} cannot be a document id: ids that begin with '_' are CouchDB's own"
        raise BadRequest.about(None, cause, "CouchDB was not asked. Correct the id.")
    return "/" + quote(doc_id, safe="")


def _batches(items: list[Any]) -> Iterable[list[Any]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))
