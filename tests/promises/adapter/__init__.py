"""A town: households, GRDF and this project, as somebody sees them who knows only documents, DAGs, pages and requests.

This folder is all of these tests that names modules. Tests say what people do; here is how that is done today. GRDF is
the sandbox in this process, CouchDB is in memory, and time is the town's own (``tests/model``): a year takes seconds.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from airflow.sdk import BaseHook
from requests.adapters import HTTPAdapter

from include.sandbox.couch.embedded import EmbeddedCouch
from tests.model import tasks, wire
from tests.model.clock import FACE
from tests.promises.adapter.seen import *  # noqa: F403
from tests.promises.adapter.seen import ACCOUNTS, DAYS, MONTHS, PERIODS, YEARS, Document
from tests.promises.adapter.ways_in import WaysIn

SEND = HTTPAdapter.send
PAGE_SETTINGS = {
    "AIRFLOW__GRDF__HOUSEHOLD_LINKS": "True",
    "AIRFLOW__API__SECRET_KEY": "a secret of the tests",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tests, invented, " * 3,
}


class Town(WaysIn):
    """All of it."""


@contextmanager
def built() -> Iterator[Callable[..., Town]]:
    """Build what all towns share, and return what makes one."""
    import grdf.page.app  # noqa: F401 - before time is replaced in all modules

    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="grdf-town-", dir=memory) as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in (tasks.environment(Path(folder)) | PAGE_SETTINGS).items():
            patch.setenv(name, value)
        for name in ("reread_days", "publication_days"):  # those of the model's lives are shorter than usual
            patch.delenv(f"AIRFLOW__GRDF__{name.upper()}")
        towns: list[Town] = []
        ours = ("AIRFLOW__GRDF__", "AIRFLOW_CONN_")
        usual = {name: value for name, value in os.environ.items() if name.startswith(ours)}
        with tasks.installed():
            patch.setattr("grdf.hooks.connection.BaseHook", SimpleNamespace(get_connection=_connection))

            def make(start: date = date(2026, 4, 20), **settings: object) -> Town:
                for name in [name for name in os.environ if name.startswith(ours) and name not in usual]:
                    del os.environ[name]
                os.environ.update(usual)
                staging = Path(tempfile.mkdtemp(dir=folder))
                patch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{staging}")
                towns.append(Town(start, staging))
                for name, value in settings.items():
                    patch.setenv(f"AIRFLOW__GRDF__{name.upper()}", str(value))
                return towns[-1]

            yield make
        FACE.clock = None
        wire.lay(None)


@contextmanager
def real_couchdb(town: Town) -> Iterator[Callable[[str, str, Document | None], Any]]:
    """Put what a town has stored into a CouchDB that answers queries. Return what asks it."""
    from grdf.couchdb_setup import main

    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(HTTPAdapter, "send", SEND)
        couch = stack.enter_context(EmbeddedCouch(Path(tempfile.mkdtemp(dir=town.staging)), memory=True))
        login = {"login": couch.user, "password": couch.password}
        patch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps({"conn_type": "generic", "host": couch.url, **login}))
        assert main(["setup"]) == 0

        def ask(method: str, path: str, body: Document | None) -> Any:
            answer = requests.request(
                method, couch.url + path, json=body, auth=(couch.user, couch.password), timeout=30
            )
            answer.raise_for_status()
            return answer.json()

        for database in (ACCOUNTS, DAYS, MONTHS, YEARS, PERIODS):
            docs = [
                {name: value for name, value in each.items() if name != "_rev"}
                for each in town.documents(database).values()
            ]
            ask("POST", f"/{database}/_bulk_docs", {"docs": docs})
        yield ask


def _connection(conn_id: str) -> Any:
    return _stored_connection(conn_id, os.environ.get(f"AIRFLOW_CONN_{conn_id.upper()}", ""))


@cache
def _stored_connection(conn_id: str, _text: str) -> Any:
    return BaseHook.get_connection(conn_id)
