"""Announces changed gas days to other DAGs: Airflow assets, one per doctype.

An event names the account and the number of changes. The days are in the task's return value, which a deletion can
remove. Accounts share aliases, because Airflow 3.3.2 reads all aliases of an asset with each event. If the very first
events of two accounts coincide, Airflow fails the later task once, after everything is stored. The inlets of
``grdf_history`` make Airflow keep the assets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from include.gas.days.spread import dag_file_of
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import DAY, MONTH, YEAR

if TYPE_CHECKING:
    from airflow.sdk import Context

ASSETS = {doctype: Asset(doctype) for doctype in (DAY, MONTH, YEAR)}
"""Without a URI, for which each task would import Airflow's providers: boto3 alone takes 0.3 CPU seconds."""
HISTORY, ADOPTION, CONSENTS = "grdf_history", "grdf_adopt_konnector", "grdf_consents"
_PREFIX = "grdf-changes:"
_ACCOUNTS = "grdf_accounts_"
_GROUPS = 8
"""Aliases over which accounts are spread: with each load, the API server reads all DAGs of its alias."""


def alias_of_dag(dag_id: str) -> AssetAlias:
    """Return the alias of a DAG that works on several accounts."""
    return AssetAlias(f"{_PREFIX}{dag_id}")


def alias_of_account(account: str) -> AssetAlias:
    """Return the alias of an account's DAG, shared by those of several DAG files."""
    return AssetAlias(f"{_PREFIX}{_ACCOUNTS}{dag_file_of(account) % _GROUPS}")


def announce_changes(context: Context, outlets: Collection[object], account: str, changes: Changes) -> None:
    """Attach changes to the assets of a task's alias, if there are any."""
    for alias in outlets:
        if isinstance(alias, AssetAlias):
            for doctype, extra in changes.extras(account).items():
                context["outlet_events"][alias].add(ASSETS[doctype], extra=extra)


def changes_behind(context: Context, events: Iterable[Any]) -> Iterator[tuple[str, int, Changes | None]]:
    """Yield the changes that asset events announce, for a task that they have triggered.

    :return: account, number of changed documents, and the changes; ``None`` if any day may have changed, because the
        run was cleared or the household has left
    """
    runs: dict[tuple[str, str], list[Any]] = {}
    for event in events:
        dag, run = event.source_dag_id, event.source_run_id
        if (dag, run) not in runs:
            # A re-read announces in one task what its mapped tasks returned.
            task = "read" if dag == HISTORY else event.source_task_id
            found = context["ti"].xcom_pull(task_ids=task, dag_id=dag, run_id=run)
            runs[dag, run] = found if isinstance(found, list) else [found]
        account, changed = event.extra["account"], event.extra["changed"]
        results = (each for each in runs[dag, run] if isinstance(each, dict) and each.get("account") == account)
        told = (Changes.from_json(result.get("changes")) for result in results)
        # A run that was cleared may have changed other days since.
        yield account, changed, next((c for c in told if dict(c.counts).get(event.asset.name) == changed), None)
