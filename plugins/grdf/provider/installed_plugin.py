"""The plugin of an installed package, which needs no plugins folder (entry point ``airflow.plugins``).

Airflow loads the plugins folder first. Where that folder has our plugin too, as in a checkout or where the folders were
copied, it must not be loaded again: Airflow would list the second one as an import error. So the entry point then
leads to ``None``, which Airflow passes over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import conf

if TYPE_CHECKING:
    from airflow.plugins_manager import AirflowPlugin


def _plugin() -> type[AirflowPlugin] | None:
    folder = conf.get("core", "plugins_folder", fallback="")
    if folder and Path(folder, "grdf_plugin.py").is_file():
        return None
    from grdf_plugin import GrdfPlugin

    return GrdfPlugin


plugin = _plugin()
