"""Telling other DAGs that gas days have changed: Airflow assets, one per doctype.

A task that has the alias :data:`CHANGES` among its outlets attaches an event to an asset, and only when something has
changed. No DAG of ours has it yet: when two first events come at once Airflow 3.3.2 on SQLite fails one of the tasks
while it makes the assets, after the load has stored everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias

from include.gas.documents import DAY, MONTH, YEAR
from include.gas.load import LoadReport

if TYPE_CHECKING:
    from airflow.sdk import Context

CHANGES = AssetAlias("grdf-changes")
ASSETS = {doctype: Asset(name=doctype, uri=f"grdf://{doctype}") for doctype in (DAY, MONTH, YEAR)}
DAYS_NAMED = 100
"""Days that an event names one by one; a first launch of three years is told by its first and last day."""


def announce(context: Context, outlets: Collection[object], account: str, reports: Iterable[LoadReport]) -> None:
    """Attach what a load has changed to the assets; nothing when nothing changed.

    :param context: Airflow's task context
    :param outlets: the task's outlets; nothing is announced without :data:`CHANGES` among them
    :param account: account id
    :param reports: what the load did, per answer
    """
    if CHANGES not in outlets:
        return
    reports = list(reports)
    days = sorted({day.isoformat() for report in reports for day in report.changed_days})
    counts = {
        DAY: len(days),
        MONTH: sum(report.months for report in reports),
        YEAR: sum(report.years for report in reports),
    }
    extra: dict[str, Any] = {"account": account}
    if days:
        extra |= {"first_day": days[0], "last_day": days[-1], "days": days[-DAYS_NAMED:]}
    for doctype, number in counts.items():
        if number:
            context["outlet_events"][CHANGES].add(ASSETS[doctype], extra=extra | {"changed": number})
