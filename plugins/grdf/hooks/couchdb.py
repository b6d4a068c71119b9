"""CouchDB, which stores the households' accounts, gas days and totals: its documents and databases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from grdf.hooks.couch_answers import docs_of, json_keys, json_object, place, rows_of
from grdf.hooks.couch_server import LARGEST, TIMEOUT, CouchServer
from grdf.hooks.mango_indexes import make_indexes
from grdf.hooks.revision_check import compare_revisions
from include.gas.documents.doctypes import database
from include.gas.documents.gas_days import database_name
from include.gas.documents.storing import WriteResult
from include.gas.errors import BadRequest, BadSettings, ServiceUnavailable
from include.gas.meter_tag import without_numbers
from include.gas.redact import excerpt

BATCH = 2000
"""Documents per ``_bulk_docs``. A day document has about 250 bytes, so a batch stays far below any server's limit."""
PAGE = 5000
"""Documents per page when a range is read."""
HIGHEST = "\U0010ffff"
"""No id is higher, byte by byte, as CouchDB compares ids."""
SET_UP = "Run ./grdf couchdb setup (with the compose file: docker compose run --rm couchdb-setup), then clear the task."


Document = dict[str, Any]
_T = TypeVar("_T")


class CouchDBHook(CouchServer):
    """Reads and writes documents of a Cozy doctype.

    :param couchdb_conn_id: Airflow connection with host, port, schema, login, password and, in its extra,
        ``database_prefix``
    :param timeout: seconds to wait for a connection and for an answer
    :param patience: how often a request is sent again when the server is busy or restarting
    :param largest: largest answer in bytes
    :param whole: seconds for a whole answer; ``None`` for five times that of one read
    """

    def __init__(
        self,
        couchdb_conn_id: str = CouchServer.default_conn_name,
        *,
        timeout: tuple[float, float] = TIMEOUT,
        patience: int = 4,
        largest: int = LARGEST,
        whole: float | None = None,
    ) -> None:
        super().__init__(couchdb_conn_id, timeout=timeout, patience=patience, largest=largest, whole=whole)
        self._missing: set[str] = set()

    def with_connection(self, couchdb_conn_id: str) -> CouchDBHook:
        """Return a hook for another connection, which is as patient as this one.

        :param couchdb_conn_id: the Airflow connection
        """
        return CouchDBHook(
            couchdb_conn_id, timeout=self._timeout, patience=self._patience, largest=self.largest, whole=self._whole
        )

    # -- one document -----------------------------------------------------------------------------------------------

    def get(self, doctype: str, doc_id: str) -> Document | None:
        """Return one document, or ``None`` if it or its database does not exist.

        :param doctype: Cozy doctype, such as ``io.cozy.accounts``
        :param doc_id: the document's ``_id``
        :raises BadRequest: if the id is not valid for a document
        """
        response = self.request("GET", doctype, _path_of(doc_id))
        return None if response.status_code == 404 else json_object(self.good(response))

    def put(self, doctype: str, document: Mapping[str, Any]) -> str | None:
        """Write one document.

        :param document: with ``_id``, and ``_rev`` if it replaces one
        :return: the new revision, or ``None`` if somebody has changed the document in the meantime (409), or removed it
            with its database: one that is lost must not be made anew for a document that was in it
        :raises BadRequest: if the id is not valid for a document
        """
        path = _path_of(str(document["_id"]))
        if "_rev" in document:
            response = self.request("PUT", doctype, path, body=document)
        else:
            response = self._writing("PUT", doctype, path, document)
        gone = response.status_code == 404 and "_rev" in document
        return None if gone or response.status_code == 409 else str(json_object(self.good(response))["rev"])

    # -- many documents (the store that include.gas.documents.storing works on) ----------------------------------------

    def range(self, doctype: str, startkey: str, endkey: str) -> list[Document]:
        """Return all documents from one id to another, both included, in the order of their ids."""
        return list(self.scan(doctype, startkey, endkey))

    def scan(self, doctype: str, startkey: str = "", endkey: str = HIGHEST) -> Iterator[Document]:
        """Yield the documents of a range page by page, without those of indexes. At most one page is held in memory.

        :param startkey: first id, included
        :param endkey: last id, included
        """
        start = startkey
        while True:
            query = json_keys(startkey=start, endkey=endkey, limit=PAGE + 1, include_docs=True)
            response = self._all_docs("GET", doctype, query=query)
            if response.status_code == 404:
                return
            rows = docs_of(self.good(response))
            yield from (row["doc"] for row in rows[:PAGE] if not row["id"].startswith("_design/"))
            if len(rows) <= PAGE:
                return
            start = rows[PAGE]["id"]

    def fetch(self, doctype: str, ids: Collection[str]) -> dict[str, Document]:
        """Return documents by id. Ids that do not exist are left out.

        :param ids: any number of ids
        """
        found: dict[str, Document] = {}
        for batch in _batches(list(ids)):
            response = self._all_docs("POST", doctype, query={"include_docs": "true"}, body={"keys": list(batch)})
            if response.status_code == 404:
                return {}
            for row in docs_of(self.good(response), may_be_missing=True):
                found[row["id"]] = row["doc"]
        return found

    def write(self, doctype: str, docs: Collection[Document]) -> WriteResult:
        """Write documents in batches and read the answer item by item.

        :param docs: each with ``_id``, and ``_rev`` if it replaces one
        :return: which were written and which conflicted with a newer revision
        :raises ServiceUnavailable: if the server refused a document for any other reason; what was written stays
        """
        written: dict[str, str] = {}
        conflicts: set[str] = set()
        refused: list[str] = []
        for batch in _batches(list(docs)):
            response = self._writing("POST", doctype, "/_bulk_docs", {"docs": list(batch)})
            answered = {row["id"]: row for row in rows_of(self.good(response)) if "id" in row}
            for document in batch:
                row = answered.get(document["_id"])  # by id: not every server keeps the order
                if row is None:
                    refused.append(f"{_named(document)} (no answer)")
                elif row.get("error") == "conflict":
                    conflicts.add(document["_id"])
                elif "error" in row or not row.get("rev"):
                    refused.append(f"{_named(document)} ({row.get('error')}: {row.get('reason')})")
                else:
                    written[document["_id"]] = row["rev"]
        if refused:
            raise ServiceUnavailable.about(
                account=None,
                cause=f"CouchDB did not store {len(refused)} of {len(docs)} documents of {doctype}, the first "
                f"one being {refused[0]}",
                next_step="What it stored stays; the task is tried again and stores the rest.",
            )
        return WriteResult(written=set(written), conflicts=conflicts, revisions=written)

    # -- databases ---------------------------------------------------------------------------------------------------

    def create_database(self, doctype: str) -> bool:
        """Create a doctype's database with its indexes, and return whether it was missing.

        :raises BadSettings: if the login is not an administrator's
        """
        return self._created(doctype, self._creation(doctype))

    def _creation(self, doctype: str) -> requests.Response:
        database(doctype)  # refuses one of which nobody knows what a deletion must remove
        return self.request("PUT", doctype, "")

    def _created(self, doctype: str, response: requests.Response) -> bool:
        self._missing.discard(doctype)
        if response.status_code == 412:
            return False
        self.good(response)
        compare_revisions(self, doctype)
        make_indexes(self, doctype, fresh=True)
        return True

    def _create_missing(self, doctype: str) -> None:
        """Create a missing database that ordinary work needs, if the login may. It may if it is an administrator's."""
        name, response = database_name(doctype, self.prefix), self._creation(doctype)
        try:
            if self._created(doctype, response):
                self.log.info("Created the missing database %s in CouchDB.", name)
        except BadSettings:
            if response.status_code not in (401, 403):
                raise
            self._missing.discard(doctype)
            if self.has_database(doctype):  # it was created in the meantime
                return
            raise BadSettings.about(
                account=None,
                cause=f"CouchDB at {place(response.url)} has no database {name}, and the login of the Airflow "
                f"connection {self.couchdb_conn_id} may not create it",
                next_step=SET_UP,
            ) from None

    def has_database(self, doctype: str) -> bool:
        """Return whether a doctype's database exists."""
        response = self.request("GET", doctype, "")
        return response.status_code != 404 and self.good(response).ok

    def documents_in(self, doctype: str) -> int | None:
        """Return how many documents a doctype's database holds, its indexes among them; ``None`` if it is missing."""
        response = self.request("GET", doctype, "")
        if response.status_code == 404:
            return None
        count = json_object(self.good(response)).get("doc_count")
        if not isinstance(count, int):
            raise ServiceUnavailable.about(account=None, cause=f"CouchDB's answer about {doctype} has no doc_count")
        return count

    def _all_docs(self, method: str, doctype: str, **asked: Any) -> requests.Response:
        """Ask for documents by their ids, see :meth:`CouchServer.request`."""
        response = self.request(method, doctype, "/_all_docs", **asked)
        if response.status_code == 404:
            self._missing.add(doctype)  # so that the first write does not have to fail to find this out
        return response

    def _writing(self, method: str, doctype: str, path: str, body: Mapping[str, Any]) -> requests.Response:
        if doctype in self._missing:
            self._create_missing(doctype)
        response = self.request(method, doctype, path, body=body)
        if response.status_code == 404:  # the first write to a new database
            self._create_missing(doctype)
            response = self.request(method, doctype, path, body=body)
        return response


def _named(document: Document) -> str:
    """Return a document's name for a message. Ids contain the meter's number after the account."""
    return without_numbers(str(document["_id"]), str(document["_id"]).partition(":")[0])


def _path_of(doc_id: str) -> str:
    """Return the path of a document below its database. It never leads to another endpoint.

    ``_all_docs``, ``_design`` and the like are CouchDB's own. An empty id, or one of dots alone, would lead to the
    database or out of it.
    """
    if doc_id.startswith("_") or doc_id in ("", ".", ".."):
        raise BadRequest.about(
            account=None,
            cause=f"{excerpt(repr(doc_id), 60)} cannot be a document id: ids that begin with '_' are CouchDB's own",
            next_step="CouchDB was not asked. Correct the id.",
        )
    return "/" + quote(doc_id, safe="")


def _batches(items: Sequence[_T], size: int = BATCH) -> Iterable[Sequence[_T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
