"""Which accounts CouchDB holds, for somebody who cannot wait: the DAG processor's loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from threading import Thread
from typing import Any

from grdf.airflow.account_list import AccountList, no_database
from grdf.stores.accounts.account_mirror import AccountMirror, KeptMirror
from grdf.stores.accounts.account_store import listing_problem
from include.gas.account.sections.marks import leaving
from include.gas.errors import GasError, ServiceUnavailable

log = logging.getLogger(__name__)

AT_MOST = 1.0
"""Seconds that a look may take. CouchDB takes some milliseconds; a slow one answers the next look."""
GIVEN_UP = 60.0
"""Seconds without an answer of CouchDB after which it is no longer waited for."""


Latest = tuple[Mapping[str, str], AccountList]
"""The mirror's lines, and the list that was made of them."""


class AccountWatch:
    """A mirror of the accounts that is brought up to date beside its caller."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._alive_at = 0.0
        self._answers = 0
        self._was_given_up = False
        self._said: list[Latest | GasError] = []
        self._asked: AccountMirror[str] | None = None
        self._latest: Latest = {}, AccountList()
        self._start_over()

    def look(self, at_most: float = AT_MOST) -> AccountList | None:
        """Return the accounts of now; ``None`` if CouchDB has not answered yet.

        While nothing has changed it is the very same list.

        :param at_most: seconds to wait
        :raises GasError: if CouchDB cannot be asked, or refuses
        """
        if self._thread is not None:
            self._give_up()
        if self._thread is None:
            self._asked = self._mirror.get()  # here, because it asks Airflow and imports the client
            self._said, self._answers = [], self._asked.answers
            self._thread = Thread(
                target=_ask, args=(self._asked, self._latest, self._said), name="accounts", daemon=True
            )
            self._alive_at = time.monotonic()
            self._thread.start()
        self._thread.join(at_most)
        if self._thread.is_alive():
            return None
        self._thread, self._was_given_up = None, False
        said = self._said.pop()
        if isinstance(said, GasError):
            raise said
        self._latest = said
        return said[1]

    def _give_up(self) -> None:
        """Begin again if there was no answer for a long time. Many accounts may take longer at first."""
        if self._asked is not None and self._asked.answers != self._answers:
            self._answers, self._alive_at = self._asked.answers, time.monotonic()
        if time.monotonic() - self._alive_at <= GIVEN_UP:
            return
        if not self._was_given_up:
            log.warning("CouchDB did not answer for %.0f s. The accounts' DAGs stay until it does.", GIVEN_UP)
        self._was_given_up = True
        self._start_over()

    def _start_over(self) -> None:
        """Forget the mirror, whose lock the thread may hold, and the thread."""
        self._thread = None
        self._mirror = KeptMirror(_line, patience=0)
        self._asked = None


def _line(document: dict[str, Any]) -> str | None:
    """Return why an account cannot have a DAG, ``""`` if it can; ``None`` for one that is leaving."""
    return None if leaving(document) is not None else listing_problem(document) or ""


def _ask(mirror: AccountMirror[str], latest: Latest, said: list[Latest | GasError]) -> None:
    try:
        lines = mirror.lines()
        if not mirror.has_database:
            raise no_database(mirror.couchdb)
        if lines is latest[0]:
            said.append(latest)
            return
        ids = tuple(sorted(account for account, problem in lines.items() if not problem))
        broken = {account: problem for account, problem in lines.items() if problem}
        said.append((lines, AccountList(ids, broken)))
    except GasError as error:
        said.append(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is about what CouchDB has said
        kind = type(error).__name__
        said.append(ServiceUnavailable.about(None, f"CouchDB's answer about the accounts cannot be used ({kind})"))
