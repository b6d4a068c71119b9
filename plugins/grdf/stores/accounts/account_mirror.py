"""An in-memory mirror of the account documents, which is updated each time it is read.

Reading thousands of documents each time would be too slow. So a process keeps one line per account in memory, without
secrets, and updates it with two small requests (``GET /db`` and ``_changes``), however many accounts there are.

``_changes`` reports neither documents that CouchDB 3 has purged, as a deletion here does, nor that the database was
created again. Both are detected from the number of documents, the update sequence and the database's start time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from grdf.hooks.couch_answers import json_object, rows_of
from grdf.hooks.couch_server import AnswerTooLarge
from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable

QUICK = (2.0, 8.0)
"""Connect and read timeouts in seconds. They are short because somebody is waiting for the answer."""

BATCH = 2000
"""Number of changes per response of ``_changes``."""

LARGEST = 50_000_000
"""Largest answer in bytes: some 25 KB for each account, which has 2. Fewer changes are asked for if they take more, so
that foreign documents of megabytes do not fill the memory of the DAG processor or of the page."""

REREAD_AFTER = 60.0
"""Seconds until all documents are read again, at the earliest, because CouchDB lists some that the mirror lacks."""

KEPT = 60.0
"""Seconds after which the hook is replaced, so that a changed Airflow connection takes effect without a restart."""

Line = TypeVar("Line")


class AccountMirror(Generic[Line]):
    """One line per account of one CouchDB.

    :param couchdb: the hook for the CouchDB with the account documents
    :param line: what to keep of an account's document; ``None`` leaves the account out
    """

    def __init__(self, couchdb: CouchDBHook, line: Callable[[dict[str, Any]], Line | None]) -> None:
        self.couchdb = couchdb
        self.has_database = False
        self.answers = 0
        """How many answers were read, by which somebody who waits can see that there is progress."""
        self._line = line
        self._known: dict[str, Line | None] = {}
        self._lines: Mapping[str, Line] | None = None
        self._since: str | int = 0
        self._born: object = None
        self._reread_at = 0.0
        self._lock = threading.Lock()

    def lines(self) -> Mapping[str, Line]:
        """Return the current accounts of this project's account type, by id. Without a database there are none.

        While nothing has changed it is the very same mapping, by which a caller that looks often can tell.

        :raises GasError: if CouchDB does not answer
        """
        if not self._lock.acquire(timeout=sum(QUICK)):
            raise ServiceUnavailable.about(
                None, "CouchDB is too slow: others are already waiting for the list of accounts"
            )
        try:
            self._refresh()
            if self._lines is None:
                self._lines = {account: line for account, line in self._known.items() if line is not None}
            return self._lines
        finally:
            self._lock.release()

    def _refresh(self) -> None:
        facts = self._database()
        self.has_database = facts is not None
        if facts is None:
            self._forget()
            return
        born = facts.get("instance_start_time")
        if born != self._born or _number(facts.get("update_seq")) < _number(self._since):
            self._forget()
            self._born = born
        self._follow()
        if len(self._known) != facts.get("doc_count"):
            self._compare_ids()

    def _database(self) -> dict[str, Any] | None:
        response = self.couchdb.request("GET", ACCOUNT, "")
        return None if response.status_code == 404 else json_object(self.couchdb.good(response))

    def _follow(self) -> None:
        limit = BATCH
        seen: set[tuple[str, str]] = set()
        while True:
            query = {"since": self._since, "limit": limit, "include_docs": "true"}
            try:
                response = self.couchdb.request("GET", ACCOUNT, "/_changes", query=query)
            except AnswerTooLarge:
                if limit == 1:
                    raise
                limit = max(1, limit // 8)
                continue
            changes, last = _changes_in(json_object(self.couchdb.good(response)))
            self.answers += 1
            # A document that changes in the meantime comes again, but with another revision. Sequences say nothing: a
            # cluster writes the same one in many ways.
            new = {(row["id"], str(row.get("changes"))) for row in changes} - seen
            seen |= new
            full = len(changes) == limit
            if len(changes) > limit or (full and (last == self._since or not new)):
                raise ServiceUnavailable.about(
                    None,
                    "CouchDB's answer about the accounts does not go on from where it was asked to",
                    "Check that no proxy before CouchDB removes the parameters of a request or answers from a cache.",
                )
            # An answer may lack a document that exists. Without this, its account would be gone until it changes again.
            without = [row["id"] for row in changes if not (row.get("deleted") or isinstance(row.get("doc"), dict))]
            fetched = self.couchdb.fetch(ACCOUNT, without) if without else {}
            for row in changes:
                self._take(row["id"], None if row.get("deleted") else row.get("doc") or fetched.get(row["id"]))
            self._since = last
            if not full:
                return

    def _take(self, account: str, document: dict[str, Any] | None) -> None:
        self._lines = None
        if document is None:
            self._known.pop(account, None)
            return
        ours = document.get("account_type") == ACCOUNT_TYPE
        self._known[account] = self._line(document) if ours else None

    def _compare_ids(self) -> None:
        """Drop accounts that no longer exist, and read all again if there are some that the mirror does not know.

        ``_changes`` does not name these again, for example if the database's files were replaced by older ones.
        """
        response = self.couchdb.request("GET", ACCOUNT, "/_all_docs")
        there = {row["id"] for row in rows_of(self.couchdb.good(response))}
        for gone in self._known.keys() - there:
            self._take(gone, None)
        if there - self._known.keys() and time.monotonic() >= self._reread_at:
            self._reread_at = time.monotonic() + REREAD_AFTER
            self._forget_lines()
            self._follow()

    def _forget(self) -> None:
        self._forget_lines()
        self._born = None

    def _forget_lines(self) -> None:
        self._known, self._lines, self._since = {}, None, 0


def _changes_in(answer: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | int]:
    """Return the rows of an answer of ``_changes``, and the sequence to go on from.

    :raises ServiceUnavailable: if it is another answer
    """
    rows, last = answer.get("results"), answer.get("last_seq")
    if not isinstance(rows, list) or not isinstance(last, str | int):
        raise ServiceUnavailable.about(None, "CouchDB's answer about the accounts has no list of changes or no end")
    if not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise ServiceUnavailable.about(None, "CouchDB's answer about the accounts has a change without an id")
    return rows, last


def _number(sequence: object) -> int:
    """Return the number in an update sequence. CouchDB's sequences are strings such as ``5001-g1AAA``."""
    digits = str(sequence).partition("-")[0]
    return int(digits) if digits.isdigit() else 0


class KeptMirror(Generic[Line]):
    """The mirror of the CouchDB that the Airflow connection ``couchdb`` names now.

    :param line: as for :class:`AccountMirror`
    :param patience: how often a request is sent again when CouchDB is busy or restarting
    """

    def __init__(self, line: Callable[[dict[str, Any]], Line | None], *, patience: int) -> None:
        self._line = line
        self._patience = patience
        self._lock = threading.Lock()
        self._mirror: AccountMirror[Line] | None = None
        self._made = 0.0

    def get(self) -> AccountMirror[Line]:
        """Return the mirror. This may ask Airflow for the connection, but sends nothing to CouchDB.

        :raises GasError: if the connection cannot be used
        """
        with self._lock:
            if self._mirror is None or time.monotonic() - self._made > KEPT:
                self._mirror = self._renewed(CouchDBHook(timeout=QUICK, patience=self._patience, largest=LARGEST))
                self._made = time.monotonic()
            return self._mirror

    def _renewed(self, hook: CouchDBHook) -> AccountMirror[Line]:
        address = hook.get_conn().server_url, hook.prefix
        former = self._mirror
        if former is not None and (former.couchdb.get_conn().server_url, former.couchdb.prefix) == address:
            former.couchdb = hook
            return former
        return AccountMirror(hook, self._line)
