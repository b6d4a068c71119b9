"""Links between our asset aliases and our assets, written to Airflow's database before any event.

Airflow 3.3.2 writes a link with an alias's first event, and fails a task whose event comes at the same moment
(``grdf.airflow.announcing``). Therefore the scheduler writes all links when it starts, before any task runs.

This uses tables of Airflow that are not public. If they have changed, the only effect is a warning, and the first
events of two accounts at the same moment may collide again.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.listeners import hookimpl

from grdf.airflow.preload import is_scheduler

log = logging.getLogger(__name__)


@hookimpl
def on_starting(component: Any) -> None:
    """Link the aliases when a scheduler starts.

    :param component: Airflow's record of the component that starts
    """
    if is_scheduler(component):
        try:
            link()
        except Exception as error:  # noqa: BLE001 - no failure here may keep a scheduler from starting
            # If two schedulers start at once, one may find the other's rows; then all is well.
            log.warning(
                "The asset aliases of all accounts (grdf-changes:...) could not be linked to their assets in "
                "advance (%s). Runs continue, but when the very first changes of two accounts are announced at "
                "the same moment, Airflow may mark one load as failed although it has stored everything. Unless "
                "this is about rows that already exist, restart the scheduler once its database is in order.",
                str(error).partition("\n")[0] or repr(error),  # without the SQL that follows
            )


def link() -> None:
    """Write the aliases, the assets and the links between them, as far as they are missing.

    :raises Exception: if Airflow's tables differ from those of 3.3, or another process writes the same rows
    """
    from airflow.models.asset import AssetAliasModel, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from grdf.airflow.announcing import ALIASES, ASSETS

    with create_session() as session:
        found = session.scalars(select(AssetAliasModel).where(AssetAliasModel.name.in_(ALIASES)))
        aliases = {alias.name: alias for alias in found}
        aliases |= {name: AssetAliasModel(name=name) for name in ALIASES if name not in aliases}
        for asset in ASSETS.values():
            model = session.scalar(select(AssetModel).where(AssetModel.name == asset.name, AssetModel.uri == asset.uri))
            if model is None:
                model = AssetModel(name=asset.name, uri=asset.uri, group=asset.group)
                session.add(model)
            linked = {alias.name for alias in model.aliases}
            model.aliases.extend(alias for name, alias in aliases.items() if name not in linked)
