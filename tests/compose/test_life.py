"""A household on ``docker compose up``: it connects, is read, outlives crashes and a restart, and leaves."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from include.gas.documents.gas_days import dag_id
from include.sandbox.control import SandboxControl
from tests.compose.household import connect, corrects, days, is_right
from tests.compose.installation import APPROVER, APPROVERS_PASSWORD, Installation
from tests.helpers import holder

ACCOUNT = "compose-90501"
DELETE = "grdf_delete_account"
SERVERS = ("postgres", "redis", "couchdb")
READERS = ("airflow-dag-processor", "airflow-account-processor")
AIRFLOW = ("airflow-apiserver", "airflow-scheduler", *READERS, "airflow-triggerer")
WORKERS = ("airflow-worker", "airflow-worker-deletion", "proxy")


def no_log_holds_a_secret(installation: Installation) -> None:
    """Check what all containers have written since they were created, but GRDF's stand-in, which tells its secrets."""
    told = installation.compose("logs", "--no-color", *(name for name in installation.services() if name != "grdf"))
    assert "airflow-worker" in told, "they were read"
    words = ("PASSWORD", "SECRET", "_KEY")
    secret = [value for name, value in installation.env.items() if value and any(word in name for word in words)]
    assert len(secret) == 10, "all that were filled in"
    assert [value[:2] for value in secret if value in told] == []
    for word in ("?token=", "?code=", "&code=", "Bearer ey", holder(ACCOUNT).email, *holder(ACCOUNT).pces):
        assert word not in told, f"a log says {word!r}"


def test_everything_starts(installation: Installation) -> None:
    assert installation.odd() == {}
    assert len(installation.services()) == 14


def test_a_household_connects_through_the_proxy_and_is_read(installation: Installation) -> None:
    connect(installation, ACCOUNT)
    assert installation.end_of(dag_id(ACCOUNT))["state"] == "success"
    assert is_right(installation, ACCOUNT)


def killed(installation: Installation, service: str) -> int:
    """Kill a container's process, and return how often it had been started again before.

    Airflow's processes may just be starting again by themselves, as they do after PostgreSQL was killed.
    """

    def tried() -> tuple[int] | None:
        found = installation.container(service)
        if not (pid := found["State"]["Pid"]):
            return None
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return (found["RestartCount"],)

    return installation.await_(tried, f"a process of {service}")[0]


@pytest.mark.parametrize("services", [SERVERS, AIRFLOW, WORKERS], ids=lambda each: each[0])
def test_what_is_killed_comes_back(installation: Installation, services: tuple[str, ...]) -> None:
    """A crash is one of the process itself: what is killed through Docker is meant to stay away."""
    before = {name: killed(installation, name) for name in services}

    def back() -> bool:
        restarted = all(installation.container(name)["RestartCount"] > before[name] for name in services)
        return restarted and not installation.odd()

    installation.await_(back, f"{', '.join(services)} healthy again")


def test_it_goes_on_after_the_crashes(installation: Installation) -> None:
    corrects(installation, ACCOUNT, 77)
    no_log_holds_a_secret(installation)


def test_it_finds_everything_after_a_restart(installation: Installation) -> None:
    before = days(installation, ACCOUNT)
    installation.down()
    installation.up()
    assert installation.odd() == {}
    assert days(installation, ACCOUNT) == before
    corrects(installation, ACCOUNT, 78)


def test_the_household_leaves(installation: Installation) -> None:
    made = installation.inside(
        "airflow-apiserver", "airflow", "users", "create", "--role", "Op", "--username", APPROVER,
        "--password", APPROVERS_PASSWORD, "--firstname", "Invented", "--lastname", "Op", "--email", "op@example.org",
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    (pce,) = holder(ACCOUNT).pces
    run = installation.start(DELETE, account=ACCOUNT, confirm=ACCOUNT, dry_run=False)
    approve(installation, run)
    assert installation.end_of(DELETE, run)["state"] == "success"
    assert installation.call("GET", f"/grdf/accounts/{ACCOUNT}").status_code == 404
    rights = [each for each in SandboxControl(installation.control()).consents() if each["id_pce"] == pce]
    assert [each["etat_droit_acces"] for each in rights] == ["Révoquée"]
    no_log_holds_a_secret(installation)


def approve(installation: Installation, run: str) -> None:
    """Approve as a second person, once the scheduler has noticed that the task waits (tests/browser/up.py says why)."""
    path = f"/api/v2/dags/{DELETE}/dagRuns/{run}/taskInstances/approve"

    def waits() -> bool:
        task: dict[str, Any] = installation.call("GET", path).json()
        lines = installation.compose("logs", "--no-color", "airflow-scheduler").splitlines()
        heard = [line for line in lines if "Received executor event" in line and "'approve'" in line and run in line]
        return task.get("state") == "awaiting_input" and bool(heard)

    installation.await_(waits, "the approval")
    given = {"chosen_options": ["Approve"], "params_input": {}}
    answer = installation.call("PATCH", f"{path}/-1/hitlDetails", user=APPROVER, json=given)
    assert answer.ok, answer.text
