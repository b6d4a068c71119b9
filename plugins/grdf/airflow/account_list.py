"""The accounts that have a DAG, for the DAG file that asks for them itself, where no bundle writes files for them.

Airflow reads the file every 30 s. So the look-up has one short time limit, and if CouchDB does not answer, the last
answer keeps every account's DAG in place. That is a file with ids and nothing else.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.staging.files import write_private
from include.gas.account.sections.marks import leaving
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

log = logging.getLogger(__name__)

TIMEOUT = (2.0, 8.0)
"""Seconds for connecting and for each read. Airflow allows 30 s for a DAG file."""


def has_bundle() -> bool:
    """Return whether a bundle writes files for the accounts."""
    from airflow.sdk import conf

    return "grdf.airflow.bundle.account_bundle." in conf.get("dag_processor", "dag_bundle_config_list", fallback="")


def known_accounts() -> tuple[str, ...]:
    """Return the ids of the accounts that have a DAG: CouchDB's answer, otherwise its last one.

    :raises ServiceUnavailable: if it does not answer and never did. Airflow reports an import error
    """
    path = settings.state_folder() / "accounts.json"
    try:
        accounts = _asked()
    except Exception as error:
        kept = _kept(path)
        if kept is None:
            raise ServiceUnavailable.about(
                None,
                f"the accounts could not be read, and there is no earlier list of them: {str(error).rstrip('.')}",
                "Their DAGs come back automatically, with their runs, once CouchDB answers.",
            ) from error
        log.warning("The DAGs of %d accounts stay as they were. %s", len(kept), error)
        return kept
    if accounts != _kept(path):
        try:
            write_private(path, json.dumps(accounts))
        except OSError as error:
            log.warning("The list of accounts could not be kept at %s (%s).", path, error.strerror)
    return accounts


def what_prevents_dag(document: dict[str, Any]) -> str | None:
    """Return why an account cannot have a DAG, "" if it can; ``None`` for one that is leaving.

    :param document: the account's document
    """
    from grdf.stores.accounts.account_store import listing_problem

    return None if leaving(document) is not None else listing_problem(document) or ""


def _asked() -> tuple[str, ...]:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.accounts.account_store import AccountStore

    hook = CouchDBHook(timeout=TIMEOUT, patience=0)
    documents = list(AccountStore(hook).every_of_ours())
    if not documents and not hook.has_database(ACCOUNT):
        raise no_database(hook)
    return tuple(document["_id"] for document in documents if what_prevents_dag(document) == "")


def no_database(hook: CouchDBHook, *doctypes: str) -> ServiceUnavailable:
    """Return the error for missing databases, which may be restored just now: that must not remove DAGs.

    :param doctypes: what they are for; by default, for accounts
    """
    names = ", ".join(doctypes or (ACCOUNT,))
    return ServiceUnavailable.about(
        account=None, cause=f"CouchDB has no database for {names} (connection {hook.couchdb_conn_id})"
    )


def _kept(path: Path) -> tuple[str, ...] | None:
    try:
        return tuple(map(str, json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return None
