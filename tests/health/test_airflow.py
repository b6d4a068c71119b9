"""With all of Airflow's components: what it shows of silent accounts, their mail, and the deadline's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, text

from include.gas.documents.day_documents import dag_id
from include.sandbox.processes import Processes
from tests.health.accounts import today
from tests.health.mail import Mailbox, mail_server
from tests.helpers import PATIENCE, connect_cozy, wait
from tests.stacks import airflow_at

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
READ, PAUSED = "watched-90571", "watched-90572"


@pytest.fixture(scope="module")
def box() -> Iterator[tuple[Mailbox, dict[str, str]]]:
    with mail_server() as found:
        yield found


@pytest.fixture(scope="module")
def stack(
    world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory,
    box: tuple[Mailbox, dict[str, str]],
) -> Iterator[AirflowStack]:  # fmt: skip
    """All components, and alerts by mail."""
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.documents.doctypes import DOCTYPES

    for doctype in DOCTYPES:
        CouchDBHook().create_database(doctype)
    settings = {"retries": "0", **box[1]}
    env = world.connections() | {
        name if name.startswith("AIRFLOW_") else f"AIRFLOW__GRDF__{name.upper()}": value
        for name, value in settings.items()
    }
    for account in (READ, PAUSED):
        connect_cozy(world, account)
    with Processes() as processes:
        airflow = airflow_at(tmp_path_factory.mktemp("stack"), env, processes, airflow_home / "airflow.db")
        airflow.start(processes, triggerer=True)
        yield airflow


def changed(airflow: AirflowStack, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Change something through the API, again if SQLite is locked."""

    def tried() -> Any:
        answer = airflow.api(method, path, json=body)
        return answer if answer.ok else None

    return dict(wait(tried, seconds=60, what=f"{method} {path}").json())


def check(airflow: AirflowStack) -> str:
    """Run grdf_health, and return its log."""
    run = changed(airflow, "POST", "/dags/grdf_health/dagRuns", {"logical_date": None})["dag_run_id"]
    airflow.wait_for_runs({"grdf_health": run}, seconds=PATIENCE)
    return airflow.task_log("grdf_health", run, "check")


def test_who_falls_silent_is_named_with_what_airflow_shows(
    world: LocalWorld, stack: AirflowStack, box: tuple[Mailbox, dict[str, str]]
) -> None:
    """A DAG that is paused, and one that reads and finds nothing new."""
    stack.wait_for_runs({dag_id(name): None for name in (READ, PAUSED)}, seconds=PATIENCE)
    assert stack.runs("grdf_health") == [], "it has no run for the time before the installation"
    changed(stack, "PATCH", f"/dags/{dag_id(PAUSED)}", {"is_paused": True})
    last = str(today() - timedelta(days=9))
    for name in (READ, PAUSED):
        document = world.book.get(name) or {}
        for reading in document["status"]["readings"].values():
            reading["years"] = {last[:4]: {"days": 1, "first": last, "last": last}}
        world.book.save(document)
    log = check(stack)
    named = {line.partition(":")[0]: line for line in log.splitlines()}
    assert f"{PAUSED} (newest day" in named["unread"]
    assert "its DAG is paused" in named["unread"]
    assert f"{READ} (newest day" in named["alone"]
    assert [PAUSED in each and READ in each for each in box[0].texts] == [True]
    assert PAUSED not in check(stack), "it is named once"


def set_back(airflow: AirflowStack, run: str, what: str, at: datetime) -> None:
    """Let time have passed for a run of grdf_health."""
    engine = create_engine(airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    with engine.begin() as connection:
        done = connection.execute(text(what), {"at": at.isoformat(" "), "run": run})
        assert done.rowcount == 1
    engine.dispose()


def test_a_check_that_does_not_end_is_told_by_mail(stack: AirflowStack, box: tuple[Mailbox, dict[str, str]]) -> None:
    """Its pool has no slot, as when the workers are all taken: the run starts and its task never does.

    A day later it is red, for those who have no mail.
    """
    changed(stack, "PATCH", "/pools/default_pool?update_mask=slots", {"pool": "default_pool", "slots": 0})
    late = changed(stack, "POST", "/dags/grdf_health/dagRuns", {"logical_date": None})["dag_run_id"]
    runs = "SELECT id FROM dag_run WHERE run_id = :run AND dag_id = 'grdf_health'"
    set_back(stack, late, f"UPDATE deadline SET deadline_time = :at WHERE dagrun_id = ({runs})", datetime.now(UTC))
    wait(lambda: [each for each in box[0].texts if "has not ended" in each], seconds=300, what="a mail")
    assert "docs/runbook.md, deadline" in box[0].texts[-1]
    begun = datetime.now(UTC) - timedelta(hours=23, minutes=1)
    set_back(stack, late, f"UPDATE dag_run SET start_date = :at WHERE id = ({runs})", begun)
    assert stack.wait_for_runs({"grdf_health": late}, seconds=PATIENCE)["grdf_health"]["state"] == "failed"
