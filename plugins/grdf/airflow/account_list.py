"""The accounts that have a DAG: one short look-up in CouchDB per parse, with the last good list as a fallback.

Airflow parses DAG files every few minutes, in several processes. So the whole look-up has one short time limit, a fresh
copy on disk is used instead of asking again, and if CouchDB does not answer, the last good list keeps every account's
DAG in place. That list is on disk and, for a machine that has no copy yet or an old one, in an Airflow Variable
(``grdf.stores.shared_list``). It contains ids and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

from grdf import dag_settings, settings
from grdf.staging.files import write_private
from grdf.stores import shared_list
from include.gas.days.gas_day import PARIS
from include.gas.documents.gas_days import account_of
from include.gas.errors import BadSettings, GasError, ServiceUnavailable
from include.gas.meter_tag import without_numbers
from include.gas.redact import excerpt

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

log = logging.getLogger(__name__)

LOOK_UP = (2.0, 8.0)
"""Seconds for connecting and for each read."""
WITHIN = 10.0
"""Seconds for the whole look-up, however slowly CouchDB sends its answers. Airflow allows 30 s for a whole DAG file."""
FEW = 10
"""How many accounts, or else a fifth of them, may disappear between two look-ups without being considered an
accident."""
LOOK_AGAIN = 86_400.0
"""Seconds after which an unchanged list is compared with the Airflow Variable again. The first call in a process takes
seconds, because Airflow imports its API."""
RECENT = 3600.0
"""Seconds for which a copy on disk is used without comparing it with the Variable if CouchDB does not answer."""
NAMED = 20
"""How many accounts that cannot have a DAG are named at most: whoever made hundreds of them made the same mistake."""
GRACE = 86_400.0
"""Seconds for which DAGs are kept if their accounts disappeared all at once: time to notice, and to restore a
database."""


@dataclass(frozen=True)
class AccountList:
    """The accounts that CouchDB held at some moment.

    :param ids: ids of the accounts that have a DAG, sorted
    :param broken: accounts that cannot have one, each with the reason
    :param missing: how many of the ids are no longer in CouchDB; they disappeared all at once, so they are kept for a
        while
    :param missing_since: when that was first noticed (epoch seconds)
    :param shared_at: when this list was last found in or written to the Variable that all machines share (epoch
        seconds)
    :param unshared: whether the list is on disk alone: the DAG processor wrote it, or the Variable could not be written
    """

    ids: tuple[str, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    missing_since: float = 0.0
    shared_at: float = field(default=0.0, compare=False)
    unshared: bool = field(default=False, compare=False)

    def after(self, last: AccountList, now: float) -> AccountList:
        """Return this list plus the accounts of the last one that disappeared too suddenly to be believed at once.

        :param last: the previous list
        :param now: the present (epoch seconds)
        """
        gone = set(last.ids) - set(self.ids) - set(self.broken)
        sudden = len(gone) - last.missing > max(FEW, len(last.ids) // 5)
        # A second accident has a day of its own. A moment in the future: the clock was set back since.
        since = now if sudden or not last.missing else min(last.missing_since, now)
        if not gone or not (sudden or last.missing) or now - since >= GRACE:
            return self
        return replace(self, ids=tuple(sorted({*self.ids, *gone})), missing=len(gone), missing_since=since)

    def as_json(self) -> dict[str, Any]:
        """Return the list as JSON to be stored."""
        seen = {"missing": self.missing, "missing_since": self.missing_since} if self.missing else {}
        return {"ids": list(self.ids), "broken": dict(self.broken), **seen}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Return a stored list.

        :param data: as returned by :meth:`as_json`
        :raises ValueError, KeyError, TypeError: if it is anything else
        """
        ids, broken = tuple(map(str, data["ids"])), dict(data["broken"])
        missing, since = int(data.get("missing", 0)), float(data.get("missing_since", 0.0))
        return cls(ids, broken, missing, since, float(data.get("shared_at", 0.0)), bool(data.get("unshared")))


def accounts_to_build() -> tuple[str, ...]:
    """Return the ids whose DAGs this process needs, sorted.

    A worker needs only the DAG that it runs, whose id it learns from Airflow's parsing context without asking anyone
    (Airflow doc, "Dynamic Dag Generation"). The DAG processor needs all of them.
    """
    from airflow.sdk import get_parsing_context

    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        return known_accounts().ids
    account = account_of(dag_id)
    return (account,) if account else ()  # no account: a DAG of another file


def known_accounts() -> AccountList:
    """Return the account list: a fresh copy, otherwise CouchDB's answer, otherwise the last good list.

    :raises ServiceUnavailable: if CouchDB does not answer and no list was ever stored. Airflow reports an import error
        and deactivates the file's DAGs, with all their runs, until the file is parsed again. An empty list would
        deactivate them, too, but without any report.
    """
    path = settings.home() / "accounts.json"
    copy, age = _read_copy(path)
    now = time.time()
    if copy is not None and 0 <= age <= dag_settings.accounts_max_age():  # below 0: the clock was set back
        if copy.unshared or (copy.shared_at and not 0 <= now - copy.shared_at < LOOK_AGAIN):
            _share(path, copy, now)
        return copy
    try:
        current = _ask()
    except GasError as error:
        return _last_good(copy, now - age, error)
    if copy is not None and current.after(copy, now) == copy and 0 <= now - copy.shared_at < LOOK_AGAIN:
        current = copy
    else:
        current = _shared(current, copy, now - age, now)
    if current.missing:
        log.warning(
            "%d accounts vanished from CouchDB all at once; their DAGs stay for a day, in case the database is "
            "being restored.",
            current.missing,
        )
    _write_copy(path, current)
    return current


def keep_current(current: AccountList, recent: Collection[str] = ()) -> AccountList | None:
    """Keep what CouchDB holds now as the copy on disk, so that the DAG files need not ask.

    The DAG processor does this between its passes, where it cannot write Variables; the next DAG file that is read
    does. The first copy on a machine is left to the DAG files, because only they compare it with the Variable.

    :param current: what CouchDB has just said
    :param recent: accounts that there were a short while ago. Many that vanish one by one have vanished at once, too
    :return: the list by which the DAGs should exist; ``None`` if there is no copy yet
    """
    path = settings.home() / "accounts.json"
    copy, _ = _read_copy(path)
    if copy is None:
        return None
    kept = current.after(replace(copy, ids=tuple(sorted({*copy.ids, *recent}))), time.time())
    if kept != copy:
        _write_copy(path, replace(kept, unshared=True))
    else:
        keep_fresh()
    return kept


def keep_fresh() -> bool:
    """Say by the copy's time that it is what CouchDB holds now. Return ``False`` if there is none, or it has no time.

    Then the DAG files ask CouchDB themselves.
    """
    try:
        os.utime(settings.home() / "accounts.json")
    except OSError:
        return False
    return True


def _share(path: Path, copy: AccountList, now: float) -> None:
    """Share a list that the DAG processor wrote to disk with all machines."""
    shared = _shared(copy, copy, now, now)
    if _read_copy(path)[0] == copy:  # the DAG processor has not written a newer one meanwhile
        _write_copy(path, replace(copy, shared_at=shared.shared_at, unshared=not shared.shared_at))


def _shared(current: AccountList, copy: AccountList | None, copied_at: float, now: float) -> AccountList:
    """Compare a list with the last one, and share it with all machines."""
    shared = _read_shared()
    if last := _later(copy, copied_at, shared):
        current = current.after(last[0], now)
    kept = shared_list.write(current.as_json(), at=now, before=shared[0].as_json() if shared else None)
    return replace(current, shared_at=now if kept else 0.0, unshared=not kept)


def what_is_wrong(accounts: AccountList) -> str:
    """Return what a person should know about the list, as text; empty if all is well."""
    said = []
    if accounts.missing:
        until = datetime.fromtimestamp(accounts.missing_since + GRACE, UTC).astimezone(PARIS)
        said.append(
            f"{accounts.missing} account(s) vanished from CouchDB all at once. Their DAGs stay until "
            f"{until:%H:%M on %-d %B} (Paris time), in case the database is being restored. If the accounts were "
            "removed on purpose, there is nothing to do."
        )
    if accounts.broken:
        said.append(f"{len(accounts.broken)} account(s) in CouchDB cannot have a DAG; all others run as usual.")
        named = sorted(accounts.broken.items())[:NAMED]
        said += [f"[{_quoted(repr(name), 60)}: {_quoted(reason, 200)}]" for name, reason in named]
        if len(accounts.broken) > NAMED:
            said.append(f"These are {NAMED} of them; the next are named once these are corrected.")
    return " ".join(said)


def _quoted(text: str, limit: int) -> str:
    """Return text that may hold anything, since whoever writes to CouchDB chooses ids: a meter's number, an address.

    Both are hidden before it is cut, since a part of one would not be recognised.
    """
    return excerpt(without_numbers(text), limit)


def _last_good(copy: AccountList | None, copied_at: float, error: GasError) -> AccountList:
    """Return the last known list because CouchDB does not answer."""
    recent = copy is not None and 0 <= time.time() - copied_at < RECENT
    last = _later(copy, copied_at, None if recent else _read_shared())
    if last is None:
        raise ServiceUnavailable.about(
            None,
            f"the account list could not be read, and there is no earlier copy of it: {str(error).rstrip('.')}",
            "The DAGs of all accounts come back automatically, with their runs, once CouchDB answers.",
        ) from error
    log.warning(
        "The DAGs of %d accounts stay as they were %.0f s ago. %s", len(last[0].ids), time.time() - last[1], error
    )
    return last[0]


def _later(
    copy: AccountList | None, copied_at: float, shared: tuple[AccountList, float] | None
) -> tuple[AccountList, float] | None:
    """Return the later of two lists. The shared one is written when the list changes, the copy at each look-up."""
    if copy is not None and (shared is None or copied_at >= shared[1]):
        return copy, copied_at
    return shared


def _read_shared() -> tuple[AccountList, float] | None:
    found = shared_list.read()
    try:
        return (AccountList.from_json(found[0]), found[1]) if found else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _ask() -> AccountList:
    """Ask CouchDB, and wait at most :data:`WITHIN` seconds in total, including the resolution of its host name."""
    from grdf.hooks.couchdb import CouchDBHook

    hook = CouchDBHook(timeout=LOOK_UP, patience=0)
    try:
        hook.get_conn()  # here, because it asks Airflow; nothing is sent
    except GasError:
        raise
    except Exception as error:  # the connection cannot be read
        raise _unusable(error) from error
    return _within(WITHIN, lambda: _asked(hook))


def _within(seconds: float, ask: Callable[[], AccountList]) -> AccountList:
    """Run a function with a time limit. If the limit is exceeded, the function's later result is discarded."""
    results: list[AccountList] = []
    errors: list[GasError] = []

    def work() -> None:
        try:
            results.append(ask())
        except GasError as error:
            errors.append(error)

    thread = Thread(target=work, name="account list", daemon=True)
    thread.start()
    thread.join(seconds)
    if results:
        return results[0]
    if errors:
        raise errors[0]
    raise ServiceUnavailable.about(None, f"CouchDB did not return the account list within {seconds:g} s")


def _asked(hook: CouchDBHook) -> AccountList:
    from grdf.stores.accounts.account_store import AccountStore, listing_problem
    from include.gas.documents.doctypes import ACCOUNT

    try:
        ids, broken = [], {}
        for document in AccountStore(hook).listed():
            if problem := listing_problem(document):
                broken[document["_id"]] = problem
            else:
                ids.append(document["_id"])
        if not ids and not broken and not hook.has_database(ACCOUNT):
            raise no_database(hook)
    except GasError:
        raise
    except Exception as error:
        raise _unusable(error) from error
    return AccountList(tuple(sorted(ids)), broken)


def no_database(hook: CouchDBHook) -> ServiceUnavailable:
    """Return the error for a missing database, which may be restored just now: that must not remove DAGs."""
    from include.gas.documents.doctypes import ACCOUNT

    return ServiceUnavailable.about(
        account=None, cause=f"CouchDB has no database for {ACCOUNT} (connection {hook.couchdb_conn_id})"
    )


def _unusable(error: Exception) -> BadSettings:
    return BadSettings.about(
        account=None,
        cause=f"the Airflow connection couchdb cannot be used ({type(error).__name__})",
        next_step="Create it under Admin, Connections.",
    )


def _read_copy(path: Path) -> tuple[AccountList | None, float]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
        copy = AccountList.from_json(data)
    except FileNotFoundError:
        return None, 0.0
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _tell_once(
            "reading",
            f"The copy of the account list at {path} cannot be read ({type(error).__name__}) and is written again.",
        )
        return None, 0.0
    _told.pop("reading", None)
    return copy, age


def _write_copy(path: Path, accounts: AccountList) -> None:
    try:
        shared = {"shared_at": accounts.shared_at} if accounts.shared_at else {}
        unshared = {"unshared": True} if accounts.unshared else {}
        write_private(path, json.dumps(accounts.as_json() | shared | unshared))
    except OSError as error:
        _tell_once(
            "writing",
            f"The account list could not be stored at {path} ({error.strerror}): CouchDB is asked at each parse.",
        )
    else:
        _told.pop("writing", None)


def _tell_once(what: str, text: str) -> None:
    """Log a warning, but not again while nothing has changed: the DAG processor comes here every few seconds."""
    if _told.get(what) != text:
        log.warning("%s", text)
    _told[what] = text


_told: dict[str, str] = {}
