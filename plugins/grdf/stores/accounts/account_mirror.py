"""The accounts of a CouchDB in memory, brought up to date each time they are read.

Reading thousands of documents each time would be too slow. So a process keeps one line per account, without secrets. A
look asks CouchDB for the state of the database (``GET /db``), and only if that has changed for the documents that have
(``_changes``).

``_changes`` does not report documents that were purged, as by a deletion here. Then the number of documents is another
one, and all is read again.
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
"""Seconds for connecting and for each read. They are short because somebody is waiting for it."""

BATCH = 2000
"""Number of changes per response of ``_changes``."""

KEPT = 60.0
"""Seconds after which the hook is replaced, so that a changed Airflow connection takes effect without a restart."""

Line = TypeVar("Line")


class AccountMirror(Generic[Line]):
    """One line per account of the CouchDB that the Airflow connection ``couchdb`` names now.

    :param line: what to keep of an account's document; ``None`` leaves the account out
    :param patience: how often a request is sent again when CouchDB is busy or restarting
    :param doctype: of the documents that are mirrored, which may be others than accounts
    """

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
        """The hook. This may ask Airflow for the connection, but sends nothing to CouchDB.

        :raises GasError: if the connection cannot be used
        """
        if self._hook is None or time.monotonic() > self._hook_until:
            self._hook = CouchDBHook(timeout=QUICK, patience=self._patience)
            self._hook_until = time.monotonic() + KEPT
        return self._hook

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
        self._state, self._place = None, place  # whose state is not known if this fails half-way
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
            query = {"since": last, "limit": BATCH, "include_docs": "true"}
            answer = hook.request_json("GET", self._doctype, "/_changes", query=query) or {}
            changes, end = answer.get("results"), answer.get("last_seq")
            if not isinstance(changes, list) or not isinstance(end, str | int):
                raise ServiceUnavailable.about(None, "CouchDB's answer about the accounts has no changes or no end")
            self._since = end
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
