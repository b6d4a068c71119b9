"""With all of Airflow's components: a re-read of two accounts, native backfills, and the consumer they trigger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.gas_days import dag_id
from include.sandbox.connect import AccountBook
from include.sandbox.figures import summed
from include.sandbox.processes import Processes
from tests.helpers import stored, wait
from tests.history.steps import Y, asked, form, household
from tests.stacks import airflow_at

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
PREFIX = "history/"
ONE_ID, TWO_ID = ACCOUNTS = ("history-70001", "history-70002")
CONSUMER = "grdf_example_consumer"
FIRST, END = date(Y, 3, 1), date(Y, 4, 1)
ONE = timedelta(days=1)


@dataclass
class Stack:
    """Airflow, as a user runs it, with separate databases.

    :param pces: the accounts' meters
    """

    airflow: AirflowStack
    couch: CouchDBHook
    pces: dict[str, str]

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change something through the API. Retry if SQLite, which Airflow's components share here, is locked."""
        answer = wait(
            lambda: found if (found := self.airflow.api(method, path, json=body)).status_code != 500 else None
        )
        assert answer.ok, answer.text
        return dict(answer.json())

    def ended(self, dag: str, kind: str, number: int) -> list[dict[str, Any]]:
        """Wait until a DAG has that many runs of a type and all of them have ended."""

        def found() -> list[dict[str, Any]] | None:
            runs = [run for run in self.airflow.runs(dag) if run["run_type"] == kind]
            over = len(runs) >= number and all(run["state"] in ("success", "failed") for run in runs)
            return runs if over else None

        return list(wait(found, what=f"{number} runs of {dag}"))

    def logs(self, run: dict[str, Any]) -> str:
        """Return all task logs of a run of an account's DAG."""
        tasks = ("acquire_token", "rescope_token", "extract", "load")
        return "\n".join(self.airflow.task_log(run["dag_id"], run["dag_run_id"], task) for task in tasks)

    def told(self) -> list[str]:
        """Return what the consumer has logged so far."""
        return [
            line
            for run in self.airflow.runs(CONSUMER)
            if run["state"] == "success"
            for line in self.airflow.task_log(CONSUMER, run["dag_run_id"], "tell_what_changed").splitlines()
            if "gas days changed" in line
        ]


@pytest.fixture(scope="module")
def stack(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    from grdf.hooks.couchdb import CouchDBHook

    home = tmp_path_factory.mktemp("stack")
    env = world.connections()
    connection = json.loads(env["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": PREFIX}}
    env["AIRFLOW_CONN_COUCHDB"] = json.dumps(connection)
    book = AccountBook(world.couch.url, world.couch.user, world.couch.password, PREFIX)
    pces = {account: household(world, account, date(Y, 1, 1))[0] for account in ACCOUNTS}
    for account in ACCOUNTS:
        document = world.book.get(account) or {}
        book.save({key: value for key, value in document.items() if key != "_rev"})
    with pytest.MonkeyPatch.context() as patch, Processes() as processes:
        for name in [name for name in os.environ if name.startswith(("AIRFLOW__GRDF__", "AIRFLOW_CONN_"))]:
            patch.delenv(name)
        patch.setenv("AIRFLOW_CONN_HISTORY_COUCHDB", env["AIRFLOW_CONN_COUCHDB"])
        couch = CouchDBHook("history_couchdb")
        airflow = airflow_at(home, env, processes, airflow_home / "airflow.db")
        airflow.start(processes)
        yield Stack(airflow, couch, pces)


def test_reread_backfill_and_consumer(world: LocalWorld, stack: Stack) -> None:
    airflow = stack.airflow
    for account in ACCOUNTS:
        (run,) = stack.ended(dag_id(account), "scheduled", 1)
        assert run["state"] == "success", stack.logs(run)
        assert "asset aliases" not in stack.logs(run), "what a scheduler could not do is told by the scheduler alone"
    wait(lambda: airflow.api("GET", f"/dags/{CONSUMER}").ok, what="consumer DAG")
    assert airflow.api("GET", f"/dags/{CONSUMER}").json()["is_paused"] is True
    stack.send("PATCH", f"/dags/{CONSUMER}", {"is_paused": False})
    asked(world)

    # 1. GRDF has corrected a month. Two accounts, one mapped task and one call each, and the consumer runs.
    for pce in stack.pces.values():
        for number in range((END - FIRST).days):
            world.control.correct(pce, str(FIRST + number * ONE), 40.5 + number)
    filled = form(FIRST, END, accounts=list(ACCOUNTS), include_definitive=True)
    run_id = stack.send("POST", "/dags/grdf_history/dagRuns", {"logical_date": None, "conf": filled})["dag_run_id"]
    (run,) = stack.ended("grdf_history", "manual", 1)
    assert (run["dag_run_id"], run["state"]) == (run_id, "success")
    assert sorted(asked(world)) == sorted((pce, str(FIRST), str(END)) for pce in stack.pces.values())
    log = airflow.task_log("grdf_history", run_id, "summary")
    assert f"2 accounts, 2 calls, 0 new, {2 * (END - FIRST).days} corrected" in log
    for account, pce in stack.pces.items():
        check_store(world, stack, account, pce)
    line = f"{(END - FIRST).days} gas days changed, from {FIRST} to {END - ONE}."
    lines = {f"Account {account}: {line}" for account in ACCOUNTS}
    wait(lambda: lines & set(stack.told()), what="news of the re-read")

    # 2. A native backfill of stored days from the command line, newest first: it makes no calls and says so.
    command = [
        sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", dag_id(ONE_ID), "--run-backwards",
        "--from-date", f"{Y}-03-28", "--to-date", f"{Y}-03-31", "--reprocess-behavior", "completed",
    ]  # fmt: skip
    done = subprocess.run(
        command, env=os.environ | airflow.env, cwd=airflow.home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = stack.ended(dag_id(ONE_ID), "backfill", 3)
    assert {run["state"] for run in runs} == {"success"}
    assert asked(world) == []
    for run in runs:
        log = airflow.task_log(run["dag_id"], run["dag_run_id"], "extract")
        assert "is stored as definitive, so GRDF is not asked" in log

    # 3. The same days again, through the API, and this time requested anyway: GRDF has corrected one of them.
    before = stack.told()
    world.control.correct(stack.pces[ONE_ID], f"{Y}-03-29", 123.5)
    order = {
        "dag_id": dag_id(ONE_ID), "from_date": f"{Y}-03-28T00:00:00Z", "to_date": f"{Y}-03-30T23:00:00Z",
        "reprocess_behavior": "completed", "dag_run_conf": {"include_definitive": True}, "max_active_runs": 1,
    }  # fmt: skip
    wait(lambda: not any(b["completed_at"] is None for b in backfills(stack)), what="end of the first backfill")
    stack.send("POST", "/backfills", order)
    wait(lambda: len(world.control.log()) >= 3, what="three calls")
    stack.ended(dag_id(ONE_ID), "backfill", 3)
    days = [f"{Y}-03-{number}" for number in (28, 29, 30)]
    assert sorted(call[1] for call in asked(world)) == days, "one call per day"
    check_store(world, stack, ONE_ID, stack.pces[ONE_ID])
    news = f"Account {ONE_ID}: 1 gas days changed, from {Y}-03-29 to {Y}-03-29."
    wait(lambda: news in stack.told(), what="news of the correction")
    # Airflow may pass an event that came while it created the consumer's run to the next run. It loses none.
    assert lines <= set(stack.told())
    assert {line for line in stack.told() if line not in before} - lines == {news}, "the two other days wake nobody"


def backfills(stack: Stack) -> list[dict[str, Any]]:
    return list(stack.airflow.api("GET", "/backfills", params={"dag_id": dag_id(ONE_ID)}).json()["backfills"])


def check_store(world: LocalWorld, stack: Stack, account: str, pce: str) -> None:
    """Check that the days of March and of the daily run are stored as GRDF reports them, with their sums."""
    figures = stored(stack.couch, account, pce)
    days = {period: load for period, load in figures.items() if len(period) == 10}
    expected = world.control.expected(pce, FIRST, world.control.today())
    since = {day: load for day, load in days.items() if day >= str(FIRST)}
    assert since == {day: load for day, load in expected.items() if day in days}
    assert {day for day in expected if day < str(END)} <= days.keys()
    assert figures == summed(days)
