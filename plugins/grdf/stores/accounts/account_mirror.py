"""The accounts of a CouchDB in memory, brought up to date each time they are read.

Reading thousands of documents each time would be too slow. So a process keeps one line per account, without secrets. A
look asks CouchDB for the state of the database (``GET /db``), and only if that has changed for the documents that have
(``_changes``).

``_changes`` reports neither documents that were purged, as a deletion here does, nor that the database was created
again. Then the number of documents is another one, or the database began at another time, and all is read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from grdf.hooks.couch_server import json_object
from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable

QUICK = (2.0, 8.0)
"""Seconds for connecting and for each read. They are short because somebody is waiting for it."""

BATCH = 2000
"""Number of changes per response of ``_changes``."""

KEPT = 60.0
"""Seconds after which the hook is replaced, so that a changed Airflow connection takes effect without a restart."""

Line = TypeVar("Line")


class AccountMirror(Generic[Line]):
    """One line per account of one CouchDB.

    :param line: what to keep of an account's document; ``None`` leaves the account out
    :param doctype: of the documents that are mirrored, which may be others than accounts
    """

    def __init__(
        self, couchdb: CouchDBHook, line: Callable[[dict[str, Any]], Line | None], doctype: str = ACCOUNT
    ) -> None:
        self.couchdb = couchdb
        self._doctype = doctype
        self.has_database = False
        self._line = line
        self._lock = threading.Lock()
        self._state: Mapping[str, Any] = {}
        self._known: dict[str, Line | None] = {}
        self._lines: Mapping[str, Line] | None = None
        self._since: str | int = 0

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
        response = self.couchdb.request("GET", self._doctype, "")
        self.has_database = response.status_code != 404
        state = json_object(self.couchdb.good(response)) if self.has_database else {}
        if state and state == self._state:
            return
        born = "instance_start_time"
        older = _number(state.get("update_seq")) < _number(self._since)
        if not state or older or state.get(born) != self._state.get(born):
            self._forget()
        self._state = {}  # of which nothing is known if this fails half-way
        if state:
            self._follow()
            if len(self._known) != state.get("doc_count"):
                self._forget()
                self._follow()
        self._state = state

    def _follow(self) -> None:
        last = None
        while last != self._since:  # an answer without changes ends where it began
            last = self._since
            query = {"since": last, "limit": BATCH, "include_docs": "true"}
            response = self.couchdb.request("GET", self._doctype, "/_changes", query=query)
            changes, self._since = _changes_in(json_object(self.couchdb.good(response)))
            # An answer may lack a document that exists. Without this, its account would be gone until it changes again.
            without = [row["id"] for row in changes if not (row.get("deleted") or isinstance(row.get("doc"), dict))]
            fetched = self.couchdb.fetch(self._doctype, without) if without else {}
            for row in changes:
                self._take(row["id"], None if row.get("deleted") else row.get("doc") or fetched.get(row["id"]))
            if len(changes) < BATCH:
                return

    def _take(self, account: str, document: dict[str, Any] | None) -> None:
        ours = document is not None and (self._doctype != ACCOUNT or document.get("account_type") == ACCOUNT_TYPE)
        line = self._line(document) if document is not None and ours else None
        if line != self._known.get(account):
            self._lines = None
        if document is None:
            self._known.pop(account, None)
        else:
            self._known[account] = line

    def _forget(self) -> None:
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
    :param doctype: as for :class:`AccountMirror`
    """

    def __init__(self, line: Callable[[dict[str, Any]], Line | None], *, patience: int, doctype: str = ACCOUNT) -> None:
        self._line = line
        self._doctype = doctype
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
                self._mirror = self._renewed(CouchDBHook(timeout=QUICK, patience=self._patience))
                self._made = time.monotonic()
            return self._mirror

    def _renewed(self, hook: CouchDBHook) -> AccountMirror[Line]:
        facts, former = hook.facts, self._mirror
        if former is not None and (former.couchdb.facts.url, former.couchdb.prefix) == (facts.url, facts.prefix):
            former.couchdb = hook
            return former
        return AccountMirror(hook, self._line, self._doctype)
