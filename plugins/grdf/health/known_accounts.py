"""The accounts that the check of health has seen, in an Airflow Variable: a CouchDB that lost them cannot tell.

It contains ids, and days of those whose documents do not say since when they wait. The ids are not updated while
accounts are missing, so the check stays red until they are back or a person removes the Variable.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
EARLIEST = date(2020, 1, 1)
"""Days before it were noted by a clock that stood still or began anew, and count as unknown."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What former checks have seen.

    :param ids: the accounts that there were; ``None`` if there was no check
    :param waiting: when accounts that should be read and name no moment were first seen, by id
    :param told: whether Airflow has told it; otherwise nothing is known, and nothing may be written over it
    """

    ids: Set[str] | None = None
    waiting: Mapping[str, date] = field(default_factory=dict)
    told: bool = True

    def since(self, today: date) -> Mapping[str, date]:
        """Return when accounts that should be read and name no moment were first seen, by id.

        A day later than tomorrow was noted by a clock that was ahead. It counts as unknown.

        :param today: civil date in Paris
        """
        return {account: day for account, day in self.waiting.items() if day <= today + ONE_DAY}


def seen_before(couchdb: CouchDBHook) -> Seen:
    """Return what former checks have seen. A check reads it once: what a second look shows may be something else.

    :param couchdb: the hook for the CouchDB that holds the accounts
    :raises BadSettings: if the connection to CouchDB is incomplete
    """
    couchdb.get_conn()  # which knows the prefix of the databases; nothing is sent
    return _read(couchdb)


def lost(
    couchdb: CouchDBHook, seen: Seen, present: Set[str], waits: Mapping[str, date] | None = None
) -> tuple[Mapping[str, str], int]:
    """Return the accounts that are gone and should not be, see :func:`vanished`. If none is, remember those present.

    If Airflow has not told what former checks have seen, none is missed. The next check does, since nothing is written.

    :param couchdb: the hook for the CouchDB that holds the accounts
    :param seen: what :func:`seen_before` returned
    :param present: the accounts that it holds
    :param waits: those that should be read and name no moment, with the day on which each was first seen
    """
    waits = waits or {}
    checked = seen.ids if seen.told else frozenset()
    gone, known = vanished(present, checked, lambda ids: couchdb.deleted(ACCOUNT, ids))
    if gone and seen.ids and (now_known := _read(couchdb).ids) is not None and not seen.ids <= now_known:
        # Deletions have ended while the accounts were read.
        seen = replace(seen, ids=seen.ids & now_known)
        gone, known = vanished(present, seen.ids, lambda ids: couchdb.deleted(ACCOUNT, ids))
    noted = {**seen.waiting, **{account: day for account, day in waits.items() if day >= EARLIEST}}
    kept = {account: day for account, day in noted.items() if account in gone or account in waits}
    now = Seen(seen.ids if gone else present, kept)
    if seen.told and now.ids is not None and now != seen:
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
    try:
        found = shared_list.read_surely(VARIABLE)
    except shared_list.NotTold as error:
        log.warning(
            "Airflow does not tell the Variable %s (%s), so it stays as it is. A check knows neither which accounts "
            "there were nor since when they wait; the next one tries again.", VARIABLE, error,
        )  # fmt: skip
        return Seen(told=False)
    try:
        # Those of other databases are not missed: somebody has led the connection elsewhere.
        if not found or found[0]["of"] != database_name(ACCOUNT, couchdb.prefix):
            return Seen()
        return Seen(set(map(str, found[0]["ids"])), dict(_days(found[0].get("waiting"))))
    except (KeyError, TypeError, AttributeError):
        return Seen()


def _days(told: Any) -> Iterator[tuple[str, date]]:
    """Yield the account and the day of each entry that can be used. A former version has noted none."""
    for account, text in told.items() if isinstance(told, dict) else ():
        with suppress(ValueError, TypeError):
            if (day := date.fromisoformat(text)) >= EARLIEST:
                yield account, day


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
