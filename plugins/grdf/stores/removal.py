"""The removal of documents from CouchDB so that nothing personal stays.

CouchDB keeps a tombstone of every deleted document, with its id, and our ids contain the meter's number. After a purge
no tombstone stays, and a compaction (``database_files``) frees what old revisions and indexes held. Only the server's
list of its latest purges (``_purged_infos_limit``, 1,000 by default) still contains ids, until others replace them. The
embedded server purges for show: the ids stay in its files, which is one more reason to use it for trying and testing
only.

Only a server administrator may purge. A deletion must purge (:func:`purger`). Other removals (of marks, or of days that
a late load stored for a household that has left) do what their login may.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from itertools import pairwise
from typing import Any

from grdf.hooks.couchdb import HIGHEST, CouchDBHook
from include.gas.account.document_sections import object_or_empty
from include.gas.documents.day_documents import ACCOUNT_ID, account_range
from include.gas.documents.doctypes import ACCOUNT, FOR_READERS
from include.gas.errors import BadSettings

PURGE_BATCH = 100
"""Documents per ``_purge``; the default limit of CouchDB up to 3.5.0 (``[purge] max_document_id_number``)."""


class Remover:
    """Removes documents, and purges them if the login may.

    :param couchdb: the hook, with the login that removes
    """

    def __init__(self, couchdb: CouchDBHook) -> None:
        self.couchdb = couchdb

    @cached_property
    def purges(self) -> bool:
        """Whether removed documents are purged. The server is asked once."""
        return self.couchdb.is_administrator()

    def revisions(self, doctype: str, startkey: str, endkey: str) -> dict[str, str]:
        """Return the documents of a range of ids: their revisions by id."""
        return {row["id"]: row["value"]["rev"] for row in self.couchdb.rows(doctype, startkey=startkey, endkey=endkey)}

    def remove_range(self, doctype: str, startkey: str, endkey: str) -> int:
        """Remove the documents of a range, and return their number. One that is changed meanwhile stays."""
        return self.remove_revisions(doctype, self.revisions(doctype, startkey, endkey))

    def remove(self, doctype: str, doc_id: str) -> int:
        """Remove one document. It is fine if it is gone already."""
        return self.remove_range(doctype, doc_id, doc_id)

    def remove_revisions(self, doctype: str, rows: dict[str, str]) -> int:
        """Remove the documents that have not been changed since, and return their number.

        :param rows: their revisions by id
        """
        if not self.purges:
            stubs: list[dict[str, Any]] = [{"_id": key, "_rev": rev, "_deleted": True} for key, rev in rows.items()]
            return len(self.couchdb.write(doctype, stubs).written)
        # Do not delete first: _all_docs does not list tombstones, so one that an interrupted try left would never be
        # found.
        keys, removed = list(rows), 0
        for at in range(0, len(keys), PURGE_BATCH):
            batch = {key: [rows[key]] for key in keys[at : at + PURGE_BATCH]}
            answer = self.couchdb.json_object(self.couchdb.request("POST", doctype, "/_purge", body=batch))
            removed += sum(1 for revisions in (answer.get("purged") or {}).values() if revisions)
        return removed

    def remove_tombstones(self, doctype: str, ids: Collection[str]) -> int:
        """Purge what the server keeps of documents that were deleted before, and return their number.

        :param ids: ids that such documents may have had; a range of ids does not find them
        """
        rows = self.couchdb.rows(doctype, keys=list(ids))
        gone = [row for row in rows if object_or_empty(row.get("value")).get("deleted")]
        return self.remove_revisions(doctype, {row["id"]: row["value"]["rev"] for row in gone})


def purger(couchdb: CouchDBHook) -> Remover:
    """Return what removes documents so that not even their ids stay.

    :raises BadSettings: if the administrator's login may not purge
    """
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
    """Return the documents that name an account under ids of their own: their revisions by id, for each doctype.

    They are the konnector's, and those of programs that read the data. Our ids begin with the account's; these others
    may be anywhere between the ranges of the accounts. No index holds all of them, and one more would cost every write
    of a day. So what is between the ranges is read: one request per account and database, mostly of nothing.
    """
    ids = {account, *(str(document["_id"]) for document in couchdb.scan(ACCOUNT))}
    ranges = sorted(account_range(each) for each in ids if ACCOUNT_ID.fullmatch(each))
    found: dict[str, dict[str, str]] = {doctype: {} for doctype in FOR_READERS}
    for doctype, rows in found.items():
        for (_, after), (before, _) in pairwise([("", ""), *ranges, (HIGHEST, HIGHEST)]):
            for document in couchdb.scan(doctype, after, before):
                # What it says itself comes before what cozy-stack says of it.
                if (
                    document.get("account") or object_or_empty(document.get("cozyMetadata")).get("sourceAccount")
                ) == account:
                    rows[str(document["_id"])] = str(document["_rev"])
    return found
