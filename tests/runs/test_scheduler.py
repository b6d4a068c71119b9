"""One whole life under Airflow's real components: scheduler, DAG processor, API server and task processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.gas_days import dag_id
from include.sandbox.connect import AccountBook, code_account, consent, cozy_account
from include.sandbox.figures import summed
from include.sandbox.processes import Processes
from tests.helpers import PATIENCE, holder
from tests.stacks import airflow_at, staged

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
PREFIX = "stack/"
COZY, CODE = "scheduled-60401", "scheduled-60402"
LINEAGE = "lineage.jsonl"
TASKS = ("acquire_token", "rescope_token", "extract", "load")
FIRST, LAST = date(2026, 3, 27), date(2026, 3, 29)
"""Gas days of the backfill. The clock goes forward in the gas day of 28 March, which lasts 23 hours."""


@dataclass
class Stack:
    """Airflow, as a user runs it, with separate databases.

    :param secrets: everything that must not be shown
    """

    airflow: AirflowStack
    couch: Any
    secrets: set[str]
    pids: list[int]

    def stored(self, account: str, pce: str) -> dict[str, float]:
        """Return kWh by period."""
        return {
            document["_id"].rpartition(":")[2]: document["load"]
            for doctype in ("day", "month", "year")
            for document in self.couch.range(f"com.grandlyon.grdf.{doctype}", f"{account}:{pce}:", f"{account}:{pce};")
        }


@pytest.fixture(scope="module")
def stack(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Two connected accounts and a running Airflow, which is stopped by pid afterwards."""
    from grdf.hooks.couchdb import CouchDBHook

    home = tmp_path_factory.mktemp("stack")
    env = world.connections()
    couch = json.loads(env["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": PREFIX}}
    env["AIRFLOW_CONN_COUCHDB"] = env["AIRFLOW_CONN_STACK_COUCHDB"] = json.dumps(couch)
    file = {"type": "file", "log_file_path": str(home / LINEAGE), "append": True}
    env["AIRFLOW__OPENLINEAGE__TRANSPORT"] = json.dumps(file)
    book = AccountBook(world.couch.url, world.couch.user, world.couch.password, PREFIX)
    secrets = {world.facts["client_secret"], world.facts["delete_client_secret"], world.couch.password}
    # Remove the environment variables for the Airflow inside pytest.
    with pytest.MonkeyPatch.context() as patch, Processes() as processes:
        for name in [name for name in os.environ if name.startswith(("AIRFLOW__GRDF__", "AIRFLOW_CONN_"))]:
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        airflow = airflow_at(home, env, processes, airflow_home / "airflow.db")
        airflow.start(processes)
        # Not earlier: a code is valid for a minute, and a busy machine takes longer than that to start Airflow.
        for name in (COZY, CODE):
            grant = consent(world.facts, world.door, holder(name))
            document = cozy_account(name, grant, world.facts) if name == COZY else code_account(name, grant)
            book.save(document)
            secrets |= {grant["code"], grant["nonce"], holder(name).email}
            if name == COZY:
                secrets |= {document["oauth"]["access_token"], document["oauth_callback_results"]["id_token"]}
        world.control.clear_log()
        pids = [child.pid for child in processes.children]
        yield Stack(airflow, CouchDBHook("stack_couchdb"), secrets, pids)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def data_calls(world: LocalWorld, since: int = 0) -> list[dict[str, Any]]:
    return [call for call in world.control.log(since) if call["path"].endswith("/donnees_consos_informatives")]


def test_life_under_the_real_scheduler(world: LocalWorld, stack: Stack) -> None:
    airflow = stack.airflow
    # 1. Without any action, both DAGs appear, are not paused, and have their first run.
    runs = airflow.wait_for_runs({dag_id(COZY): None, dag_id(CODE): None}, seconds=PATIENCE)
    assert {run["state"] for run in runs.values()} == {"success"}, logs_of(airflow, runs.values())
    assert {run["run_type"] for run in runs.values()} == {"scheduled"}
    assert sorted(call["pce"] for call in data_calls(world)) == sorted(holder(name).pces[0] for name in (COZY, CODE))
    assert len([call for call in world.control.log() if call["path"].endswith("/access_token")]) <= 3
    for name in (COZY, CODE):
        check_store(world, stack, name, runs[dag_id(name)])

    # 2. GRDF corrects days around the clock change, and a native backfill reads them again, with one call per day.
    pce = holder(COZY).pces[0]
    before = stack.stored(COZY, pce)
    for n in range(3):
        world.control.correct(pce, FIRST + timedelta(days=n), 900.5 + n)
    calls = world.control.log()
    done = subprocess.run(
        [
            sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", dag_id(COZY),
            "--from-date", FIRST.isoformat(), "--to-date", (LAST + timedelta(days=1)).isoformat(),
            "--reprocess-behavior", "completed", "--dag-run-conf", '{"include_definitive": true}',
        ],
        env=os.environ | airflow.env, cwd=airflow.home, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    backfilled = wait_for_backfill(airflow, dag_id(COZY), 3)
    assert {run["state"] for run in backfilled} == {"success"}, logs_of(airflow, backfilled)
    intervals = sorted((run["data_interval_start"], run["data_interval_end"]) for run in backfilled)
    assert intervals == [
        ("2026-03-27T05:00:00Z", "2026-03-28T05:00:00Z"),
        ("2026-03-28T05:00:00Z", "2026-03-29T04:00:00Z"),
        ("2026-03-29T04:00:00Z", "2026-03-30T04:00:00Z"),
    ]
    asked = sorted(call["query"]["date_debut"] for call in data_calls(world, calls[-1]["n"]))
    assert asked == [(FIRST + timedelta(days=n)).isoformat() for n in range(3)], "one call per day, its own day alone"
    after = stack.stored(COZY, pce)
    assert {period for period in after if after[period] != before.get(period)} == {
        *(f"2026-03-{day}" for day in (27, 28, 29)), "2026-03", "2026",
    }  # fmt: skip
    check_store(world, stack, COZY, runs[dag_id(COZY)])

    # 3. Nothing that an operator sees contains a secret.
    token = shared_token(stack)
    secrets = stack.secrets | {token}
    for run in [*runs.values(), *backfilled]:
        for task in TASKS:
            log = airflow.task_log(run["dag_id"], run["dag_run_id"], task)
            assert "Account scheduled-" in log
            assert [secret for secret in secrets if secret in log] == []
    for file in airflow.home.rglob("*"):
        if file.is_file() and file.suffix == ".log":
            text = file.read_text(errors="replace")
            assert [secret for secret in secrets if secret in text] == [], file
    assert staged(airflow) == []


def test_what_openlineage_is_told(world: LocalWorld, stack: Stack) -> None:
    """The endpoint and the days of each extract, and how many documents each load wrote; nothing of a household."""
    text = (stack.airflow.home / LINEAGE).read_text(encoding="utf-8")
    ended = {
        (event["job"]["name"], event["run"]["facets"]["airflow"]["dagRun"]["run_id"]): event
        for event in map(json.loads, text.splitlines())
        if event["eventType"] == "COMPLETE" and event["job"]["name"].endswith((".extract", ".load"))
    }
    first = {name: event for (name, run), event in ended.items() if run.startswith("scheduled__")}
    assert first.keys() == {f"{dag_id(name)}.{task}" for name in (COZY, CODE) for task in ("extract", "load")}
    grdf, couch = world.facts["adict_base"], world.couch.url.partition("//")[2]
    for name in (COZY, CODE):
        extract, load = (first[f"{dag_id(name)}.{task}"] for task in ("extract", "load"))
        for event in (extract, load):
            (read,) = event["inputs"]
            assert f"{read['namespace']}{read['name']}" == f"{grdf}/pce/*/donnees_consos_informatives"
            days = event["run"]["facets"]["grdf_gas_days"]
            assert date.fromisoformat(days["end"]) - date.fromisoformat(days["first"]) > timedelta(days=1000)
            assert read["inputFacets"]["inputStatistics"]["fileCount"] == 1
        wrote = {
            each["name"]: each["outputFacets"]["outputStatistics"]["rowCount"]
            for each in load["outputs"]
            if each["namespace"] == f"couchdb://{couch}"
        }
        stored = stack.stored(name, holder(name).pces[0])
        assert wrote == {
            f"{PREFIX}com-grandlyon-grdf-{kind}": sum(len(period) == length for period in stored)
            for kind, length in (("day", 10), ("month", 7), ("year", 4))
        }
    backfilled = [event for (name, run), event in ended.items() if run.startswith("backfill__") and ".extract" in name]
    days = sorted(event["run"]["facets"]["grdf_gas_days"]["first"] for event in backfilled)
    assert days == [(FIRST + timedelta(days=n)).isoformat() for n in range(3)]
    for secret in (
        *stack.secrets,
        *(pce for name in (COZY, CODE) for pce in holder(name).pces),
        "kwh",
        "kWh",
        "energie",
    ):
        assert secret not in text


def check_store(world: LocalWorld, stack: Stack, name: str, run: dict[str, Any]) -> None:
    """Check that the days up to the run's own are stored as GRDF reports them, with their exact sums."""
    (pce,) = holder(name).pces
    today = world.control.today()
    last = date.fromisoformat(run["data_interval_start"][:10])
    stored = stack.stored(name, pce)
    days = {period: load for period, load in stored.items() if len(period) == 10}
    expected = world.control.expected(pce, min(days), today)
    assert days == {day: load for day, load in expected.items() if day <= last.isoformat()}
    assert len(days) > 1000
    assert stored == summed(days)


def logs_of(airflow: AirflowStack, runs: Iterable[dict[str, Any]]) -> str:
    """Return the task logs of failed runs, to help find the reason."""
    return "\n".join(
        airflow.task_log(run["dag_id"], run["dag_run_id"], task)
        for run in runs
        if run["state"] != "success"
        for task in TASKS
    )


def wait_for_backfill(airflow: AirflowStack, dag: str, number: int) -> list[dict[str, Any]]:
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        runs = [run for run in airflow.runs(dag) if run["run_type"] == "backfill"]
        if len(runs) >= number and all(run["state"] in ("success", "failed") for run in runs):
            return runs
        time.sleep(1)
    raise AssertionError(f"the backfill did not end: {airflow.runs(dag)}")


def shared_token(stack: Stack) -> str:
    """Return the data token, which only Airflow's own key can decrypt."""
    code = "from airflow.models.variable import Variable; print('TOKEN', Variable.get('grdf_data_token'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | stack.airflow.env,
        capture_output=True,
        text=True,
        check=True,
        cwd=stack.airflow.home,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("TOKEN "))
    return str(json.loads(line.removeprefix("TOKEN "))["value"])
