"""A household on ``docker compose up``, from its consent to its leaving, through crashes, a restore and new secrets."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest
import requests
import yaml

from include.gas.documents.day_documents import dag_id
from tests.commands import commands
from tests.compose.engine import ROOT
from tests.compose.installation import ACCOUNT, APPROVER, APPROVERS_PASSWORD, PATIENCE, PCE, Installation
from tests.helpers import holder

PAGE = commands(ROOT / "docs" / "operations.md")
DELETE = "grdf_delete_account"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
RUNNING = sorted(name for name in COMPOSE if name not in ("airflow-init", "couchdb-setup"))
AIRFLOW = [name for name in RUNNING if name.startswith("airflow-")]
PORTS = {"postgres": 5432, "redis": 6379, "couchdb": 5984}
REACHED = {
    "airflow-apiserver": {"postgres", "couchdb"}, "airflow-scheduler": {"postgres", "redis"},
    "airflow-dag-processor": {"postgres"}, "airflow-account-processor": {"postgres", "couchdb"},
    "airflow-triggerer": {"postgres"}, "airflow-worker": {"redis", "couchdb"},
    "airflow-worker-deletion": {"redis", "couchdb"},
}  # fmt: skip
TRY = """
import socket, sys
for at, port in (each.split(":") for each in sys.argv[1:]):
    try:
        socket.create_connection((at, int(port)), 3)
        print(at)
    except OSError:
        pass
"""


def secrets(filled_in: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in filled_in.items() if value and re.search("PASSWORD|SECRET|_KEY", name)}


def check_logs(installation: Installation) -> None:
    logs = installation.compose("logs", "--no-color", *(name for name in installation.services() if name != "grdf"))
    assert "airflow-worker" in logs, "they were read"
    hidden = secrets(installation.filled_in())
    assert len(hidden) == 10, "all that were filled in"
    assert [name for name, value in hidden.items() if value in logs] == []
    words = ("?token=", "?code=", "&code=", "Bearer ey", holder(ACCOUNT).email, PCE)
    assert [word for word in words if word in logs] == []


def test_a_household_connects_through_the_proxy_and_is_read(installation: Installation) -> None:
    assert installation.odd() == {}
    assert len(installation.services()) == 14
    installation.connect()
    for path in ("/", "/api/v2/version", "/grdf/connect/", "/execution/health"):
        assert installation.browser().get(f"{installation.public}{path}").status_code == 404, path
    login = installation.browser().get(f"{installation.url}/api/v2/auth/login")
    assert (login.status_code, login.url.startswith(f"{installation.url}/auth/login")) == (200, True), "operators' own"


def test_no_service_writes_its_own_code_or_is_root(installation: Installation) -> None:
    folders = "/opt/airflow/* /opt/airflow /opt/venv /etc /usr/bin"
    write = f"for each in {folders}; do touch $each/x 2>/dev/null && echo $each; done"
    for service in RUNNING:
        done = installation.inside(service, "sh", "-c", f"id --user; {write}")
        who, *written = done.stdout.split()
        assert (int(who) > 0, set(written) - {"/opt/airflow/logs"}) == (True, set()), (service, done)
        assert written == [] or service != "airflow-apiserver", "it reads logs"


def test_a_server_is_reached_by_those_that_need_it_and_reaches_nothing(installation: Installation) -> None:
    names: dict[str, str] = {}
    for server in PORTS:
        (network,) = installation.container(server)["NetworkSettings"]["Networks"].values()
        names |= {server: server, network["IPAddress"]: server}
        routes = installation.inside(server, "cat", "/proc/net/route").stdout.splitlines()[1:]
        assert "00000000" not in [line.split()[1] for line in routes], "an internal network has no gateway"
    at = [f"{name}:{PORTS[server]}" for name, server in names.items()]
    for service in AIRFLOW:
        reached = installation.inside(service, "python3", "-c", TRY, *at).stdout.split()
        assert sorted(reached) == sorted(name for name, server in names.items() if server in REACHED[service]), service


def kill(installation: Installation, service: str) -> int:
    """Let a container crash: what is killed through Docker stays away. Return how often it had been started again."""

    def killed() -> tuple[int] | None:
        found = installation.container(service)
        if not (pid := found["State"]["Pid"]):
            return None
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return (found["RestartCount"],)

    return int(installation.wait(killed, f"process of {service}")[0])


def test_what_is_killed_comes_back_and_what_lives_finds_it_again(installation: Installation) -> None:
    before = {
        name: kill(installation, name) for name in (*PORTS, "proxy", "airflow-scheduler", "airflow-worker-deletion")
    }

    def back() -> bool:
        restarted = all(installation.container(name)["RestartCount"] > count for name, count in before.items())
        return restarted and not installation.odd()

    installation.wait(back, f"health of {', '.join(before)}")
    installation.reads_on(77)
    check_logs(installation)


def test_what_is_lost_comes_back(installation: Installation) -> None:
    before, folder = installation.days(), installation.folder
    (backup,), (restore,) = PAGE["Back up"], PAGE["Restore"]
    installation.shell.run(backup, seconds=PATIENCE)
    (made,) = (folder / "backup").iterdir()
    assert {each.stat().st_mode & 0o777 for each in (made, made.parent)} == {0o700}
    assert (made / "complete").exists()
    installation.reads_on(71)
    for name in (".env", "settings.env"):
        (folder / name).unlink()
    (folder / ".env").write_bytes((made / ".env").read_bytes())  # for compose itself
    installation.shell.run(restore, seconds=PATIENCE)
    assert installation.days() == before
    installation.reads_on(72)


def test_an_upgrade_and_new_secrets_lose_nothing(installation: Installation) -> None:
    written = installation.filled_in()
    (upgrade,) = commands(ROOT / "docs" / "upgrade.md")["With Docker Compose"]
    helpers, renew, _ = PAGE["New secrets"]
    for block in (upgrade, helpers, renew):
        installation.shell.run(block, seconds=PATIENCE)
        assert installation.odd() == {}
    former, now = secrets(written), installation.filled_in()
    assert {name for name in former if now[name] == former[name] and "GRDF" not in name} == {"AIRFLOW_ADMIN_PASSWORD"}
    installation.reads_on(73)
    check_logs(installation)


def test_the_household_leaves(installation: Installation) -> None:
    made = installation.inside(
        "airflow-apiserver", "airflow", "users", "create", "--role", "Op", "--username", APPROVER,
        "--password", APPROVERS_PASSWORD, "--firstname", "Invented", "--lastname", "Op", "--email", "op@example.org",
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    run = installation.start(DELETE, account=ACCOUNT, confirm=ACCOUNT, dry_run=False)
    approve(installation, run)
    assert installation.end_of(DELETE, run) == "success"
    assert installation.call("GET", f"/grdf/accounts/{ACCOUNT}").status_code == 404
    assert installation.call("GET", f"/api/v2/dags/{dag_id(ACCOUNT)}/dagRuns").json().get("total_entries", 0) == 0
    rights = [each for each in installation.grdf.consents() if each["id_pce"] == PCE]
    assert [each["etat_droit_acces"] for each in rights] == ["Révoquée"]
    check_logs(installation)


def approve(installation: Installation, run: str) -> None:
    path = f"/api/v2/dags/{DELETE}/dagRuns/{run}/taskInstances/approve"

    def waits() -> bool:
        task: dict[str, Any] = installation.call("GET", path).json()
        lines = installation.compose("logs", "--no-color", "airflow-scheduler").splitlines()
        heard = [line for line in lines if "Received executor event" in line and "'approve'" in line and run in line]
        return task.get("state") == "awaiting_input" and bool(heard)

    installation.wait(waits, "approval to give")
    given = {"chosen_options": ["Approve"], "params_input": {}}
    answer = installation.call("PATCH", f"{path}/-1/hitlDetails", user=APPROVER, json=given)
    assert answer.ok, answer.text


def test_ones_own_password_is_replaced_and_airflow_forgets(installation: Installation) -> None:
    (forget,), own = PAGE["What is kept how long"], PAGE["New secrets"][-1]
    assert "dag_run" in installation.shell.run(forget, seconds=PATIENCE)
    installation.shell.run(own, seconds=PATIENCE)
    with pytest.raises(requests.HTTPError, match="401"):
        installation.call("GET", "/api/v2/version")
