"""The accounts of a CouchDB in memory: one line each, without secrets, updated on each look.

A look asks for the database's state (``GET /db``), and only if it has changed for ``_changes``. These lack purged
documents: if the number of documents differs, all is read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable

QUICK = (2.0, 8.0)
"""Seconds for connecting and for each read: a person waits."""

BATCH = 2000
"""Changes per response of ``_changes``."""

KEPT = 60.0
"""Seconds after which the hook is replaced, so that a changed connection takes effect."""

Line = TypeVar("Line")


class AccountMirror(Generic[Line]):
    """One line per account of the CouchDB that the connection ``couchdb`` names."""

    def __init__(
        self, line: Callable[[dict[str, Any]], Line | None], *, patience: int = 0, doctype: str = ACCOUNT
    ) -> None:
        self._line, self._patience, self._doctype = line, patience, doctype
        self._lock = threading.Lock()
        self._hook: CouchDBHook | None = None
        self._hook_until = 0.0
        self.has_database = False
        self._state: Mapping[str, Any] | None = None
        self._place = ("", "")
        self._known: dict[str, Line | None] = {}
        self._lines: Mapping[str, Line] | None = None
        self._since: str | int = 0

    @property
    def couchdb(self) -> CouchDBHook:
        """The hook, without a request to CouchDB; ``GasError`` if the connection cannot be used."""
        if self._hook is None or time.monotonic() > self._hook_until:
            self._hook = CouchDBHook(timeout=QUICK, patience=self._patience)
            self._hook_until = time.monotonic() + KEPT
        return self._hook

    def lines(self) -> Mapping[str, Line]:
        """Return our accounts' lines by id, the same mapping while unchanged; ``GasError`` without CouchDB."""
        if not self._lock.acquire(timeout=sum(QUICK)):
            raise ServiceUnavailable.about(
                None, "CouchDB is too slow: others are already waiting for the list of accounts"
            )
        try:
            self._refresh(self.couchdb)
            if self._lines is None:
                self._lines = {account: line for account, line in self._known.items() if line is not None}
            return self._lines
        finally:
            self._lock.release()

    def _refresh(self, hook: CouchDBHook) -> None:
        state = hook.request_json("GET", self._doctype, "") or {}
        self.has_database = bool(state)
        place = hook.facts.url, hook.facts.prefix
        if state == self._state and place == self._place:
            return
        if not state or place != self._place:
            self._forget()
        self._state, self._place = None, place  # unknown if this fails half-way
        if state:
            self._follow(hook)
            if len(self._known) != state.get("doc_count"):
                self._forget()
                self._follow(hook)
        self._state = state

    def _follow(self, hook: CouchDBHook) -> None:
        last: str | int | None = None
        while last != self._since:  # an answer without changes ends where it began
            last = self._since
            changes, self._since = hook.changes(self._doctype, last, BATCH)
            for row in changes:
                self._take(row["id"], None if row.get("deleted") else row.get("doc"))
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
