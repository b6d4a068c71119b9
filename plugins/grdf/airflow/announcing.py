"""Announces changed gas days to other DAGs: Airflow assets, one per doctype.

An event names the account and the number of changes. The days are in the task's return value, which a deletion can
remove. The inlets of ``grdf_history`` make Airflow keep the assets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import DAY, MONTH, YEAR

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

ASSETS = {doctype: Asset(doctype) for doctype in (DAY, MONTH, YEAR)}
"""Without a URI, for which each task would import Airflow's providers: boto3 alone takes 0.3 CPU seconds."""
HISTORY = "grdf_history"
HISTORY_ALIAS = AssetAlias("grdf-changes:grdf_history")


def announce_changes(context: Context, task: BaseOperator, account: str, changes: Changes) -> None:
    """Announce an account's changes, if there are any.

    A task of one account takes the changed assets as its outlets, and Airflow emits an event for each. One of several
    accounts has several events per asset, and so an alias. Accounts share none: where an alias's first events coincide,
    Airflow (3.3.2 to 3.4.0b2) sets the later task to failed.
    """
    aliases = [each for each in task.outlets if isinstance(each, AssetAlias)]
    for doctype, extra in changes.extras(account).items():
        for alias in aliases:
            context["outlet_events"][alias].add(ASSETS[doctype], extra=extra)
        if not aliases:
            task.outlets = [*task.outlets, ASSETS[doctype]]
            context["outlet_events"][ASSETS[doctype]].extra = extra


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
        known = (Changes.from_json(result.get("changes")) for result in results)
        # A run that was cleared may have changed other days since.
        yield account, changed, next((c for c in known if dict(c.counts).get(event.asset.name) == changed), None)
