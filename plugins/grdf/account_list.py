"""Which accounts have a DAG: one short look-up in CouchDB per parse, with the last good copy on disk behind it.

Airflow reads DAG files every few minutes, in several processes. So the list is asked for with short time limits and
no patience, a fresh copy on disk is used instead of asking again, and when CouchDB does not answer the last good
copy keeps every account's DAG where it was. The copy holds ids and nothing else.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grdf import settings
from grdf.files import write_private
from include.gas.documents import account_of
from include.gas.errors import BadSettings, GasError, ServiceUnavailable

log = logging.getLogger(__name__)

LOOK_UP = (2.0, 8.0)
"""Seconds for connecting and for an answer: Airflow gives a DAG file 30 s in all."""


@dataclass(frozen=True)
class AccountList:
    """The accounts that CouchDB held at some moment.

    :param ids: ids that have a DAG, sorted
    :param broken: accounts that cannot have one, each with the reason
    """

    ids: tuple[str, ...] = ()
    broken: Mapping[str, str] = field(default_factory=dict)


def accounts_to_build() -> tuple[str, ...]:
    """Give the ids whose DAGs this process needs, sorted.

    A worker needs the one it runs, and learns its id from Airflow's parsing context (Airflow doc, "Dynamic Dag
    Generation"): it asks nobody. The DAG processor needs all of them.
    """
    from airflow.sdk import get_parsing_context

    dag_id = get_parsing_context().dag_id
    if dag_id is None:
        return known_accounts().ids
    account = account_of(dag_id)
    return (account,) if account else ()  # none: another file's DAG


def known_accounts() -> AccountList:
    """Give the account list: a fresh copy, else CouchDB's word, else the last good copy."""
    path = settings.home() / "accounts.json"
    copy, age = _read_copy(path)
    if copy is not None and 0 <= age <= settings.accounts_max_age():  # below 0: somebody set the clock back
        return copy
    try:
        current = _ask()
    except GasError as error:
        if copy is None:
            log.warning("No account has a DAG yet, since the account list could not be read. %s", error)
            return AccountList()
        log.warning("The DAGs of %d accounts stay as they were %.0f s ago. %s", len(copy.ids), age, error)
        return copy
    _write_copy(path, current)
    return current


def _ask() -> AccountList:
    from grdf.hooks.accounts import AccountStore, listing_problem
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents import ACCOUNT

    try:
        hook = CouchDBHook(timeout=LOOK_UP, patience=0)
        ids, broken = [], {}
        for document in AccountStore(hook).listed():
            if problem := listing_problem(document):
                broken[document["_id"]] = problem
            else:
                ids.append(document["_id"])
        if not ids and not broken and not hook.has_database(ACCOUNT):
            # A database being restored or moved is no reason for DAGs to go; an empty one is.
            raise ServiceUnavailable.about(
                account=None, cause=f"CouchDB has no database for {ACCOUNT} (connection {hook.couchdb_conn_id})"
            )
    except GasError:
        raise
    except Exception as error:  # no connection of that name, or one that cannot be read
        raise BadSettings.about(
            account=None,
            cause=f"the Airflow connection {CouchDBHook.default_conn_name} cannot be used ({type(error).__name__})",
            next_step="Create it under Admin, Connections.",
        ) from error
    return AccountList(tuple(sorted(ids)), broken)


def _read_copy(path: Path) -> tuple[AccountList | None, float]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - path.stat().st_mtime
        return AccountList(tuple(map(str, data["ids"])), dict(data["broken"])), age
    except FileNotFoundError:
        return None, 0.0
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning(
            "The copy of the account list at %s cannot be read (%s) and is made anew.", path, type(error).__name__
        )
        return None, 0.0


def _write_copy(path: Path, accounts: AccountList) -> None:
    try:
        write_private(path, json.dumps({"ids": accounts.ids, "broken": dict(accounts.broken)}))
    except OSError as error:
        log.warning(
            "The account list could not be kept at %s (%s): CouchDB is asked at each parse.", path, error.strerror
        )
