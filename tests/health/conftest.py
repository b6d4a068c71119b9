"""The check of health, executed in this process on databases of the test's own, and a real mail server."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from include.sandbox.local_world import LocalWorld
from tests.health.mail import Mailbox, mail_server
from tests.helpers import context, own_couchdb


@pytest.fixture
def fleet(clean: LocalWorld, shelf: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Fleet:
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.doctypes import DOCTYPES

    fields, book = own_couchdb(clean)
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fields))
    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    caplog.set_level(logging.INFO, LOG.name)
    return Fleet(book, fields, caplog)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    with mail_server() as found:
        yield found


LOG = logging.getLogger("tests.health")


@dataclass
class Looked:
    well: bool
    said: str


class NoSuchDag(Exception):
    """What Airflow answers a task that asks about a DAG which is not there."""

    response = SimpleNamespace(status_code=404)


@dataclass
class Fleet:
    book: Any
    connection: dict[str, Any]
    caplog: pytest.LogCaptureFixture
    xcoms: list[Any] = field(default_factory=list)

    def add(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            self.book.save(document)

    def check(self, **env: str) -> Looked:
        from grdf.operators.check_health import CheckHealthOperator, FleetUnwell

        at_hand = context(try_number=1, max_tries=0)
        at_hand["ti"].xcom_pull = lambda **_: self.xcoms
        at_hand["ti"].xcom_push = lambda value, **_: self.xcoms.append(value)
        at_hand["ti"].get_dag = self._no_dag
        at_hand["ti"].get_task_states = lambda _: {}
        operator: Any = CheckHealthOperator(task_id="check")
        operator._cached_logger = LOG
        self.caplog.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(self.connection))
            for name, value in env.items():
                patch.setenv(name if name.startswith("AIRFLOW_") else f"AIRFLOW__GRDF__{name.upper()}", value)
            try:
                operator.execute(at_hand)
                well = True
            except FleetUnwell:
                well = False
        return Looked(well, "\n".join(self.caplog.messages))

    def _no_dag(self, _dag_id: str) -> Any:
        raise NoSuchDag
