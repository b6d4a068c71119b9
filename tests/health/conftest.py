"""The check of health in whole runs of its DAG: the session's CouchDB, Airflow's ``dag.test()``, a real mail server."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.health.mail import Mailbox, mail_server
from tests.health.otlp_receiver import OtlpReceiver
from tests.health.scene import Fleet
from tests.health.statsd_bridge import StatsdBridge
from tests.runs.runner import Worker, worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture(scope="session")
def airflow(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The process that runs DAGs."""
    with worker(tmp_path_factory.mktemp("runs") / "airflow.log", world) as running:
        yield running


@pytest.fixture
def fleet(clean: LocalWorld, airflow: Worker) -> Fleet:
    """A fleet without accounts, in an installation that has set up its databases."""
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.doctypes import DOCTYPES
    from include.sandbox.connect import AccountBook

    prefix = f"health{secrets.token_hex(4)}/"
    fields = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(fields))
        for doctype in DOCTYPES:
            CouchDBHook().create_database(doctype)
    return Fleet(airflow, AccountBook(clean.couch.url, clean.couch.user, clean.couch.password, prefix), fields)


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    """See :func:`mail_server`."""
    with mail_server() as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """What Airflow sends by OpenTelemetry arrives here."""
    with closing(OtlpReceiver()) as running:
        yield running


@pytest.fixture
def bridge() -> Iterator[StatsdBridge]:
    """What Airflow sends by StatsD arrives here, and a Prometheus can read it."""
    with closing(StatsdBridge()) as running:
        yield running
