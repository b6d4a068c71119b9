"""What answers at the address of Airflow's API and is something else is a wrong setting, and hides nothing."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from grdf.health.airflow_sight import by_api
from include.gas.documents.gas_days import dag_id
from include.gas.errors import GasError
from include.gas.health.sights import MISSING, Sight
from tests.health.accounts import account

if TYPE_CHECKING:
    from tests.health.scene import Fleet

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
NO_RUNS = {"task_instances": [], "total_entries": 0}
NO_DAGS = {"dags": [], "total_entries": 0}
DAG = {"dag_id": dag_id("a"), "is_paused": False, "is_stale": False}


class OddApi:
    """A server that lets any user in, and answers as it is told.

    :param dags: the answer to the list of DAGs; ``None`` for HTTP 404
    :param runs: the answer to the list of task instances
    """

    def __init__(self) -> None:
        self.dags: Any = NO_DAGS
        self.runs: Any = NO_RUNS
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(odd.runs if "/taskInstances" in self.path else odd.dags)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.answer({"access_token": "t"})

            def answer(self, told: Any) -> None:
                body = json.dumps({} if told is None else told).encode()
                self.send_response(404 if told is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *about: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def connection(self) -> str:
        host = f"http://127.0.0.1:{self._http.server_port}"
        return json.dumps({"conn_type": "http", "host": host, "login": "a", "password": "b"})

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddApi]:
    server = OddApi()
    monkeypatch.setenv("AIRFLOW_CONN_ODD_API", server.connection)
    yield server
    server.close()


ODD: list[Any] = [
    {"dags": None, "total_entries": None},
    {"dags": {"a": 1}, "total_entries": 1},
    {"dags": ["grdf_a"], "total_entries": 1},
    {"dags": [DAG], "total_entries": "many"},
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_odd_list_of_dags_is_told(api: OddApi, odd: Any) -> None:
    api.dags = odd
    with pytest.raises(GasError, match="does not answer /dags like the API of Airflow 3") as caught:
        by_api("odd_api", ["a"], NOW)
    assert "grdf_a" not in str(caught.value)


@pytest.mark.parametrize("odd", [{"task_instances": ["a"], "total_entries": 1}, {"task_instances": {}}], ids=str)
def test_an_odd_list_of_runs_is_told(api: OddApi, odd: Any) -> None:
    api.dags, api.runs = {"dags": [DAG], "total_entries": 1}, odd
    with pytest.raises(GasError, match=r"does not answer /dags/~/dagRuns/~/taskInstances like the API of Airflow 3"):
        by_api("odd_api", ["a"], NOW)


def test_what_airflow_answers_is_read(api: OddApi) -> None:
    api.dags = {"dags": [DAG], "total_entries": 1}
    api.runs = {"task_instances": [{"dag_id": dag_id("a")}], "total_entries": 1}
    assert by_api("odd_api", ["a", "b"], NOW) == {"a": Sight(had_runs=True), "b": MISSING}
    api.dags = NO_DAGS
    assert by_api("odd_api", ["a"], NOW) == {"a": MISSING}


def test_the_check_names_the_setting_and_gives_the_rest_of_its_verdict(fleet: Fleet, api: OddApi) -> None:
    fleet.add(account(870, age=9), account(871))
    api.dags = {"dags": "grdf_a", "total_entries": 1}
    run = fleet.check(airflow_conn_id="odd_api", AIRFLOW_CONN_ODD_API=api.connection)
    assert run.state == "failed"
    assert "1 of 2 accounts that should be read are silent" in run.output
    setting = next(line for line in run.output.splitlines() if "setting: " in line)
    assert "Airflow's API did not show the accounts' DAGs" in setting
    assert "does not answer /dags like the API of Airflow 3" in setting
    assert "[grdf] airflow_conn_id" in setting
