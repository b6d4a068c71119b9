"""Telling other DAGs that gas days have changed: Airflow assets, one per doctype.

A task that has an alias among its outlets attaches an event to an asset, and only when something has changed.

Each account's DAG has an alias of its own, and so has each DAG that works on several accounts in one task. Airflow
3.3.2 writes down that an alias leads to an asset with the first event; of two first events at once, the later one meets
the row of the earlier one, and Airflow then fails its task although the task has done its work (``ti_update_state`` in
its execution API). No two tasks that may end together share an alias, and ``grdf_history`` names the assets in its
inlets, so that they exist before any event.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetAlias

from include.gas.documents import DAY, MONTH, YEAR

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.changes import Changes

ASSETS = {doctype: Asset(name=doctype, uri=f"grdf://{doctype}") for doctype in (DAY, MONTH, YEAR)}


def changes_of(dag_id: str) -> AssetAlias:
    """Give the alias under which a DAG announces changes.

    :param dag_id: the id of the DAG
    """
    return AssetAlias(f"grdf-changes:{dag_id}")


def announce(context: Context, outlets: Collection[object], account: str, changes: Changes) -> None:
    """Attach what has changed to the assets; nothing when nothing changed.

    :param context: Airflow's task context
    :param outlets: the task's outlets; nothing is announced without an alias among them
    :param account: account id
    :param changes: what has changed
    """
    for alias in outlets:
        if isinstance(alias, AssetAlias):
            for doctype, extra in changes.extras(account).items():
                context["outlet_events"][alias].add(ASSETS[doctype], extra=extra)
