"""Who may clear a DAG's runs, but not start one, does not let it begin again, by whatever way Airflow's API has."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fastapi import HTTPException, Request

from grdf.page import repeated_runs
from include.gas.documents.gas_days import dag_id
from include.sandbox.processes import Processes
from tests.connect.keepers import DAGS, OTHER, OWN, RANGE, ClearerSite, start
from tests.connect.site import Site
from tests.helpers import wait

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ONCE: list[tuple[str, dict[str, Any]]] = [
    ("grdf_consents", {"accounts": [OTHER], "dry_run": False}),
    ("grdf_delete_account", {"account": OTHER, "confirm": OTHER, "dry_run": False}),
    ("grdf_import_accounts", {"file": "homes.csv", "dry_run": False}),
    ("grdf_adopt_rights", {"dry_run": False}),
    ("grdf_send_proof", {}),
]
"""Orders that are carried out in the name of who gave them."""

BY_RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("grdf_history", RANGE),
    ("grdf_history", {"accounts": [OWN, OTHER], **RANGE}),
    ("grdf_published", {"accounts": [OTHER]}),
    ("grdf_adopt_konnector", {"account": OTHER}),
]
"""Orders that reach an account, or all."""


@pytest.fixture(scope="module")
def kept(world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An API server with FAB that knows the project's DAGs. No scheduler begins their runs."""
    world.book.save({"_id": OWN, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": {}})
    with Processes() as processes:
        made = ClearerSite(tmp_path_factory.mktemp("kept"), world)
        made.start(processes, "dag-processor")
        admin = made.program("admin")
        wait(lambda: all(admin.get(f"{made.url}/api/v2/dags/{dag}", timeout=60).ok for dag in (*DAGS, dag_id(OWN))))
        yield made


def send(site: Site, who: str, method: str, path: str, body: dict[str, Any] | None = None) -> requests.Response:
    def tried() -> tuple[requests.Response] | None:
        answer = site.program(who).request(method, f"{site.url}/api/v2/dags/{path}", json=body, timeout=60)
        return None if answer.status_code == 500 else (answer,)  # SQLite may be locked at that moment

    return wait(tried)[0]  # type: ignore[no-any-return]  # a refusal counts as false by itself


def order(site: Site, dag: str, conf: dict[str, Any]) -> str:
    """Start a run as an administrator."""
    answer = start(site, "admin", dag, **conf)
    assert answer.ok, answer.text
    return str(answer.json()["dag_run_id"])


def cancelled(site: Site, dag: str, conf: dict[str, Any]) -> str:
    """Start a run, and mark it as failed before it has begun."""
    run = order(site, dag, conf)
    answer = send(site, "admin", "PATCH", f"{dag}/dagRuns/{run}", {"state": "failed"})
    assert answer.ok, answer.text
    return run


def written(site: Site, run: str, of_run: str | None, of_tasks: str | None) -> None:
    """Give a run and its tasks other states, as a scheduler would."""
    with closing(sqlite3.connect(site.stack.home / "airflow.db", timeout=60)) as base, base:
        base.execute("update dag_run set state = coalesce(?, state) where run_id = ?", (of_run, run))
        base.execute("update task_instance set state = coalesce(?, state) where run_id = ?", (of_tasks, run))


def states(site: Site, dag: str, run: str) -> tuple[str, list[str | None]]:
    admin, url = site.program("admin"), f"{site.url}/api/v2/dags/{dag}/dagRuns/{run}"
    tasks = admin.get(f"{url}/taskInstances", timeout=60).json()["task_instances"]
    return admin.get(url, timeout=60).json()["state"], [each["state"] for each in tasks]


def first_task(site: Site, dag: str, run: str) -> dict[str, Any]:
    found = site.program("admin").get(f"{site.url}/api/v2/dags/{dag}/dagRuns/{run}/taskInstances", timeout=60)
    return dict(min(found.json()["task_instances"], key=lambda each: each["task_id"]))


def clear_run(site: Site, who: str, dag: str, run: str) -> requests.Response:
    body = {"dry_run": False, "only_failed": False}
    return send(site, who, "POST", f"{dag}/dagRuns/{run}/clear", body)


def clear_runs(site: Site, who: str, dag: str, run: str) -> requests.Response:
    body = {"dry_run": False, "only_failed": False, "dag_runs": [{"dag_run_id": run}]}
    return send(site, who, "POST", f"{dag}/clearDagRuns", body)


def clear_partitions(site: Site, who: str, dag: str, run: str) -> requests.Response:
    body = {"dry_run": False, "run_id": run, "clear_task_instances": True}
    return send(site, who, "POST", f"{dag}/clearPartitions", body)


def clear_tasks(site: Site, who: str, dag: str, run: str) -> requests.Response:
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": True}
    return send(site, who, "POST", f"{dag}/clearTaskInstances", body)


def clear_tasks_alone(site: Site, who: str, dag: str, run: str) -> requests.Response:
    body = {"dry_run": False, "dag_run_id": run, "only_failed": False, "reset_dag_runs": False}
    return send(site, who, "POST", f"{dag}/clearTaskInstances", body)


def queue(site: Site, who: str, dag: str, run: str) -> requests.Response:
    return send(site, who, "PATCH", f"{dag}/dagRuns/{run}", {"state": "queued"})


def queue_in_bulk(site: Site, who: str, dag: str, run: str) -> requests.Response:
    entities = [{"dag_run_id": run, "dag_id": dag, "state": "queued"}]
    return send(site, who, "PATCH", "~/dagRuns", {"actions": [{"action": "update", "entities": entities}]})


def delete_task(site: Site, who: str, dag: str, run: str) -> requests.Response:
    task = first_task(site, dag, run)["task_id"]
    return send(site, who, "DELETE", f"{dag}/dagRuns/{run}/taskInstances/{task}")


def delete_task_in_bulk(site: Site, who: str, dag: str, run: str) -> requests.Response:
    entities = [{"task_id": first_task(site, dag, run)["task_id"]}]
    body = {"actions": [{"action": "delete", "entities": entities}]}
    return send(site, who, "PATCH", f"{dag}/dagRuns/{run}/taskInstances", body)


Way = Callable[[Site, str, str, str], requests.Response]
CLEARING: list[Way] = [clear_run, clear_runs, clear_partitions, clear_tasks, clear_tasks_alone]
QUEUEING: list[Way] = [queue, queue_in_bulk]
DELETING: list[Way] = [delete_task, delete_task_in_bulk]


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return status and text of a refusal. Airflow's routes for many at once say them in their answer."""
    if not answer.ok:
        return answer.status_code, answer.json()["detail"]
    (error,) = answer.json()["update"]["errors"]
    return error["status_code"], error["error"]


@pytest.mark.parametrize(("dag", "conf"), ONCE, ids=str)
def test_nobody_repeats_an_order_that_is_carried_out_in_a_name(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    assert start(kept, "clearer", dag, **conf).status_code == 403
    run = cancelled(kept, dag, conf)
    before = states(kept, dag, run)
    assert before[0] == "failed"
    for who in ("clearer", "admin"):
        for way in (*CLEARING, *QUEUEING):
            status, said = refusal(way(kept, who, dag, run))
            assert status == 409, said
            assert f"A run of {dag} is carried out once" in said, (way.__name__, who)
            assert f"Start {dag} anew" in said
            assert states(kept, dag, run) == before, (way.__name__, who)


@pytest.mark.parametrize(("dag", "conf"), BY_RIGHT, ids=str)
def test_who_may_not_start_a_run_does_not_repeat_it(kept: Site, dag: str, conf: dict[str, Any]) -> None:
    run = cancelled(kept, dag, conf)
    before = states(kept, dag, run)
    for who in ("clearer", "keeper"):
        for way in (*CLEARING, *QUEUEING):
            status, said = refusal(way(kept, who, dag, run))
            assert status == 403, said
            assert said.startswith("This run does not begin again. You may not "), (way.__name__, who)
            assert states(kept, dag, run) == before, (way.__name__, who)


@pytest.mark.parametrize(
    ("who", "dag", "conf"),
    [
        ("op", "grdf_history", RANGE),
        ("op", "grdf_history", {"accounts": [OTHER], **RANGE}),
        ("keeper", "grdf_history", {"accounts": [OWN], **RANGE}),
        ("keeper", "grdf_adopt_konnector", {"account": OWN}),
        ("keeper", "grdf_published", {"accounts": [OWN]}),
        ("clearer", "grdf_published", {}),
        ("clearer", "grdf_consents", {}),
    ],
    ids=str,
)
def test_who_may_start_a_run_repeats_it(kept: Site, who: str, dag: str, conf: dict[str, Any]) -> None:
    """The daily checks name no account: who may start them may clear them, and every way that Airflow has works."""
    for way in (clear_run, clear_runs, clear_partitions, clear_tasks, queue, queue_in_bulk):
        run = cancelled(kept, dag, conf)
        answer = way(kept, who, dag, run)
        assert answer.ok, answer.text
        assert not answer.json().get("update", {}).get("errors"), answer.text
        assert states(kept, dag, run)[0] == "queued", way.__name__


def test_a_task_of_a_deletion_that_is_marked_clears_none_after_it(kept: Site) -> None:
    """Airflow clears the failed tasks behind a task that is marked as successful."""
    dag, conf = ONCE[1]
    run = cancelled(kept, dag, conf)
    written(kept, run, None, "upstream_failed")
    path = f"{dag}/dagRuns/{run}/taskInstances/check"
    answer = send(kept, "clearer", "PATCH", path, {"new_state": "success"})
    assert answer.status_code == 409, answer.text
    state, tasks = states(kept, dag, run)
    assert (state, set(tasks)) == ("failed", {"upstream_failed"})


@pytest.mark.parametrize(("dag", "conf", "status"), [(*ONCE[2], 409), (*BY_RIGHT[0], 403)], ids=str)
def test_no_task_of_a_run_that_goes_on_is_repeated(kept: Site, dag: str, conf: dict[str, Any], status: int) -> None:
    run = order(kept, dag, conf)
    written(kept, run, "running", "success")
    before = states(kept, dag, run)
    for way in (*CLEARING, *QUEUEING, *DELETING):
        assert refusal(way(kept, "clearer", dag, run))[0] == status, way.__name__
        assert states(kept, dag, run) == before, way.__name__
    assert clear_run(kept, "admin", dag, run).ok is (status == 403)
    written(kept, run, "failed", None)


def test_an_order_is_cancelled_and_removed_as_before(kept: Site) -> None:
    for dag, conf in (*ONCE, *BY_RIGHT):
        run = order(kept, dag, conf)
        assert send(kept, "clearer", "PATCH", f"{dag}/dagRuns/{run}", {"state": "failed"}).ok
        assert delete_task(kept, "clearer", dag, run).ok
        assert refusal(queue(kept, "clearer", dag, run))[0] in (403, 409), "Airflow would make that task anew"
        assert send(kept, "clearer", "DELETE", f"{dag}/dagRuns/{run}").status_code == 204
        assert send(kept, "clearer", "DELETE", f"{dag}/dagRuns/{order(kept, dag, conf)}").status_code == 204, "queued"


@pytest.mark.parametrize(
    ("scope", "is_kept"),
    [
        ({"method": "POST", "path": "/api/v2/dags/x/dagRuns/y/clear"}, True),
        ({"method": "GET", "path": "/api/v2/dags/x/dagRuns/y"}, False),
        ({"method": "POST", "path": "/gas/api/v2/dags/execution/dagRuns/y/clear", "root_path": "/gas"}, True),
        ({"method": "POST", "path": "/execution/dag-runs/x/y/clear"}, False),
        ({"method": "POST", "path": "/gas/execution/dag-runs/x/y/clear", "root_path": "/gas"}, False),
        ({"type": "lifespan"}, False),
    ],
    ids=str,
)
def test_what_a_task_asks_for_is_not_a_user_s(scope: dict[str, Any], is_kept: bool) -> None:
    """Nor does a request that only looks begin anything again."""
    found: list[object] = []

    async def app(*_: object) -> None:
        found.append(repeated_runs._ASKED.get())

    full = {"type": "http", "headers": [], "query_string": b"", **scope}
    asyncio.run(repeated_runs.RequestAtHand(app)(full, None, None))  # type: ignore[arg-type]  # none is used
    assert (found[0] is not None) is is_kept
    assert repeated_runs._ASKED.get() is None


def test_where_airflow_does_not_say_who_asks_nothing_begins_again() -> None:
    """Here no server has made the request."""
    told = asyncio.run(repeated_runs._sender(Request({"type": "http", "headers": []})))
    assert isinstance(told, HTTPException)
    assert told.status_code in (401, 503)


def test_an_airflow_that_has_moved_its_runs_closes_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grdf.page.security.CLOSED", False)
    monkeypatch.setattr("airflow.models.taskinstance.TaskInstance.state", "moved")
    monkeypatch.setattr("sqlalchemy.event.contains", lambda *_: False)
    repeated_runs.watch()
    assert repeated_runs.security.CLOSED
