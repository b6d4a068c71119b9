"""The plugin of an installed package; ``None`` if Airflow's plugins folder has ours too: an import error."""

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
