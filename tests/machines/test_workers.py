"""Workers that only share servers: they keep the quota, share one token, and lose nothing if one dies."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from include.gas.documents.day_documents import dag_id
from include.sandbox.connect import AccountDocuments, consent, cozy_account
from include.sandbox.figures import summed
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes
from tests.helpers import PATIENCE, holder, stored, wait
from tests.servers import servers_missing

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from tests.machines.celery_stack import CeleryStack

pytestmark = pytest.mark.skipif(
    bool(servers_missing()) and not os.environ.get("CI"), reason=f"not installed here: {servers_missing()}"
)

PREFIX = "machines/"
ACCOUNTS = tuple(f"worked-7100{n}" for n in range(6))
LATE = "worked-71009"
DELETE = "grdf_delete_account"


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


@pytest.fixture(scope="module")
def stack(
    world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory, processes: Processes
) -> Iterator[CeleryStack]:
    from tests.machines.celery_stack import CeleryStack

    env = world.connections()
    env["AIRFLOW_CONN_COUCHDB"] = json.dumps(couch_connection(world))
    for name in ("AIRFLOW_CONN_GRDF_ADICT", "AIRFLOW_CONN_GRDFGRANDLYON_DELETE"):
        connection = json.loads(env[name])
        connection["extra"]["calls_per_second"] = 1
        env[name] = json.dumps(connection)
    env |= {"AIRFLOW__GRDF__RETRY_SECONDS": "5", "AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False"}
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("AIRFLOW__GRDF__", "AIRFLOW_CONN_"))]:
            patch.delenv(name)
        patch.setenv("AIRFLOW_CONN_MACHINES_COUCHDB", env["AIRFLOW_CONN_COUCHDB"])
        stack = CeleryStack(tmp_path_factory.mktemp("machines") / "airflow", env, processes)
        world.control.set(calls_per_second=1)
        world.control.clear_log()
        stack.start(processes)
        yield stack
        world.control.set(calls_per_second=None)


def couch_connection(world: LocalWorld) -> dict[str, Any]:
    connection: dict[str, Any] = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"])
    return connection | {"extra": {"database_prefix": PREFIX}}


def connect(world: LocalWorld, account: str) -> None:
    book = AccountDocuments(world.couch.url, world.couch.user, world.couch.password, PREFIX)
    book.save(cozy_account(account, consent(world.facts, holder(account)), world.facts))


def check_store(world: LocalWorld, couch: CouchDBHook, account: str) -> None:
    (pce,) = holder(account).pces
    figures = stored(couch, account, pce)
    days = {period: load for period, load in figures.items() if len(period) == 10}
    expected = world.control.expected(pce, min(days), world.control.today())
    assert days == {day: load for day, load in expected.items() if day <= max(days)}
    assert len(days) > 1000
    assert figures == summed(days)


def taken_by(stack: CeleryStack) -> list[int]:
    return [worker.output().count("execute_workload[") for worker in stack.workers]


def test_first_launches_on_two_workers(world: LocalWorld, stack: CeleryStack) -> None:
    from grdf.hooks.couchdb import CouchDBHook

    for account in ACCOUNTS:
        connect(world, account)
    runs = stack.wait_for_runs({dag_id(account): None for account in ACCOUNTS}, seconds=PATIENCE)
    assert {run["state"] for run in runs.values()} == {"success"}
    couch = CouchDBHook("machines_couchdb")
    for account in ACCOUNTS:
        check_store(world, couch, account)
    log = [call for call in world.control.log() if call["client_id"]]
    # One call may come too early where the machine is too busy to send the one before in time. Workers that do not
    # share their count of the calls would meet a refusal at every other one.
    assert Counter(call["status"] for call in log)[429] <= 1, "the quota is one for all workers"
    answered = Counter(call["path"].rpartition("/")[2] for call in log if call["status"] == 200)
    assert answered["donnees_consos_informatives"] == len(ACCOUNTS)
    tokens = [call["grant"] for call in log if call["path"].endswith("/access_token")]
    assert tokens.count("client_credentials") == 1, "one token serves all"
    assert min(taken_by(stack)) > 0, "both have worked"
    assert stack.store.objects() == [], "what was staged is loaded and gone"
    homes = [stack.home.with_name(f"{stack.home.name}-worker-{n}") for n in (1, 2)]
    assert not any(file for home in homes for file in (home / "grdf").rglob("*.json")), "no disk is shared or needed"


def test_a_killed_worker_loses_nothing_and_a_deletion_runs_where_its_secret_is(
    world: LocalWorld, stack: CeleryStack
) -> None:
    from grdf.hooks.couchdb import CouchDBHook

    world.control.fault("/donnees_consos_informatives", delay_s=20, times=1)
    connect(world, LATE)
    dag = dag_id(LATE)

    def extracting() -> int | None:
        tasks = stack.api("GET", f"/dags/{dag}/dagRuns/~/taskInstances").json().get("task_instances", ())
        pids = [each["pid"] for each in tasks if each["task_id"] == "extract" and each["state"] == "running"]
        return pids[0] if pids else None

    above = psutil.Process(wait(extracting, what="task extract that runs")).parents()
    (victim,) = {process.pid for process in above} & {worker.pid for worker in stack.workers}
    for process in [*psutil.Process(victim).children(recursive=True), psutil.Process(victim)]:
        with suppress(psutil.NoSuchProcess):  # some end with the one above them
            process.kill()  # as if the machine lost power
    stack.api("PATCH", f"/dags/{DELETE}", json={"is_paused": False}).raise_for_status()
    asked = {"account": ACCOUNTS[0], "confirm": ACCOUNTS[0], "dry_run": False}
    made = stack.api("POST", f"/dags/{DELETE}/dagRuns", json={"logical_date": None, "conf": asked}).json()
    runs = stack.wait_for_runs({DELETE: made["dag_run_id"], dag: None}, seconds=PATIENCE)
    assert {name: run["state"] for name, run in runs.items()} == {DELETE: "success", dag: "success"}
    (pce,) = holder(ACCOUNTS[0]).pces
    rights = [each for each in world.control.consents() if each["id_pce"] == pce]
    assert [each["etat_droit_acces"] for each in rights] == ["Révoquée"]
    tasks = stack.api("GET", f"/dags/{DELETE}/dagRuns/~/taskInstances").json()["task_instances"]
    ran = {each["task_id"] for each in tasks if each["state"] == "success"}
    assert {"check", "mark_leaving", "revoke", "purge"} <= ran
    assert stack.deletions.output().count("execute_workload[") >= len(ran), "where the secret is"
    check_store(world, CouchDBHook("machines_couchdb"), LATE)
    again = stack.api("GET", f"/dags/{dag}/dagRuns/{runs[dag]['dag_run_id']}/taskInstances/extract").json()
    assert again["try_number"] > 1
    assert stack.store.objects() == []
