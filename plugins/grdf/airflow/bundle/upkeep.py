"""Which DAG files Airflow must read again so that every account has its DAG, and no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path

from grdf.airflow.account_list import AccountList, keep_current, keep_fresh, what_is_wrong
from grdf.airflow.bundle.account_watch import AccountWatch
from grdf.airflow.bundle.dag_files import DagFiles
from grdf.airflow.bundle.dag_rows import FILE_PREFIX, DagRows
from include.gas.days.spread import dag_file_of
from include.gas.documents.gas_days import account_of, dag_id
from include.gas.errors import GasError

log = logging.getLogger(__name__)

BROKEN = "grdf_broken_accounts.py"
COMPARE_FIRST, COMPARE_EVERY = 180.0, 60.0
"""Seconds until all DAGs in Airflow's database are first compared with the accounts, and between two times. At its
start the DAG processor reads all files anyway."""
AGAIN, AGAIN_AT_MOST = 15.0, 600.0
"""Seconds until a file is asked for again whose change Airflow's database does not show yet, doubled each time."""

RECENT = 120.0
"""Seconds over which accounts that vanish one by one are taken together."""
LASTED = 30.0
"""Seconds that an account must have been there to be missed. Those that GRDF refuses in an import are there for a few,
and their going is no accident."""
TRIES = 3
"""How often a file is asked for in vain because of a DAG of somebody else's, or to have a copy of the list made."""


@dataclass
class Open:
    """A DAG that Airflow should show and does not, or a file that it could not read.

    :param file: the file's path in the bundle
    :param due: when to ask for the file (seconds of a monotonic clock)
    :param wait: seconds until it is asked for again
    :param asked: how often it was asked for
    """

    file: str
    due: float
    wait: float = AGAIN
    asked: int = 0

    def is_due(self, now: float) -> bool:
        """Return whether to ask for the file now, and if so, note when to ask again."""
        if now < self.due:
            return False
        self.due, self.wait = now + self.wait, min(2 * self.wait, AGAIN_AT_MOST)
        self.asked += 1
        return True


class Upkeep:
    """Compares the accounts with what Airflow shows, and asks for the files that make the difference.

    Airflow may lose a request, for example while the very file is being read, and a pass whose results it cannot write
    takes a file's DAGs away. So what was asked for is looked at until it is there.

    :param bundle: name of the bundle that holds the DAG files
    :param folder: its folder
    """

    def __init__(self, bundle: str, folder: Path) -> None:
        self._files = DagFiles(folder)
        self._rows = DagRows(bundle)
        self._watch = AccountWatch()
        self._seen: dict[str, tuple[float, float]] = {}
        self._current: AccountList | None = None
        self._looked_at = 0.0
        self._wanted: frozenset[str] | None = None
        self._wrong = ""
        self._open: dict[str, Open] = {}
        self._in_vain: set[str] = set()
        self._compare_at = time.monotonic() + COMPARE_FIRST
        self._copy = Open(BROKEN, 0.0)
        self._kept: AccountList | None = None
        self._fails = False
        self._is_late = False

    def look(self) -> None:
        """Look once. Says in the log when CouchDB does not answer, and when it does again."""
        try:
            current = self._watch.look()
        except GasError as error:
            if not self._fails:
                log.warning("The accounts' DAGs stay as they are until CouchDB answers again. %s", error)
            self._fails = self._is_late = True
            return
        if current is None:
            self._is_late = True
            return
        if self._fails:
            log.info("CouchDB answers again: the accounts' DAGs follow its accounts.")
            self._fails = False
        now = time.monotonic()
        if self._is_late and self._wanted is None:
            self._compare_at = now  # the files may have been read before an account came that this first list has
        before, self._looked_at = self._looked_at, now
        if current is self._current and not self._open and now < self._compare_at and keep_fresh():
            return  # nothing has happened, which is so nearly always
        recent = self._recent(current, before, now)
        if (kept := keep_current(current, recent) or self._without_copy(current, recent, now)) is not None:
            self._kept = kept
            self._follow(kept, now)
        self._current = current

    def _recent(self, current: AccountList, before: float, now: float) -> set[str]:
        """Return the accounts that there were within the last :data:`RECENT` seconds, and not for a moment only.

        :param before: when CouchDB was looked at before; what was there then may not have been noted each time
        """
        at_first = now if self._seen else now - LASTED  # whatever was there when the first look came had been there
        for ids, at in ((self._current.ids if self._current else (), before), (current.ids, now)):
            for account in ids:
                self._seen[account] = self._seen.get(account, (at_first, at))[0], at
        self._seen = {account: times for account, times in self._seen.items() if now - times[1] <= RECENT}
        return {account for account, (since, until) in self._seen.items() if until - since >= LASTED}

    def _without_copy(self, current: AccountList, recent: Set[str], now: float) -> AccountList | None:
        """Have the copy of the list made, or follow the list without one if it cannot be made.

        Then the last look takes the copy's place, and at the first one what Airflow shows: an accident may be going on.
        """
        self._compare_at = now  # at a first start without CouchDB, no file could be read
        if self._copy.asked < TRIES:
            if self._copy.is_due(now):
                self._request({BROKEN})  # reading it makes the copy
            return None
        last = self._kept or AccountList(tuple(self._rows.accounts().values()))
        return current.after(replace(last, ids=tuple({*last.ids, *recent})), time.time())

    def _follow(self, accounts: AccountList, now: float) -> None:
        wanted, wrong = frozenset(map(dag_id, accounts.ids)), what_is_wrong(accounts)
        files = set()
        if self._wanted is not None:
            self._differs(wanted, self._wanted, now)
            if wrong != self._wrong:
                files |= {BROKEN}
        if now >= self._compare_at:
            self._compare(wanted, now)
            files |= {BROKEN} if (self._files.path(BROKEN) in self._rows.failed()) != bool(wrong) else set()
            self._compare_at = now + COMPARE_EVERY
        self._request(files, self._due(wanted, now))
        self._wanted, self._wrong = wanted, wrong

    def _compare(self, wanted: Set[str], now: float) -> None:
        self._differs(wanted, self._rows.accounts().keys(), now)
        lost, unread = self._rows.lost(), self._rows.failed() - {self._files.path(BROKEN)}
        self._in_vain &= lost.keys()
        for key, file in {**lost, **{file: file for file in unread}}.items():
            if key not in self._in_vain and self._files.is_there(file):
                self._open.setdefault(key, Open(file, now))

    def _differs(self, wanted: Set[str], shown: Set[str], now: float) -> None:
        if gone := shown - wanted:
            self._rows.retire(gone)
        for each in wanted - shown:
            account = account_of(each) or ""
            if file := self._files.path(f"{FILE_PREFIX}{dag_file_of(account)}.py"):
                self._open.setdefault(each, Open(file, now))

    def _due(self, wanted: Set[str], now: float) -> set[str]:
        """Return the files to ask for now. What Airflow shows is done with, and what it need not show any more."""
        if not self._open:
            return set()
        failed, shown = self._rows.failed(), self._rows.shown(self._open)
        for key, each in list(self._open.items()):
            is_account = account_of(key) is not None
            is_there = each.file not in failed and (key == each.file or key in shown)
            if is_there or (is_account and key not in wanted):
                del self._open[key]
            elif each.asked >= TRIES and not is_account and key != each.file:
                self._in_vain.add(key)  # the file has no such DAG any more: it was renamed
                del self._open[key]
        return {each.file for each in self._open.values() if each.is_due(now)}

    def _request(self, names: Set[str], paths: Set[str] = frozenset()) -> None:
        named = {path for name in names if (path := self._files.path(name))}
        self._rows.request(sorted(named | paths))
