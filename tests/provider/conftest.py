"""Airflow's API server, whose *Test* button is switched on, and servers that are broken on purpose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.couchdb_setup import set_up
from grdf.hooks.couchdb import CouchDBHook
from include.sandbox.local_world import form_connections
from tests.plugins.conftest import Heard, Reply, Server

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

Press = Callable[..., tuple[bool, str]]


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Heard], Reply]], Server]]:
    """A function that starts servers; all are stopped afterwards."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Server(answer).running())


@contextmanager
def serving(airflow_home: Path, home: Path, *, below: str = "", **settings: str) -> Iterator[AirflowStack]:
    """Start an API server whose *Test* button is switched on, and stop it.

    :param airflow_home: where a database is that is copied
    :param home: its own, new home
    :param below: the path of Airflow's address
    :param settings: more variables of its environment
    """
    from include.sandbox.processes import Processes
    from tests.stacks import Prepared

    shutil.copyfile(airflow_home / "airflow.db", home / "airflow.db")
    with Processes() as processes:
        stack = Prepared(home, 0, {"AIRFLOW__CORE__TEST_CONNECTION": "Enabled", **settings})
        stack.url += below
        stack.env["AIRFLOW__API__BASE_URL"] = stack.url
        with pytest.MonkeyPatch.context() as patch:
            for name in ("GRDF_ADICT", "GRDFGRANDLYON_DELETE", "COUCHDB"):
                patch.delenv(f"AIRFLOW_CONN_{name}", raising=False)
            stack.start(processes, components=("api-server",))
        yield stack


@pytest.fixture(scope="session")
def api_server(airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """An API server that has no connections: what it tests is what it is sent."""
    with serving(airflow_home, tmp_path_factory.mktemp("airflow")) as stack:
        yield stack


@pytest.fixture
def press(clean: LocalWorld, api_server: AirflowStack) -> Press:
    """A function that presses *Test*: ``press(conn_id, field=..., extra={...})``, the rest being the sandbox's."""
    hook = CouchDBHook()
    set_up(hook, say=str)

    def press(conn_id: str, *, extra: dict[str, Any] | None = None, **fields: Any) -> tuple[bool, str]:
        usual = form_connections(clean.connections())[conn_id]
        body = {**usual, **fields, "connection_id": conn_id, "extra": json.dumps({**usual["extra"], **(extra or {})})}
        answer = api_server.api("POST", "/connections/test", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["status"], answer.json()["message"]

    return press
