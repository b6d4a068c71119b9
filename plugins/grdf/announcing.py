"""Telling other DAGs that gas days have changed: Airflow assets, one per doctype.

A task that has an alias among its outlets attaches an event to an asset, and only when something has changed.

The accounts of one DAG file share an alias, and each DAG that works on several accounts in one task has its own. Not
each account: with each event Airflow 3.3.2 reads all aliases that lead to its asset. And Airflow writes down that an
alias leads to an asset with the first event; of two first events at once, the later one meets the row of the earlier
one, and Airflow then fails its task although the task has done its work (``ti_update_state`` in its execution API). So
``grdf.alias_links`` writes it down before any task runs, and ``grdf_history`` names the assets in its inlets, so that
Airflow keeps them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from airflow.sdk import Asset, AssetAlias

from include.gas.documents import DAY, MONTH, YEAR
from include.gas.spread import DAG_FILES, dag_file_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.gas.changes import Changes

ASSETS = {doctype: Asset(name=doctype, uri=f"grdf://{doctype}") for doctype in (DAY, MONTH, YEAR)}
HISTORY, ADOPTION = "grdf_history", "grdf_adopt_konnector"
_PREFIX = "grdf-changes:"
_ACCOUNTS = "grdf_accounts_"
ALIASES = tuple(_PREFIX + name for name in (*(f"{_ACCOUNTS}{file}" for file in range(DAG_FILES)), HISTORY, ADOPTION))
"""Names of all aliases; each may lead to each of the assets."""


def changes_of(dag_id: str) -> AssetAlias:
    """Give the alias under which a DAG that works on several accounts announces changes.

    :param dag_id: the id of the DAG
    """
    return AssetAlias(f"{_PREFIX}{dag_id}")


def changes_of_account(account: str) -> AssetAlias:
    """Give the alias under which an account's DAG announces changes: that of its DAG file.

    :param account: account id
    """
    return AssetAlias(f"{_PREFIX}{_ACCOUNTS}{dag_file_of(account)}")


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
