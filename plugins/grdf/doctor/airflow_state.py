"""Checks of Airflow, by its database: the pool, import errors, and whether every account has a DAG that runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from grdf import settings
from grdf.airflow.command_line import has_database
from grdf.doctor.findings import Finding
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.accounts.account_store import AccountStore, listing_problem
from include.gas.documents.gas_days import DAG_PREFIX, dag_id
from include.gas.redact import redact_address

WHAT = "Airflow"
SILENT = timedelta(days=3)
MOST_NAMED = 5


def state() -> Iterator[Finding]:
    """Look at Airflow's database. Where it cannot be read from here, say so."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    if not has_database():
        yield Finding(WHAT, "unknown", "it has no database here", "Run this where the scheduler runs.")
        return
    try:
        from airflow.utils.session import create_session

        with create_session() as session:
            rows = {name: list(session.execute(text(query))) for name, query in _QUERIES.items()}
    except (SQLAlchemyError, ImportError, RuntimeError) as error:
        yield Finding(
            WHAT, "unknown", f"its database cannot be read from here ({type(error).__name__})",
            "Run this where the scheduler runs.",
        )  # fmt: skip
        return
    pool = settings.pool()
    if pool not in {name for name, _ in rows["pools"]}:
        pool = redact_address(pool)
        yield Finding(
            WHAT, "bad", f"there is no pool {pool}, so no account is read",
            f"Create it (airflow pools set {pool} 32 GRDF), or correct [grdf] pool.",
        )  # fmt: skip
    errors = [str(name) for (name,) in rows["errors"]]
    if errors:
        yield Finding(
            WHAT, "bad", f"{len(errors)} DAG file(s) cannot be imported: {_some(errors)}", "See its home page."
        )
    yield from _dags(rows)


_QUERIES = {
    "pools": "SELECT pool, slots FROM slot_pool",
    "errors": "SELECT filename FROM import_error",
    "dags": f"SELECT dag_id, is_paused FROM dag WHERE dag_id LIKE '{DAG_PREFIX}%' AND NOT is_stale",
    "runs": "SELECT dag_id, max(run_after) FROM dag_run WHERE dag_id LIKE 'grdf_account%' GROUP BY dag_id",
}


def _dags(rows: dict[str, list[Any]]) -> Iterator[Finding]:
    store = AccountStore(CouchDBHook())
    accounts = [str(document["_id"]) for document in store.listed() if listing_problem(document) is None]
    dags = {str(name): bool(paused) for name, paused in rows["dags"]}
    without = [account for account in accounts if dag_id(account) not in dags]
    paused = [account for account in accounts if dags.get(dag_id(account))]
    last = {str(name): _moment(moment) for name, moment in rows["runs"]}
    since = datetime.now(UTC) - SILENT
    silent = [
        account
        for account in accounts
        if account not in without and account not in paused and last.get(dag_id(account), since) < since
    ]
    if without:
        yield Finding(
            WHAT, "bad", f"{len(without)} of {len(accounts)} accounts have no DAG: {_some(without)}",
            "See whether the DAG processor runs and reads our DAG files, and its log.",
        )  # fmt: skip
    if silent:
        yield Finding(
            WHAT, "bad", f"{len(silent)} accounts have had no run for {SILENT.days} days: {_some(silent)}",
            "See whether the scheduler runs, and the runs of these accounts' DAGs.",
        )  # fmt: skip
    if paused:
        yield Finding(
            WHAT, "look", f"{len(paused)} accounts' DAGs are paused: {_some(paused)}", "Unpause them in its UI."
        )
    if not (without or silent or paused):
        yield Finding(WHAT, "ok", f"all {len(accounts)} accounts have a DAG, and none has been silent")


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _some(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
