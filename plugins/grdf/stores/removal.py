"""Removing documents from CouchDB so that nothing personal stays.

CouchDB keeps a tombstone of every deleted document, with its id; ours hold the meter's number. CouchDB 3 can purge: no
tombstone stays, and a compaction then frees what old revisions held. Only its list of its latest purges
(``_purged_infos_limit``, 1,000 by default) still has ids, until others take their place. The embedded server cannot
purge: there the ids of removed documents stay in its files, one more reason why it is for trying and testing only.

Only a server administrator may purge. A deletion must, and says so when its login may not; whatever else removes
documents (marks of what was used, days that a late load stored for a household that has left) does it as its login may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any

from grdf.hooks.couch_answers import json_keys, json_object, rows_of
from grdf.hooks.couchdb import CouchDBHook
from include.gas.errors import BadSettings, StoreBusy

PURGE_BATCH = 100
"""Documents per ``_purge``, CouchDB's default limit (``[purge] max_document_id_number``)."""
PAGE = 1000
TRIES = 10

PURGED = "purged: no tombstones are left; ids go from the server's list of its latest purges as others follow"
KEPT = "the server cannot purge: ids of removed documents stay in its files"
STUBS = "not purged, since the login is no server administrator: ids of removed documents stay in the database"


class Remover:
    """Remove documents by ranges of their ids.

    :param couchdb: the hook whose server holds them
    :param wholly: whether nothing may stay, not even an id, where the server can purge: as a deletion needs it
    """

    def __init__(self, couchdb: CouchDBHook, *, wholly: bool = False) -> None:
        self._couchdb = couchdb
        self._wholly = wholly

    @property
    def tombstones(self) -> str:
        """What the server keeps of removed documents, in words.

        :raises BadSettings: as :attr:`purges`
        """
        return PURGED if self.purges else STUBS if self._can_purge else KEPT

    @cached_property
    def purges(self) -> bool:
        """Whether removed documents are purged; asked once.

        :raises BadSettings: when they must be and could be, but not by this login
        """
        if not self._can_purge or self._couchdb.is_administrator():
            return self._can_purge
        if self._wholly:
            raise BadSettings.about(
                account=None,
                cause=f"the login of the Airflow connection {self._couchdb.couchdb_conn_id} is not a CouchDB "
                "server administrator, and only an administrator may purge. Otherwise the meter's number "
                "would stay in ids",
                next_step="Nothing was removed. Set the connection couchdb_admin for the workers that run deletions, "
                "then start the deletion again.",
            )
        return False

    @cached_property
    def _can_purge(self) -> bool:
        """CouchDB 2.3 was the first with ``_purge`` on clusters; the embedded server says that it is older."""
        version = str(self._couchdb.greeting().get("version", "")).split(".")
        return tuple(int(part) for part in version[:2] if part.isdigit()) >= (2, 3)

    def count(self, doctype: str, startkey: str, endkey: str) -> int:
        """Count the documents of a range.

        :param doctype: Cozy doctype
        :param startkey: first id
        :param endkey: last id
        """
        return sum(len(page) for page in self._pages(doctype, startkey, endkey))

    def remove_range(self, doctype: str, startkey: str, endkey: str) -> int:
        """Remove all documents of a range, also those that are written meanwhile, and give their number.

        :param doctype: Cozy doctype
        :param startkey: first id
        :param endkey: last id
        :raises StoreBusy: when the server keeps them all the same
        """
        removed = in_vain = 0
        while rows := self._revisions(doctype, startkey, endkey, limit=PAGE):
            number = self._remove(doctype, rows)
            removed += number
            in_vain = 0 if number else in_vain + 1
            if in_vain == TRIES:
                raise StoreBusy.about(None, f"documents of {doctype} could not be removed in {TRIES} tries in a row")
        return removed

    def remove_some(self, doctype: str, startkey: str, endkey: str, *, most: int) -> int:
        """Remove the first documents of a range in one go, and give their number; one that was changed meanwhile stays.

        :param doctype: Cozy doctype
        :param startkey: first id
        :param endkey: last id
        :param most: how many at the most
        """
        return self._remove(doctype, self._revisions(doctype, startkey, endkey, limit=most))

    def remove(self, doctype: str, doc_id: str) -> int:
        """Remove one document; one that is gone is fine.

        :param doctype: Cozy doctype
        :param doc_id: its id
        """
        return self.remove_range(doctype, doc_id, doc_id)

    def remove_tombstones(self, doctype: str, ids: Collection[str]) -> int:
        """Purge what the server keeps of documents that were deleted before, and give their number.

        :param doctype: Cozy doctype
        :param ids: ids that such documents may have had; no range of ids finds them
        """
        if not self.purges or not ids:
            return 0
        response = self._couchdb.request("POST", doctype, "/_all_docs", body={"keys": list(ids)})
        if response.status_code == 404:
            return 0
        rows = rows_of(self._couchdb.good(response))
        values = {row["id"]: row.get("value") for row in rows if "id" in row}
        dead = {key: value["rev"] for key, value in values.items() if isinstance(value, dict) and value.get("deleted")}
        return self._remove(doctype, dead)

    def compact(self, doctype: str) -> None:
        """Have a server that purges free what it kept of removed documents in its files.

        :param doctype: Cozy doctype
        """
        if self.purges:
            response = self._couchdb.request("POST", doctype, "/_compact", body={})
            if response.status_code != 404:  # no such database: nothing was ever stored
                self._couchdb.good(response)

    def _remove(self, doctype: str, rows: dict[str, str]) -> int:
        if not self.purges:
            stubs: list[dict[str, Any]] = [{"_id": key, "_rev": rev, "_deleted": True} for key, rev in rows.items()]
            return len(self._couchdb.write(doctype, stubs).written)
        # Not deleted first: a tombstone is in no _all_docs, so one left by an interrupted try would never be found.
        keys, removed = list(rows), 0
        for at in range(0, len(keys), PURGE_BATCH):
            batch = {key: [rows[key]] for key in keys[at : at + PURGE_BATCH]}
            answer = json_object(self._couchdb.good(self._couchdb.request("POST", doctype, "/_purge", body=batch)))
            removed += sum(1 for revisions in (answer.get("purged") or {}).values() if revisions)
        return removed

    def _revisions(self, doctype: str, startkey: str, endkey: str, *, limit: int) -> dict[str, str]:
        query = json_keys(startkey=startkey, endkey=endkey, limit=limit)
        response = self._couchdb.request("GET", doctype, "/_all_docs", query=query)
        if response.status_code == 404:
            return {}
        return {row["id"]: row["value"]["rev"] for row in json_object(self._couchdb.good(response))["rows"]}

    def _pages(self, doctype: str, startkey: str, endkey: str) -> Iterator[dict[str, str]]:
        start = startkey
        while rows := self._revisions(doctype, start, endkey, limit=PAGE):
            yield rows
            if len(rows) < PAGE:
                return
            start = max(rows) + "\u0000"
