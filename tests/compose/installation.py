"""An installation by ``docker-compose.yaml``, as docs/compose.md has it, in a folder of its own, and its household."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from include.gas.days.gas_day import paris_today
from include.gas.documents.day_documents import dag_id
from include.sandbox.adict import identity
from include.sandbox.control import SandboxControl, consent_through_browser
from include.sandbox.processes import free_port
from tests.certificates import Authority
from tests.commands import Shell, commands
from tests.compose.engine import AIRFLOW, HERE, ROOT, SERVERS, Engine
from tests.helpers import holder

PATIENCE = 900.0
EDITOR = """
import pathlib, re, sys
file = pathlib.Path(sys.argv[1])
text = file.read_text()
for name, value in {values!r}.items():
    text, count = re.subn(f"(?m)^{{name}}=.*$", f"{{name}}={{value}}", text)
    assert count == 1, name
held = dict(re.findall("(?m)^([A-Z_]+)=(.*)$", text))
file.write_text(text.replace("{{AIRFLOW_ADMIN_PASSWORD}}", held["AIRFLOW_ADMIN_PASSWORD"]))
"""
ACCOUNT, APPROVER, APPROVERS_PASSWORD = "compose-90501", "approver", "invented-password-of-the-approver"
(PCE,) = holder(ACCOUNT).pces


class Installation:
    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.project = f"grdf-test-{os.getpid()}"
        self._grdf_data = f"{self.project}-data-of-grdf"  # not one of the installation's, so it stays
        grdf_port, public_port, port = free_port(), free_port(), free_port()
        self.url, self.public = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{public_port}"
        self.grdf = SandboxControl(f"http://{identity.HOST}:{grdf_port}")
        self.variables = engine.env | {
            "COMPOSE_PROJECT_NAME": self.project, "COMPOSE_PROFILES": "public",
            "COMPOSE_FILE": f"docker-compose.yaml:{HERE / 'override.yaml'}", "TEST_IMAGE": AIRFLOW,
            "TEST_SERVERS_IMAGE": SERVERS, "TEST_GRDF_PORT": str(grdf_port), "TEST_GRDF_DATA": self._grdf_data,
            "TEST_TLS": str(folder / "grdf-tls"),
        }  # fmt: skip
        for name in ("docker-compose.yaml", "airflow.env", ".env.example"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        for name in ("tls", "grdf-tls"):
            (folder / name).mkdir()
        self.authority = Authority(folder / "grdf-tls")
        self.authority.certify(folder / "tls", "127.0.0.1", "localhost")
        self.authority.certify(folder / "grdf-tls", "grdf")
        facts, outside = identity.connection_facts(grdf_port), f"http://{identity.HOST}:{grdf_port}"
        values = {
            "GRDF_CLIENT_ID": identity.DATA_CLIENT_ID, "GRDF_CLIENT_SECRET": identity.DATA_CLIENT_SECRET,
            "GRDF_DELETE_CLIENT_ID": identity.DELETE_CLIENT_ID,
            "GRDF_DELETE_CLIENT_SECRET": identity.DELETE_CLIENT_SECRET,
            "GRDF_REDIRECT_URI": f"{self.public}/grdf/callback",
            "GRDF_API_BASE": f"https://grdf:8443{identity.API_PATH}",
            "GRDF_TOKEN_URL": facts["token_url"].replace(outside, "https://grdf:8443"),
            "GRDF_AUTHORIZE_URL": facts["authorize_url"], "GRDF_ISSUER": identity.issuer(8790),
            "AIRFLOW_PORT": str(port), "HTTPS_PORT": str(public_port),
            "DELETION_AIRFLOW_CONNECTION": "http://admin:{AIRFLOW_ADMIN_PASSWORD}@airflow-apiserver:8080",
        }  # fmt: skip
        # What a person would type: the project's script, and an editor that fills in .env.
        (folder / "grdf").symlink_to(ROOT / "grdf")
        (folder / "editor.py").write_text(EDITOR.format(values=values), encoding="utf-8")
        (folder / "settings.env").write_text("AIRFLOW__GRDF__HOUSEHOLD_LINKS=True\n", encoding="utf-8")
        self.shell = Shell(folder, os.environ | self.variables | {"EDITOR": f"{sys.executable} editor.py"})

    def filled_in(self) -> dict[str, str]:
        return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", (self.folder / ".env").read_text(encoding="utf-8")))

    def compose(self, *arguments: str) -> str:
        return self.engine.run("compose", *arguments, cwd=self.folder, env=self.variables)

    def up(self) -> None:
        self.engine.run("volume", "create", self._grdf_data)
        page = commands(ROOT / "docs" / "compose.md")
        (start,), (files, public) = page["Start"], page["Let households in"]
        assert "docker" not in files, "lines for .env and settings.env, which are written here already"
        for block in (start, public):
            self.shell.run(block, seconds=2 * PATIENCE)

    def remove(self) -> None:
        self.compose("down", "--timeout", "20", "--volumes", "--remove-orphans")
        self.engine.tried("volume", "rm", self._grdf_data)

    def services(self) -> dict[str, dict[str, Any]]:
        found = self.compose("ps", "--all", "--format", "json").splitlines()
        return {each["Service"]: each for each in map(json.loads, found)}

    def container(self, service: str) -> dict[str, Any]:
        return dict(json.loads(self.engine.run("inspect", self.services()[service]["Name"]))[0])

    def odd(self) -> dict[str, str]:
        found = {}
        for name, each in self.services().items():
            over = name in ("airflow-init", "couchdb-setup")
            found[name] = f"{each['State']} {each['ExitCode'] if over else each['Health']}"
        return {name: what for name, what in found.items() if what not in ("exited 0", "running healthy")}

    def inside(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        return self.engine.tried("exec", f"{self.project}-{service}-1", *command)

    def call(self, method: str, path: str, *, user: str = "admin", **more: Any) -> requests.Response:
        password = self.filled_in()["AIRFLOW_ADMIN_PASSWORD"] if user == "admin" else APPROVERS_PASSWORD
        answer = requests.post(f"{self.url}/auth/token", json={"username": user, "password": password}, timeout=120)
        answer.raise_for_status()
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return requests.request(method, f"{self.url}{path}", headers=headers, timeout=300, **more)

    def start(self, dag: str, **conf: Any) -> str:
        answer = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})
        assert answer.ok, answer.text
        return str(answer.json()["dag_run_id"])

    def end_of(self, dag: str, run: str | None = None) -> str:
        """Wait until a run has ended, the newest if none is named, and return its state."""

        def ended() -> str | None:
            answer = self.call("GET", f"/api/v2/dags/{dag}/dagRuns", params={"order_by": "-run_after", "limit": 20})
            runs = answer.json().get("dag_runs", []) if answer.ok else []
            states = [each["state"] for each in runs if run in (None, each["dag_run_id"])]
            return states[0] if states and states[0] in ("success", "failed") else None

        return str(self.wait(ended, f"end of a run of {dag}"))

    def wait(self, found: Callable[[], Any], what: str) -> Any:
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            with suppress(requests.RequestException):
                if value := found():
                    return value
            time.sleep(2)
        raise AssertionError(f"no {what} in {PATIENCE:.0f} s\n{self.compose('logs', '--tail', '30', '--no-color')}")

    def browser(self) -> requests.Session:
        browser = requests.Session()
        browser.trust_env, browser.verify = False, str(self.authority.certificate)
        return browser

    def connect(self) -> None:
        answer = self.call("POST", f"/grdf/connect/{ACCOUNT}/link")
        assert answer.ok, answer.text
        link, browser, who = answer.json()["link"], self.browser(), holder(ACCOUNT)
        assert link.startswith(f"{self.public}/grdf/household?token=")
        page = browser.get(link)
        assert page.ok, page.text
        names = {"first_name": who.first_name, "last_name": who.last_name, "email": who.email}
        sent = browser.post(link, data=names, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False)
        assert sent.status_code == 303, sent.text
        done = browser.get(consent_through_browser(sent.headers["Location"]))
        assert (done.ok, "/household/progress?" in done.url) == (True, True), done.text
        (style,) = re.findall(r'href="[^"]*/grdf/(static/[^"]+\.css[^"]*)"', page.text)[:1]
        assert browser.get(f"{self.public}/grdf/{style}").headers["Content-Type"].startswith("text/css")
        assert self.end_of(dag_id(ACCOUNT)) == "success"
        assert self.is_right()

    def days(self) -> dict[str, float]:
        answer = self.call("GET", f"/grdf/accounts/{ACCOUNT}/days.csv")
        assert answer.ok, answer.text
        return {row["day"]: float(row["kwh"]) for row in csv.DictReader(answer.text.splitlines())}

    def is_right(self) -> bool:
        last, stored = paris_today(datetime.now(UTC)) - timedelta(days=5), self.days()
        wanted = self.grdf.expected(PCE, last - timedelta(days=1000), last)
        return len(wanted) > 900 and all(abs(stored.get(day, -1) - kwh) <= 0.5 for day, kwh in wanted.items())

    def reads_on(self, kwh: int) -> None:
        assert self.odd() == {}
        day = paris_today(datetime.now(UTC)) - timedelta(days=20)
        self.grdf.correct(PCE, day, kwh)
        assert self.end_of(dag_id(ACCOUNT), self.start(dag_id(ACCOUNT))) == "success"
        assert self.days()[day.isoformat()] == kwh
        assert self.is_right()
