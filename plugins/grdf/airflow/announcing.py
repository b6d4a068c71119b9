"""Announcements to other DAGs that gas days have changed: Airflow assets, one per doctype.

A task with an alias among its outlets attaches an event to an asset, and only if something has changed. The event says
which account changed and how much. The days are in the task's return value, because a deletion can remove that but not
an event.

The accounts of several DAG files share an alias, and each DAG that works on several accounts in one task has its own. A
separate alias for each account would be too many: with each event Airflow 3.3.2 reads all aliases that lead to its
asset. Airflow also records with the first event that an alias leads to an asset. If the very first events of two
accounts come at once, Airflow fails the later task, once in an installation's life, although it has stored everything;
the next run is as always. ``grdf_history`` names the assets in its inlets, so that Airflow keeps them.
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
"""Without a URI, for which Airflow would import its providers in each task: boto3 alone takes 0.3 CPU seconds."""
HISTORY, ADOPTION, CONSENTS = "grdf_history", "grdf_adopt_konnector", "grdf_consents"
_PREFIX = "grdf-changes:"
_ACCOUNTS = "grdf_accounts_"
_GROUPS = 8
"""Aliases that accounts are spread over: with each load, Airflow's API server reads all DAGs of the load's alias."""


def alias_of_dag(dag_id: str) -> AssetAlias:
    """Return the alias under which a DAG that works on several accounts announces changes."""
    return AssetAlias(f"{_PREFIX}{dag_id}")


def alias_of_account(account: str) -> AssetAlias:
    """Return the alias under which an account's DAG announces changes. Those of several DAG files share it."""
    return AssetAlias(f"{_PREFIX}{_ACCOUNTS}{dag_file_of(account) % _GROUPS}")


def announce_changes(context: Context, outlets: Collection[object], account: str, changes: Changes) -> None:
    """Attach changes to the assets. Do nothing if there are none.

    :param outlets: the task's outlets; nothing is announced without an alias among them
    """
    for alias in outlets:
        if isinstance(alias, AssetAlias):
            for doctype, extra in changes.extras(account).items():
                context["outlet_events"][alias].add(ASSETS[doctype], extra=extra)


def changes_behind(context: Context, events: Iterable[Any]) -> Iterator[tuple[str, int, Changes | None]]:
    """Yield the changes that asset events announce, for a task that they have triggered.

    :param events: events of one asset, as Airflow passes them to the task
    :return: for each event the account, how many documents changed, and the days; ``None`` if the days are no longer
        known because the run was cleared or the household has left, so that any day of the account may have changed
    """
    runs: dict[tuple[str, str], list[Any]] = {}
    for event in events:
        dag, run = event.source_dag_id, event.source_run_id
        if (dag, run) not in runs:
            # A re-read announces in one task what its mapped tasks have changed and returned.
            task = "read" if dag == HISTORY else event.source_task_id
            found = context["ti"].xcom_pull(task_ids=task, dag_id=dag, run_id=run)
            runs[dag, run] = found if isinstance(found, list) else [found]
        account, changed = event.extra["account"], event.extra["changed"]
        results = (each for each in runs[dag, run] if isinstance(each, dict) and each.get("account") == account)
        told = (Changes.from_json(result.get("changes")) for result in results)
        # A run that was cleared may have changed other days since.
        yield account, changed, next((c for c in told if dict(c.counts).get(event.asset.name) == changed), None)
