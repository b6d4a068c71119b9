"""``./grdf up``, started as a person would, and Airflow's API to check the results."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from include.sandbox.airflow_stack import ADMIN, APPROVER, VIEWER
from include.sandbox.processes import Processes
from tests import postgres
from tests.helpers import PATIENCE, wait

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
SAID = re.compile(
    rf"Airflow's UI\s+(?P<url>http://\S+)\s+user {ADMIN}, password (?P<admin>\S+)"
    rf"\s+to look only: user {VIEWER}, password (?P<viewer>\S+)"
    rf"\s+to approve deletions: user {APPROVER}, password (?P<approver>\S+)"
    r"(?s:.*)GRDF's e-mails (?P<sandbox>\S+)/mailbox"
)


class Up:
    def __init__(self, processes: Processes, data: Path) -> None:
        database = postgres.start_postgres(processes) if postgres.available() else None
        child = processes.start(
            "./grdf up",
            [sys.executable, "-P", "-m", "include.sandbox.up", "--port", "0", "--data", str(data)],
            log=data / "up.log",
            env={"GRDF_UP_DATABASE": database.airflow_url} if database else {},
            cwd=ROOT,
        )
        child.await_line(r"(?m)^  Ctrl-C ends", PATIENCE)
        self.home = data / "airflow"
        said = SAID.search((data / "up.log").read_text(encoding="utf-8"))
        assert said, "it did not say where it is and who may log in"
        self.url = said["url"]
        self.sandbox = said["sandbox"]
        self._passwords = {ADMIN: said["admin"], VIEWER: said["viewer"], APPROVER: said["approver"]}
        self._session = requests.Session()

    def token(self, role: str) -> str:
        form = {"username": role, "password": self._passwords[role]}
        answer = requests.post(f"{self.url}/auth/token", json=form, timeout=120)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def api(self, method: str, path: str, role: str = ADMIN, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(role)}"}
        return self._session.request(method, f"{self.url}/api/v2{path}", headers=headers, timeout=400, **more)

    def runs(self, dag: str) -> list[dict[str, Any]]:
        answer = self.api("GET", f"/dags/{dag}/dagRuns", params={"order_by": "-run_after"})
        return list(answer.json()["dag_runs"]) if answer.ok else []

    def wait_for_run(self, dag: str) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            return runs[0] if (runs := self.runs(dag)) and runs[0]["state"] == "success" else None

        return dict(wait(ended, f"success of {dag}"))

    def approve(self, dag: str, run: str) -> None:
        """Approve once the scheduler has noticed that the task waits: before that, Airflow 3.3.2 fails it."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/approve"
        log = self.home / "scheduler.log"

        def parked() -> bool:
            if self.api("GET", path).json().get("state") != "awaiting_input":
                return False
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            return any("Received executor event" in line and "'approve'" in line and run in line for line in lines)

        wait(parked, f"approve of {run} that waits for a person")
        time.sleep(0.5)
        given = {"chosen_options": ["Approve"], "params_input": {}}
        answer = self.api("PATCH", f"{path}/-1/hitlDetails", APPROVER, json=given)
        assert answer.ok, answer.text


def run_now(page: Page) -> None:
    """Press *Run now*, and once more if Airflow 3.3.2 answers 500: with SQLite, it locks itself out now and then."""
    from playwright.sync_api import expect

    status = page.get_by_role("status")
    for _ in range(2):
        page.get_by_role("button", name="Run now").click()
        expect(status).to_have_text(re.compile("Started|did not start|could not be reached"), timeout=1000 * PATIENCE)
        if "Started" in status.inner_text():
            return
