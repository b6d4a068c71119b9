"""A secrets backend that has nothing, and keeps for which connections it was asked."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.secrets import BaseSecretsBackend


class AskedBackend(BaseSecretsBackend):
    """Writes each id that it is asked for into the file ``$AIRFLOW_HOME/asked``."""

    def get_conn_value(self, conn_id: str, team_name: str | None = None) -> None:  # noqa: ARG002 - Airflow names it
        with Path(os.environ["AIRFLOW_HOME"], "asked").open("a") as file:
            file.write(f"{conn_id}\n")


def asked(home: Path) -> list[str]:
    """Return the ids for which an Airflow's backend was asked, and forget them."""
    file = home / "asked"
    ids = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return ids
