"""A fleet whose health Airflow checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.runs.runner import Run, Worker


@dataclass
class Fleet:
    """Accounts in databases of their own, and the check of their health.

    :param connection: the connection ``couchdb`` to them
    """

    worker: Worker
    book: Any
    connection: dict[str, Any]

    def add(self, *documents: dict[str, Any]) -> None:
        """Store accounts."""
        for document in documents:
            self.book.save(document)

    def check(self, **env: str) -> Run:
        """Run grdf_health once."""
        couch = {
            "AIRFLOW_CONN_COUCHDB": json.dumps(self.connection),
            "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "grdf_health",  # as ``airflow dags test`` sets it
        }
        settings = {name: value for name, value in env.items() if name.startswith("AIRFLOW_")}
        settings |= {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in env.items() if name not in settings}
        return self.worker.run_named("grdf_health", {}, couch | settings)
