"""A fleet whose health Airflow checks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.health.databases import MOST_DAYS
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
        """Store accounts, and as many days as they say are stored."""
        for document in documents:
            self.book.save(document)
        self.store(*documents)

    def store(self, *documents: dict[str, Any]) -> None:
        """Store as many days and totals as some accounts say."""
        from grdf.hooks.couchdb import CouchDBHook

        days = [
            {"_id": f"{document['_id']}:{meter}:{year}:{number}"}
            for document in documents
            for meter, reading in document.get("status", {}).get("readings", {}).items()
            for year, held in reading["years"].items()
            for number in range(held["days"])
        ]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(self.connection))
            for doctype in (DAY, MONTH, YEAR):
                CouchDBHook().write(doctype, days[:: MOST_DAYS[doctype]])

    def check(self, **env: str) -> Run:
        """Run grdf_health once."""
        couch = {
            "AIRFLOW_CONN_COUCHDB": json.dumps(self.connection),
            "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "grdf_health",  # as ``airflow dags test`` sets it
        }
        settings = {name: value for name, value in env.items() if name.startswith("AIRFLOW_")}
        settings |= {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in env.items() if name not in settings}
        return self.worker.run_named("grdf_health", {}, couch | settings)
