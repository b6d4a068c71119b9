"""The accounts that have a DAG, for installations without the bundle.

Airflow reads the file every 30 s, so the look-up has a short time limit; without an answer of CouchDB, a local copy of
the ids keeps the DAGs.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grdf import settings
from grdf.staging.files import write_private
from include.gas.account.marks import has_withdrawn, leaving_asker
from include.gas.documents.day_documents import ACCOUNT_ID
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import ServiceUnavailable

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.accounts.account_mirror import AccountMirror

log = logging.getLogger(__name__)


def has_bundle() -> bool:
    """Return whether a bundle writes files for the accounts."""
    from airflow.sdk import conf

    return "grdf.airflow.bundle.account_bundle." in conf.get("dag_processor", "dag_bundle_config_list", fallback="")


def known_accounts() -> tuple[str, ...]:
    """Return the ids of the accounts with a DAG, now or by the last answer; otherwise ``ServiceUnavailable``."""
    from grdf.stores.accounts.account_mirror import AccountMirror

    path = settings.state_folder() / "accounts.json"
    try:
        accounts = tuple(sorted(accounts_with_dag(AccountMirror(id_if_listed))))
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


def id_if_listed(document: dict[str, Any]) -> str | None:
    """Return an account's id; ``None`` if its deletion has begun or its id cannot be in a DAG's."""
    account, has_dag = str(document["_id"]), leaving_asker(document) is None or has_withdrawn(document)
    return account if has_dag and ACCOUNT_ID.fullmatch(account) else None


def accounts_with_dag(mirror: AccountMirror[str]) -> Mapping[str, str]:
    """Return the accounts with a DAG, the same mapping while nothing has changed; ``GasError`` without CouchDB."""
    lines = mirror.lines()
    if not mirror.has_database:
        raise missing_databases_error(mirror.couchdb)
    return lines


def missing_databases_error(hook: CouchDBHook, *doctypes: str) -> ServiceUnavailable:
    """Return the error for missing databases. They may be about to be restored, so no DAG may go."""
    names = ", ".join(doctypes or (ACCOUNT,))
    return ServiceUnavailable.about(
        account=None, cause=f"CouchDB has no database for {names} (connection {hook.couchdb_conn_id})"
    )


def _kept(path: Path) -> tuple[str, ...] | None:
    try:
        return tuple(map(str, json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return None
