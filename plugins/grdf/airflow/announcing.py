"""Announces changed gas days to other DAGs by one Airflow asset.

An event names the account and the number of changed days. The days themselves are in the task's return value, which a
deletion can remove; Airflow's API cannot remove events. The inlet of ``grdf_history`` makes Airflow keep the asset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import DAY

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

DAYS = Asset(DAY)
"""Without a URI, for which each task would import Airflow's providers: boto3 alone takes 0.3 CPU seconds.

There is none for months and years, which change with their days: Airflow (3.3.2) locks a consumer's rows for several
assets of a task in any order, and fails one of two loads that meet.
"""
HISTORY = "grdf_history"
HISTORY_ALIAS = AssetAlias("grdf-changes:grdf_history")


def announce_changes(context: Context, task: BaseOperator, account: str, changes: Changes) -> None:
    """Announce an account's changes, if there are any.

    A task of one account takes the asset as its outlet. One of several accounts has several events for it, and so an
    alias. Accounts share none: where an alias's first events coincide, Airflow (3.3.2 to 3.4.0b2) fails the later task.
    """
    if not changes:
        return
    extra: dict[str, Any] = {"account": account, "changed": changes.counts.get(DAY, 0)}
    if HISTORY_ALIAS in task.outlets:
        context["outlet_events"][HISTORY_ALIAS].add(DAYS, extra=extra)
    else:
        task.outlets = [DAYS]
        context["outlet_events"][DAYS].extra = extra


def changes_behind(context: Context, events: Iterable[Any]) -> Iterator[tuple[str, int, Changes | None]]:
    """Yield the changes that asset events announce, for a task that they have triggered.

    :return: account, number of changed days, and the changes; ``None`` if any day may have changed, because the
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
        yield account, changed, next((c for c in known if c and c.counts.get(DAY, 0) == changed), None)
