"""A household on ``docker compose up``: it connects, is read, outlives crashes and a restart, and leaves."""

from __future__ import annotations

import csv
import os
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from include.gas.days.gas_day import paris_today
from include.gas.documents.gas_days import dag_id
from include.sandbox.control import SandboxControl, consent_through_browser
from tests.compose.installation import APPROVER, APPROVERS_PASSWORD, Installation
from tests.helpers import holder

ACCOUNT = "compose-90501"
DELETE = "grdf_delete_account"
SERVERS = ("postgres", "redis", "couchdb")
AIRFLOW = ("airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
WORKERS = ("airflow-worker", "airflow-worker-deletion", "proxy")


def household(installation: Installation) -> requests.Session:
    """Return the household's browser, which trusts the proxy's certificate."""
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = str(installation.authority.certificate)
    return browser


def days(installation: Installation) -> dict[str, float]:
    """Return the kWh of each stored day, as the page gives them out."""
    answer = installation.call("GET", f"/grdf/accounts/{ACCOUNT}/days.csv")
    assert answer.ok, answer.text
    return {row["day"]: float(row["kwh"]) for row in csv.DictReader(answer.text.splitlines())}


def expected(installation: Installation) -> dict[str, float]:
    """Return what GRDF would give for all days that are over and old enough to be published."""
    (pce,) = holder(ACCOUNT).pces
    last = paris_today(datetime.now(UTC)) - timedelta(days=5)
    return SandboxControl(installation.control()).expected(pce, last - timedelta(days=1000), last)


def is_right(installation: Installation) -> bool:
    stored = days(installation)
    return all(abs(stored.get(day, -1) - kwh) <= 0.5 for day, kwh in expected(installation).items())


def healthy(installation: Installation) -> dict[str, str]:
    """Return the services that are not as they should be, with what they are."""
    odd = {}
    for name, each in installation.services().items():
        over = name in ("airflow-init", "couchdb-setup")
        what = f"{each['State']} {each['ExitCode'] if over else each['Health']}"
        if what != ("exited 0" if over else "running healthy"):
            odd[name] = what
    return odd


def no_log_holds_a_secret(installation: Installation) -> None:
    """Check what all containers have written since they were created."""
    told = installation.compose("logs", "--no-color")
    assert "airflow-worker" in told, "they were read"
    words = ("PASSWORD", "SECRET", "_KEY")
    secret = [value for name, value in installation.env.items() if value and any(word in name for word in words)]
    assert len(secret) == 10, "all that were filled in"
    assert [value[:2] for value in secret if value in told] == []
    for word in ("token=", "code=", "Bearer ey", holder(ACCOUNT).email, *holder(ACCOUNT).pces):
        assert word not in told, f"a log says {word!r}"


def test_everything_starts(installation: Installation) -> None:
    assert healthy(installation) == {}
    assert len(installation.services()) == 13


def test_a_household_connects_through_the_proxy_and_is_read(installation: Installation) -> None:
    answer = installation.call("POST", f"/grdf/connect/{ACCOUNT}/link")
    assert answer.ok, answer.text
    link = answer.json()["link"]
    assert link.startswith(f"{installation.public}/grdf/household?token=")
    browser, who = household(installation), holder(ACCOUNT)
    page = browser.get(link)
    assert page.ok
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")
    names = {"first_name": who.first_name, "last_name": who.last_name, "email": who.email}
    sent = browser.post(link, data=names, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False)
    assert sent.status_code == 303, sent.text
    done = browser.get(consent_through_browser(sent.headers["Location"]))
    assert done.ok
    assert "connected" in done.text
    assert installation.end_of(dag_id(ACCOUNT))["state"] == "success"
    assert len(expected(installation)) > 900
    assert is_right(installation)


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
        return restarted and not healthy(installation)

    installation.await_(back, f"{', '.join(services)} healthy again")


def test_it_goes_on_after_the_crashes(installation: Installation) -> None:
    corrected = paris_today(datetime.now(UTC)) - timedelta(days=20)
    (pce,) = holder(ACCOUNT).pces
    SandboxControl(installation.control()).correct(pce, corrected, 77)
    run = installation.start(dag_id(ACCOUNT))
    assert installation.end_of(dag_id(ACCOUNT), run)["state"] == "success"
    assert days(installation)[corrected.isoformat()] == 77
    assert is_right(installation)
    no_log_holds_a_secret(installation)


def test_it_finds_everything_after_a_restart(installation: Installation) -> None:
    before = days(installation)
    installation.down()
    installation.up()
    assert healthy(installation) == {}
    assert days(installation) == before
    run = installation.start(dag_id(ACCOUNT))
    assert installation.end_of(dag_id(ACCOUNT), run)["state"] == "success"


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
    rights = [each for each in SandboxControl(installation.control()).consents() if each["pce"] == pce]
    assert [each["etat"] for each in rights] == ["Révoquée"]
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
