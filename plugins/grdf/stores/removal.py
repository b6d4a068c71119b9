"""Removes documents from CouchDB so that nothing personal stays.

A tombstone keeps the id, and our ids have the meter's number. A purge removes it, and compaction (``database_files``)
old revisions and index entries. The list of latest purges (``_purged_infos_limit``, 1,000) keeps ids for a while; the
embedded server purges for show. Only an administrator may purge: a deletion must (:func:`purger`), other removals do
what their login may.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from itertools import pairwise
from typing import Any

from grdf.hooks.couchdb import HIGHEST, CouchDBHook
from include.gas.account.document_sections import object_or_empty
from include.gas.documents.day_documents import ACCOUNT_ID, account_range
from include.gas.documents.doctypes import ACCOUNT, DATA, FOR_READERS
from include.gas.errors import BadSettings

PURGE_BATCH = 100
"""Documents per ``_purge``: CouchDB's default limit up to 3.5.0 (``[purge] max_document_id_number``)."""


class Remover:
    """Removes documents, and purges them if the login may."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self.couchdb = couchdb

    @cached_property
    def purges(self) -> bool:
        """Whether removed documents are purged. The server is asked once."""
        return self.couchdb.is_administrator()

    def revisions(self, doctype: str, startkey: str, endkey: str) -> dict[str, str]:
        """Return the documents of a range: revisions by id."""
        return {row["id"]: row["value"]["rev"] for row in self.couchdb.rows(doctype, startkey=startkey, endkey=endkey)}

    def remove_range(self, doctype: str, startkey: str, endkey: str) -> int:
        """Remove the documents of a range, and return their number. One changed meanwhile stays."""
        return self.remove_revisions(doctype, self.revisions(doctype, startkey, endkey))

    def remove(self, doctype: str, doc_id: str) -> int:
        """Remove one document. A missing one is fine."""
        return self.remove_range(doctype, doc_id, doc_id)

    def remove_revisions(self, doctype: str, rows: dict[str, str]) -> int:
        """Remove documents, by revisions and id, that have not changed since, and return their number."""
        if not self.purges:
            stubs: list[dict[str, Any]] = [{"_id": key, "_rev": rev, "_deleted": True} for key, rev in rows.items()]
            return len(self.couchdb.write(doctype, stubs).written)
        # Do not delete first: _all_docs lists no tombstones, so one left by an interrupted try would stay.
        keys, removed = list(rows), 0
        for at in range(0, len(keys), PURGE_BATCH):
            batch = {key: [rows[key]] for key in keys[at : at + PURGE_BATCH]}
            answer = self.couchdb.json_object(self.couchdb.request("POST", doctype, "/_purge", body=batch))
            removed += sum(1 for revisions in (answer.get("purged") or {}).values() if revisions)
        return removed

    def remove_tombstones(self, doctype: str, ids: Collection[str]) -> int:
        """Purge tombstones of earlier deletions by ids that they may have, and return their number."""
        rows = self.couchdb.rows(doctype, keys=list(ids))
        gone = [row for row in rows if object_or_empty(row.get("value")).get("deleted")]
        return self.remove_revisions(doctype, {row["id"]: row["value"]["rev"] for row in gone})


def purger(couchdb: CouchDBHook) -> Remover:
    """Return a remover that purges; ``BadSettings`` if the administrator's login may not."""
    remover = Remover(admin := couchdb.administrator())
    if not remover.purges:
        raise BadSettings.about(
            account=None,
            cause=f"the login of the Airflow connection {admin.couchdb_conn_id} is not a CouchDB server administrator, "
            "and only an administrator may purge. Otherwise the meter's number would stay in ids",
            next_step="Nothing was removed. Set the connection couchdb_admin for the workers that run deletions, "
            "then start the deletion again.",
        )
    return remover


def find_strays(couchdb: CouchDBHook, account: str) -> dict[str, dict[str, str]]:
    """Return, by doctype, documents that name an account under other programs' ids: revisions by id.

    They may be anywhere between the ranges of accounts, and an index would cost every write of a day. So what lies
    between the ranges is read: one request per account and database, mostly of nothing.
    """
    ids = {account, *(str(document["_id"]) for document in couchdb.scan(ACCOUNT))}
    ranges = sorted(account_range(each) for each in ids if ACCOUNT_ID.fullmatch(each))
    found: dict[str, dict[str, str]] = {doctype: {} for doctype in FOR_READERS if doctype in DATA}
    for doctype, rows in found.items():
        for (_, after), (before, _) in pairwise([("", ""), *ranges, (HIGHEST, HIGHEST)]):
            for document in couchdb.scan(doctype, after, before):
                # Its own account comes before cozy-stack's.
                if (
                    document.get("account") or object_or_empty(document.get("cozyMetadata")).get("sourceAccount")
                ) == account:
                    rows[str(document["_id"])] = str(document["_rev"])
    return found
