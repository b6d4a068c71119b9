"""A local Airflow: its components, run as a user would, and a client of its REST API."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from include.gas.redact import redact
from include.sandbox.processes import Child, ProcessError, Processes, free_port, require_port

ROOT = Path(__file__).resolve().parents[2]
BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
ADMIN = "admin"
VIEWER = "viewer"
APPROVER = "approver"
"""Users: all rights; looking only; approving what the first has requested."""
FINISHED = frozenset({"success", "failed"})


class AirflowStack:
    """API server, scheduler, DAG processor and triggerer of one Airflow home.

    :param home: database, logs, passwords and keys, for the owner alone
    :param port: of the UI on loopback; 0 for a free one
    :param env: further variables, such as connections and settings
    :param few: tune Airflow for a few accounts: four tasks at once, modules imported before forks
    """

    def __init__(self, home: Path, port: int, env: Mapping[str, str], *, few: bool = True) -> None:
        require_port(port, purpose="Airflow's UI", option="--port")
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.few = few
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        home.chmod(0o700)  # it may have been there
        kept = _kept_secrets(home / "stack-secrets.json")
        self.password = kept["password"]
        self.viewer_password = kept["viewer_password"]
        self.approver_password = kept["approver_password"]
        users = {ADMIN: self.password, VIEWER: self.viewer_password, APPROVER: self.approver_password}
        write_private(home / "passwords.json", json.dumps(users))
        self.kept_connections: tuple[str, ...] = ()
        """Left as they are by :meth:`put_connections`."""
        self._session = requests.Session()
        self.env = self._environment(kept) | ({"AIRFLOW__CORE__PARALLELISM": "4"} if few else {}) | dict(env)

    def _environment(self, kept: Mapping[str, str]) -> dict[str, str]:
        return _defaults() | {
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins"))),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH": str(self.home / "dag_bundles"),
            # A changed file is read at once in any case. One that fails has no DAGs until the next reading.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
            # So that a DAG goes at once with its line.
            "AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD": "5",
            "AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": kept["fernet"],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            # On a busy machine the API server may exceed Airflow's 5 s, and a task's next try is minutes away.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "300",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{VIEWER}:viewer,{APPROVER}:user",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            DATABASE: self._sqlite(300),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": kept["api"],
            "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt"],
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        }

    def _sqlite(self, seconds: int) -> str:
        """Return the database's address, with patience: parsing may block SQLite's other writers for more than 5 s."""
        return f"sqlite:///{self.home / 'airflow.db'}?timeout={seconds}"

    def start(
        self,
        processes: Processes,
        *,
        triggerer: bool = False,
        components: Sequence[str] = ("api-server", "scheduler", "dag-processor"),
        connections: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Migrate the database, start the components (``api-server`` too) and wait for the API.

        :param connections: to put before, and to set up CouchDB by
        """
        if connections:
            self.put_connections(connections, ["--couchdb"])
        else:
            self.migrate()
        names = (*components, *(["triggerer"] if triggerer else []))
        children = {name: self.component(processes, name) for name in names if name != "scheduler"}
        self.await_api(children["api-server"])
        if "scheduler" in names:  # without an API server a task is tried again minutes later
            self.component(processes, "scheduler")

    def component(self, processes: Processes, name: str) -> Child:
        """Start one component."""
        return processes.start(
            f"Airflow's {name}",
            [sys.executable, "-m", "include.sandbox.preloaded_airflow" if self.few else "airflow", name],
            log=self.home / f"{name}.log",
            env=self.env | self.own_settings(name),
            cwd=self.home,
        )

    def own_settings(self, component: str) -> dict[str, str]:
        """Return one component's own variables: Airflow 3.3.2's API server may lock itself out of SQLite."""
        impatient = component == "api-server" and self.env[DATABASE] == self._sqlite(300)
        return {DATABASE: self._sqlite(20)} if impatient else {}

    def await_api(self, api_server: Child) -> None:
        """Wait until the API answers, and log in."""
        api_server.await_http(f"{self.url}/api/v2/version", 600)
        self._session.headers["Authorization"] = f"Bearer {self.token(ADMIN, self.password)}"

    def migrate(self) -> None:
        """Create Airflow's database, or upgrade it."""
        self.command("Airflow's database could not be prepared", "airflow", "db", "migrate")

    def put_connections(self, connections: Mapping[str, Mapping[str, Any]], options: Sequence[str] = ()) -> None:
        """Migrate the database and put connections into it, where its forms show them (:attr:`kept_connections`).

        :param options: ``--couchdb`` to set up the CouchDB of the connections, too
        """
        failure, module = "Airflow could not be prepared", "include.sandbox.airflow_preparation"
        printed = self.command(failure, module, *options, given=json.dumps(connections))
        self.kept_connections = tuple(json.loads(printed.splitlines()[-1]))

    def command(self, failure: str, module: str, *arguments: str, given: str | None = None) -> str:
        """Run a module of Python's in this Airflow's environment, and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            env=os.environ | self.env,
            cwd=self.home,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            tail = "\n".join(redact(done.stdout + done.stderr).splitlines()[-12:])
            raise ProcessError(f"{failure} in {self.home}:\n{tail}")
        return done.stdout

    def keep_environment(self) -> None:
        """Write this Airflow's environment to a file in its home, for ``./grdf airflow``."""
        lines = [f"{name}={value}\n" for name, value in self.env.items() if name.startswith("AIRFLOW_")]
        write_private(self.home / "stack.env", "".join(lines))

    def token(self, user: str, password: str) -> str:
        """Log a user in, and return the bearer token."""
        form = {"username": user, "password": password}
        answer = requests.post(f"{self.url}/auth/token", json=form, timeout=120)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call Airflow's REST API as the administrator."""
        return self._session.request(method, f"{self.url}/api/v2{path}", timeout=300, **options)

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return a DAG's runs, newest first; none for an unknown DAG."""
        answer = self.api("GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 100})
        return list(answer.json()["dag_runs"]) if answer.ok else []

    def trigger(self, dag_id: str) -> str:
        """Start a manual run without a logical date, and return its id."""
        answer = self.api("POST", f"/dags/{dag_id}/dagRuns", json={"logical_date": None})
        if not answer.ok:
            raise ProcessError(f"Airflow did not start a run of {dag_id}: {answer.text}")
        return str(answer.json()["dag_run_id"])

    def wait_for_runs(
        self, wanted: Mapping[str, str | None], *, seconds: float, tell: Callable[[str], object] = str
    ) -> dict[str, dict[str, Any]]:
        """Wait until one run of each DAG has ended, and return the runs by DAG id; ``None`` stands for any run."""
        ended: dict[str, dict[str, Any]] = {}
        limit = time.monotonic() + seconds
        while missing := wanted.keys() - ended.keys():
            for dag_id in missing:
                for run in self.runs(dag_id):
                    if wanted[dag_id] in (None, run["dag_run_id"]) and run["state"] in FINISHED:
                        ended[dag_id] = run
                        tell(f"{dag_id}: {run['state']}")
                        break
            if time.monotonic() > limit:
                names = ", ".join(sorted(missing))
                raise ProcessError(f"No finished run of {names} after {seconds:.0f} s; Airflow's logs: {self.home}")
            time.sleep(1)
        return ended

    def task_log(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Return the log of a task's last try."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        tries = self.api("GET", path).json().get("try_number") or 1
        answer = self.api("GET", f"{path}/logs/{tries}", headers={"Accept": "application/json"})
        return "\n".join(_log_lines(answer.json().get("content") or []))


def is_here(host: str | None) -> bool:
    """Return whether a connection's host is this machine."""
    try:
        name = urlsplit(host if "//" in (host or "") else f"//{host}").hostname
    except ValueError:
        return False
    return name in {"localhost", "127.0.0.1", "::1"}


def _log_lines(content: list[Any]) -> Iterator[str]:
    for line in content:
        if isinstance(line, dict):
            yield " ".join(str(line[key]) for key in ("event", "reason") if line.get(key))
            for detail in line.get("error_detail") or []:
                yield f"{detail.get('exc_type')}: {detail.get('exc_value')}"
        else:
            yield str(line)


def _defaults() -> dict[str, str]:
    """Read the project's Airflow settings that the environment lacks, and always the bundles."""
    lines = (ROOT / "airflow.env").read_text(encoding="utf-8").splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name: value for name, value in settings.items() if name not in os.environ or name == BUNDLES}


def _kept_secrets(file: Path) -> dict[str, str]:
    """Return this home's keys, created at its first start."""
    made = {name: secrets.token_urlsafe(9) for name in ("password", "viewer_password", "approver_password")}
    made |= {"fernet": urlsafe_b64encode(secrets.token_bytes(32)).decode(), "api": secrets.token_urlsafe(32)}
    made["jwt"] = secrets.token_urlsafe(48)
    if file.exists():
        made |= json.loads(file.read_text(encoding="utf-8"))
    write_private(file, json.dumps(made))
    return made


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, even if it had another mode."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text, encoding="utf-8")
