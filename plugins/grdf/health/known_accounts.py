"""The accounts that the check of health has seen, in an Airflow Variable: a CouchDB that lost them cannot tell.

It contains ids, and days of those whose documents do not say since when they wait. The ids are not updated while
accounts are missing, so the check stays red until they are back or a person removes the Variable. The account list
forgets what is gone a day later.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from grdf.stores import shared_list
from include.gas.days.gas_day import ONE_DAY
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.gas_days import database_name
from include.gas.health.vanished import vanished

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

VARIABLE = "grdf_health_known"
"""Name of the Variable."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What former checks have seen.

    :param ids: the accounts that there were; ``None`` if there was no check
    :param waiting: when accounts that should be read and name no moment were first seen, by id
    """

    ids: Set[str] | None = None
    waiting: Mapping[str, date] = field(default_factory=dict)


def waiting(couchdb: CouchDBHook, today: date) -> Mapping[str, date]:
    """Return when accounts that should be read and name no moment were first seen, by id.

    A day later than tomorrow was noted by a clock that was ahead. It counts as unknown.

    :param couchdb: the hook for the CouchDB that holds the accounts
    :param today: civil date in Paris
    :raises BadSettings: if the connection to CouchDB is incomplete
    """
    couchdb.get_conn()  # which knows the prefix of the databases; nothing is sent
    return {account: day for account, day in _read(couchdb).waiting.items() if day <= today + ONE_DAY}


def lost(
    couchdb: CouchDBHook, present: Set[str], waits: Mapping[str, date] | None = None
) -> tuple[Mapping[str, str], int]:
    """Return the accounts that are gone and should not be, see :func:`vanished`. If none is, remember those present.

    :param couchdb: the hook for the CouchDB that holds the accounts
    :param present: the accounts that it holds
    :param waits: those that should be read and name no moment, with the day on which each was first seen
    """
    seen, waits = _read(couchdb), waits or {}
    gone, known = vanished(present, seen.ids, _listed(), lambda ids: couchdb.deleted(ACCOUNT, ids))
    of_gone = {account: day for account, day in seen.waiting.items() if account in gone}
    now = Seen(seen.ids if gone else present, {**of_gone, **waits})
    if now.ids is not None and now != seen:
        _write(couchdb, now)
    return gone, known


def forget(couchdb: CouchDBHook, account: str) -> None:
    """Say that an account was deleted, so that the next check does not miss it.

    This never raises. If it fails, the check may call a person for an account that has left.
    """
    seen = _read(couchdb)
    if account in (seen.ids or ()) or account in seen.waiting:
        left = {name: day for name, day in seen.waiting.items() if name != account}
        _write(couchdb, Seen((seen.ids or set()) - {account}, left))


def _read(couchdb: CouchDBHook) -> Seen:
    found = shared_list.read(VARIABLE)
    try:
        # Those of other databases are not missed: somebody has led the connection elsewhere.
        if not found or found[0]["of"] != database_name(ACCOUNT, couchdb.prefix):
            return Seen()
        return Seen(set(map(str, found[0]["ids"])), dict(_days(found[0].get("waiting"))))
    except (KeyError, TypeError, AttributeError):
        return Seen()


def _days(told: Any) -> Iterator[tuple[str, date]]:
    """Yield the account and the day of each entry that can be read. A former version has noted none."""
    for account, day in told.items() if isinstance(told, dict) else ():
        with suppress(ValueError, TypeError):
            yield account, date.fromisoformat(day)


def _write(couchdb: CouchDBHook, seen: Seen) -> None:
    from airflow.sdk import Variable

    told: dict[str, Any] = {"of": database_name(ACCOUNT, couchdb.prefix), "ids": sorted(seen.ids or ())}
    if seen.waiting:
        told["waiting"] = {account: day.isoformat() for account, day in sorted(seen.waiting.items())}
    text = shared_list.packed(told, time.time())
    try:
        Variable.set(VARIABLE, text, description="The accounts (ids) that grdf_health has seen and would miss.")
    except Exception as error:  # noqa: BLE001 - the check has its verdict without it
        log.warning("The Airflow Variable %s cannot be written (%s).", VARIABLE, type(error).__name__)


def _listed() -> Set[str]:
    found = shared_list.read()
    try:
        return set(map(str, found[0]["ids"])) if found else set()
    except (KeyError, TypeError):
        return set()
