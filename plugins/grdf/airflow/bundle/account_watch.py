"""Which accounts CouchDB holds, for somebody who cannot wait: the DAG processor's loop."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any

from grdf.airflow.account_list import AccountList, no_database
from grdf.stores.account_mirror import AccountMirror, KeptMirror
from grdf.stores.account_store import listing_problem
from include.gas.account.sections.marks import leaving

AT_MOST = 1.0
"""Seconds that a look may take. CouchDB takes some milliseconds; a slow one answers the next look."""
GIVEN_UP = 60.0
"""Seconds after which an answer is no longer waited for."""


class AccountWatch:
    """A mirror of the accounts that is brought up to date beside its caller."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._began = 0.0
        self._said: list[AccountList | Exception] = []
        self._start_over()

    def look(self, at_most: float = AT_MOST) -> AccountList | None:
        """Return the accounts of now; ``None`` if CouchDB has not answered yet.

        :param at_most: seconds to wait
        :raises GasError: if CouchDB cannot be asked, or refuses
        """
        if self._thread is not None and time.monotonic() - self._began > GIVEN_UP:
            self._start_over()
        if self._thread is None:
            mirror = self._mirror.get()  # here, because it asks Airflow and imports the client
            self._said = []
            self._thread = Thread(target=_ask, args=(mirror, self._said), name="accounts", daemon=True)
            self._began = time.monotonic()
            self._thread.start()
        self._thread.join(at_most)
        if self._thread.is_alive():
            return None
        self._thread = None
        said = self._said.pop()
        if isinstance(said, Exception):
            raise said
        return said

    def _start_over(self) -> None:
        """Forget the mirror, whose lock the thread may hold, and the thread."""
        self._thread = None
        self._mirror = KeptMirror(_line, patience=0)


def _line(document: dict[str, Any]) -> str | None:
    """Return why an account cannot have a DAG, ``""`` if it can; ``None`` for one that is leaving."""
    return None if leaving(document) is not None else listing_problem(document) or ""


def _ask(mirror: AccountMirror[str], said: list[AccountList | Exception]) -> None:
    try:
        lines = mirror.lines()
        if not mirror.has_database:
            raise no_database(mirror.couchdb)
        ids = tuple(sorted(account for account, problem in lines.items() if not problem))
        said.append(AccountList(ids, {account: problem for account, problem in lines.items() if problem}))
    except Exception as error:  # noqa: BLE001 - raised again where it can be told
        said.append(error)
