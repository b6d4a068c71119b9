"""An installation by ``docker-compose.yaml``, as its README says, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

from include.gas.documents.gas_days import dag_id
from include.sandbox.adict import identity
from include.sandbox.processes import free_port
from tests.commands import Shell, commands
from tests.compose.certificates import Authority
from tests.compose.engine import Engine
from tests.compose.images import AIRFLOW, GRDF, SERVERS

ROOT = Path(__file__).resolve().parents[2]
OVERRIDE = Path(__file__).resolve().parent / "override.yaml"
T = TypeVar("T")

PATIENCE = 900.0
"""Seconds that anything of a whole Airflow may take."""

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
APPROVER, APPROVERS_PASSWORD = "approver", "invented-password-of-the-approver"


class Installation:
    """The services of the compose file, with images that can be had here and GRDF's stand-in beside them.

    :param engine: the Docker engine
    :param folder: an empty folder, for ``.env``, certificates and what else the installation has
    """

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.project = f"grdf-test-{os.getpid()}"
        self._grdf_data = f"{self.project}-data-of-grdf"  # not one of the installation's, so that nobody removes it
        self.grdf_port, self.public_port, self.port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.public = f"https://127.0.0.1:{self.public_port}"
        for name in ("docker-compose.yaml", "airflow.env", ".env.example"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(ROOT / "deploy", folder / "deploy")
        for name in ("tls", "grdf-tls"):
            (folder / name).mkdir()
        self.authority = Authority(folder / "grdf-tls")
        self.authority.certify(folder / "tls", "127.0.0.1", "localhost")
        self.authority.certify(folder / "grdf-tls", "grdf")
        self._fill_in()
        self.env: dict[str, str] = {}
        (folder / "settings.env").write_text(
            f"AIRFLOW__API__BASE_URL={self.public}\nAIRFLOW__GRDF__HOUSEHOLD_LINKS=True\n", encoding="utf-8"
        )

    def _fill_in(self) -> None:
        """Prepare what a person would type: the project's script, and an editor that fills in ``.env``."""
        (self.folder / "grdf").symlink_to(ROOT / "grdf")
        inside, outside = f"https://grdf:8443{identity.API_PATH}", f"http://{identity.HOST}:{self.grdf_port}"
        facts = identity.connection_facts(self.grdf_port)
        values = {
            "GRDF_CLIENT_ID": identity.DATA_CLIENT_ID,
            "GRDF_CLIENT_SECRET": identity.DATA_CLIENT_SECRET,
            "GRDF_DELETE_CLIENT_ID": identity.DELETE_CLIENT_ID,
            "GRDF_DELETE_CLIENT_SECRET": identity.DELETE_CLIENT_SECRET,
            "GRDF_REDIRECT_URI": f"{self.public}/grdf/callback",
            "GRDF_API_BASE": inside,
            "GRDF_TOKEN_URL": facts["token_url"].replace(outside, "https://grdf:8443"),
            "GRDF_AUTHORIZE_URL": facts["authorize_url"],
            "GRDF_ISSUER": identity.issuer(8790),
            "AIRFLOW_PORT": str(self.port),
            "HTTPS_PORT": str(self.public_port),
            "DELETION_AIRFLOW_CONNECTION": "http://admin:{AIRFLOW_ADMIN_PASSWORD}@airflow-apiserver:8080",
        }
        (self.folder / "editor.py").write_text(EDITOR.format(values=values), encoding="utf-8")

    def filled_in(self) -> dict[str, str]:
        """Return what is in ``.env`` now."""
        return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", (self.folder / ".env").read_text(encoding="utf-8")))

    # ---- Docker ----

    def variables(self) -> dict[str, str]:
        """Return the variables with which ``docker compose``, typed in the folder, finds this installation."""
        return {
            **({} if self.engine.host is None else {"DOCKER_HOST": self.engine.host}),
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": "public",
            "COMPOSE_FILE": f"docker-compose.yaml:{OVERRIDE}",
            "TEST_IMAGE": AIRFLOW,
            "TEST_SERVERS_IMAGE": SERVERS,
            "TEST_GRDF_IMAGE": GRDF,
            "TEST_GRDF_PORT": str(self.grdf_port),
            "TEST_GRDF_DATA": self._grdf_data,
            "TEST_TLS": str(self.folder / "grdf-tls"),
        }

    def compose(self, *arguments: str, **more: Any) -> str:
        """Run ``docker compose`` on this installation, and return what it printed."""
        return self.engine.run("compose", *arguments, cwd=self.folder, env=self.variables(), **more)

    def up(self) -> float:
        """Type the commands of ``docs/compose.md``, which wait until all is healthy, and return the seconds."""
        began = time.monotonic()
        self.engine.run("volume", "create", self._grdf_data)
        page = commands(ROOT / "docs" / "compose.md")
        shell = Shell(self.folder, os.environ | self.variables() | {"EDITOR": f"{sys.executable} editor.py"})
        (start,) = page["Start"]
        files, public = page["Let households in"]
        assert "docker" not in files, "lines for .env and settings.env, which are written here already"
        for block in (start, public):
            shell.run(block, seconds=2 * PATIENCE)
        self.env = self.filled_in()
        return time.monotonic() - began

    def down(self, *options: str) -> None:
        """Stop everything and remove its containers."""
        self.compose("down", "--timeout", "60", *options)

    def remove(self) -> None:
        """Stop everything and remove all of it."""
        self.down("--volumes", "--remove-orphans")
        self.engine.tried("volume", "rm", self._grdf_data)

    def services(self) -> dict[str, dict[str, Any]]:
        """Return what Docker says of each service's container, those that have ended included."""
        found = self.compose("ps", "--all", "--format", "json").splitlines()
        return {each["Service"]: each for each in map(json.loads, found)}

    def container(self, service: str) -> dict[str, Any]:
        """Return all that Docker knows about a service's container."""
        name = self.services()[service]["Name"]
        return dict(json.loads(self.engine.run("inspect", name))[0])

    def odd(self) -> dict[str, str]:
        """Return the services that are not as they should be, with what they are."""
        odd = {}
        for name, each in self.services().items():
            over = name in ("airflow-init", "couchdb-setup")
            what = f"{each['State']} {each['ExitCode'] if over else each['Health']}"
            if what != ("exited 0" if over else "running healthy"):
                odd[name] = what
        return odd

    def inside(self, service: str, *command: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container."""
        whose = () if user is None else ("--user", user)
        return self.engine.tried("exec", *whose, self.services()[service]["Name"], *command, seconds=300)

    # ---- Airflow ----

    def token(self, user: str = "admin") -> str:
        """Log a user in, and return the token."""
        password = self.env["AIRFLOW_ADMIN_PASSWORD"] if user == "admin" else APPROVERS_PASSWORD
        form = {"username": user, "password": password}
        answer = requests.post(f"{self.url}/auth/token", json=form, timeout=120)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, *, user: str = "admin", **more: Any) -> requests.Response:
        """Send a request to Airflow as a user, from this machine."""
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        return requests.request(method, f"{self.url}{path}", headers=headers, timeout=300, **more)

    def start(self, dag: str, **conf: Any) -> str:
        """Start a DAG by hand, and return the run's id."""
        body = {"logical_date": None, "conf": conf}
        answer = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", json=body)
        assert answer.ok, answer.text
        return str(answer.json()["dag_run_id"])

    def read(self, account: str) -> None:
        """Run an account's DAG by hand, to its end."""
        dag = dag_id(account)
        ended = self.end_of(dag, self.start(dag))
        assert ended["state"] == "success", self.told()

    def end_of(self, dag: str, run: str | None = None) -> dict[str, Any]:
        """Wait until a run has ended, and return it.

        :param run: its id; ``None`` for the newest one
        """

        def ended() -> dict[str, Any] | None:
            where = {"order_by": "-run_after", "limit": 20}
            answer = self.call("GET", f"/api/v2/dags/{dag}/dagRuns", params=where)
            runs = answer.json().get("dag_runs", []) if answer.ok else []
            found = [each for each in runs if run in (None, each["dag_run_id"])]
            return found[0] if found and found[0]["state"] in ("success", "failed") else None

        return self.await_(ended, f"the end of a run of {dag}")

    def await_(self, what: Callable[[], T | None], name: str) -> T:
        """Ask again until there is an answer that is not ``None`` or ``False``."""
        limit = time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            try:
                if found := what():
                    return found
            except requests.RequestException:
                pass  # a server that comes back
            time.sleep(2)
        raise AssertionError(f"{name}: not within {PATIENCE:.0f} s\n{self.told()}")

    def told(self) -> str:
        """Return the ends of all logs, for a failed test."""
        return self.compose("logs", "--tail", "30", "--no-color")

    def control(self) -> str:
        """Return the address of the controls of GRDF's stand-in."""
        return f"http://{identity.HOST}:{self.grdf_port}"
