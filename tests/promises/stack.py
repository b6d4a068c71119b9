"""One whole stack for all tests of a session, reached as users do: by ``./grdf``, by HTTP and by what is on disk."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
import requests

from tests.helpers import PATIENCE, wait
from tests.promises import stack_adapter as product
from tests.promises.stack_adapter import Person

ROOT = Path(__file__).resolve().parents[2]
NEW_DAG = 60.0
"""Seconds for a DAG to come or go: the promise is 15, a machine that runs other groups of tests is slower."""
AUDIT, RECORDS, ACCOUNTS = "com-grandlyon-grdf-audit", "com-grandlyon-grdf-consent-record", "io-cozy-accounts"
METER = "com-grandlyon-grdf-meter"
DATA = ("com-grandlyon-grdf-day", "com-grandlyon-grdf-month", "com-grandlyon-grdf-year")
ODD_KWH = 918.27364
"""A day's energy that no other number in a log looks like by chance."""
SINCE = 45
"""Days of the past that most households open: enough for a life, few enough for a busy machine."""

COZY, CODE, SOUTH = "promise-cozy", "promise-code", "promise-south"
LEAVER, STAYER, KILLED, RECORDED = "promise-leaver", "promise-stayer", "promise-killed", "promise-agreed"
REFUSED, KONNECTOR = "promise-refused", "promise-konnector"
IDS = (COZY, CODE, SOUTH, LEAVER, STAYER, KILLED, RECORDED, REFUSED, KONNECTOR)
PEOPLE = {name: product.person(number, name) for number, name in enumerate(IDS, 1)}
ADMIN, APPROVER, NEIGHBOUR = "admin", "approver", "neighbour"
"""Users: one with all rights, one who may approve, and one who may look at the stayer's DAG alone."""


def dag_of(account: str) -> str:
    return f"grdf_account__{account}"


class Browser(requests.Session):
    """A client that sends a browser's headers and follows no redirect by itself."""

    def __init__(self, url: str, token: str | None = None) -> None:
        super().__init__()
        self.url = url
        self.headers.update({"Accept": "text/html", "Accept-Language": "en"})
        if token:
            self.cookies.set("_token", token, path="/")

    def request(self, method: str, path: str, **options: Any) -> requests.Response:  # type: ignore[override]
        address = urljoin(self.url, path)
        own = {"Sec-Fetch-Site": "same-origin"} | ({"Origin": self.url} if method.upper() == "POST" else {})
        ours = urlsplit(address).netloc == urlsplit(self.url).netloc
        options["headers"] = (own if ours else {}) | dict(options.get("headers") or {})
        options["allow_redirects"] = False
        return super().request(method, address, timeout=120, **options)


def receive_metrics() -> tuple[int, list[str]]:
    """Return a port, and what Airflow and this project tell StatsD there from now on."""
    udp, lines = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), list[str]()
    udp.bind(("127.0.0.1", 0))

    def receive() -> None:
        while True:
            lines.append(udp.recv(65_536).decode(errors="replace"))

    threading.Thread(target=receive, daemon=True).start()
    return int(udp.getsockname()[1]), lines


@dataclass
class Stack:
    world: Any
    airflow: Any
    mailbox: Any
    metrics: list[str]
    passwords: dict[str, str]
    secrets: set[str]
    prefix: str = product.PREFIX
    more: dict[str, str] = field(default_factory=dict)
    """Variables that commands get besides."""

    def command(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        own |= {name: value for name, value in self.airflow.env.items() if name != "PYTHONPATH"}
        own |= self.airflow.secrets_of_tasks | self.more | dict(env or {})
        return subprocess.run(
            [str(ROOT / "grdf"), *arguments],
            env=own, cwd=self.airflow.home, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call Airflow's API as the administrator; again if its database is locked, as SQLite is now and then."""

        def tried() -> tuple[requests.Response] | None:
            answer: requests.Response = self.airflow.api(method, path, **options)
            return None if answer.status_code == 500 else (answer,)  # a refusal is false by itself

        return wait(tried, f"{method} {path}")[0]  # type: ignore[no-any-return]

    def has_dag(self, dag: str) -> bool:
        """Return whether Airflow lists a DAG as one that it would run."""
        listed = self.api("GET", "/dags", params={"dag_id_pattern": dag, "limit": 100}).json()["dags"]
        return any(each["dag_id"] == dag and not each.get("is_stale") for each in listed)

    def start(self, dag: str, **conf: Any) -> str:
        wait(lambda: self.has_dag(dag), dag)
        self.api("PATCH", f"/dags/{dag}", json={"is_paused": False})
        answer = self.api("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})
        assert answer.ok, answer.text
        return str(answer.json()["dag_run_id"])

    def end(self, dag: str, run: str | None = None, kind: str = "") -> dict[str, Any]:
        """Wait for the end of a run, by default the first of a kind that ends."""

        def ended() -> dict[str, Any] | None:
            known = [each for each in self.airflow.runs(dag) if run in (None, each["dag_run_id"])]
            over = [
                each for each in known if each["state"] in ("success", "failed") and each["run_type"].startswith(kind)
            ]
            return over[-1] if over else None

        return dict(wait(ended, f"end of {dag} {run or kind}"))

    def ran(self, dag: str, **conf: Any) -> dict[str, Any]:
        return self.end(dag, self.start(dag, **conf))

    def tasks(self, run: Mapping[str, Any]) -> dict[str, str]:
        answer = self.api("GET", f"/dags/{run['dag_id']}/dagRuns/{quote(run['dag_run_id'])}/taskInstances")
        return {each["task_id"]: each["state"] for each in answer.json()["task_instances"]}

    def log_of(self, run: Mapping[str, Any]) -> str:
        return "\n".join(self.airflow.task_log(run["dag_id"], run["dag_run_id"], task) for task in self.tasks(run))

    def first_run(self, account: str) -> dict[str, Any]:
        return self.end(dag_of(account), kind="scheduled")

    def couch(self, method: str, path: str, **options: Any) -> requests.Response:
        login = (self.world.couch.user, self.world.couch.password)
        return requests.request(method, f"{self.world.couch.url}/{path}", auth=login, timeout=120, **options)

    def database(self, name: str) -> str:
        return quote(self.prefix + name, safe="")

    def documents(self, name: str, start: str = "") -> list[dict[str, Any]]:
        span = {"startkey": json.dumps(start), "endkey": json.dumps(f"{start}\ufff0")} if start else {}
        answer = self.couch("GET", f"{self.database(name)}/_all_docs", params={"include_docs": "true", **span})
        return [row["doc"] for row in answer.json()["rows"]] if answer.ok else []

    def account(self, account: str) -> dict[str, Any]:
        answer = self.couch("GET", f"{self.database(ACCOUNTS)}/{account}")
        return dict(answer.json()) if answer.ok else {}

    def put(self, name: str, document: Mapping[str, Any]) -> None:
        where = f"{self.database(name)}/{quote(document['_id'], safe='')}"
        there = self.couch("GET", where)
        known = {"_rev": there.json()["_rev"]} if there.ok else {}
        answer = self.couch("PUT", where, json={**document, **known})
        assert answer.ok, answer.text

    def remove(self, name: str, doc_id: str) -> None:
        where = f"{self.database(name)}/{quote(doc_id, safe='')}"
        answer = self.couch("DELETE", where, params={"rev": self.couch("GET", where).json()["_rev"]})
        assert answer.ok, answer.text

    def stored(self, account: str, pce: str) -> dict[str, float]:
        """Return the kWh of a meter by period: ``YYYY-MM-DD``, ``YYYY-MM``, ``YYYY``."""
        found = (each for name in DATA for each in self.documents(name, f"{account}:{pce}:"))
        return {each["_id"].rpartition(":")[2]: each["load"] for each in found}

    def days(self, account: str, pce: str) -> dict[str, float]:
        return {period: load for period, load in self.stored(account, pce).items() if len(period) == 10}

    @property
    def grdf(self) -> Any:
        return self.world.control

    def yesterday(self) -> date:
        return date.fromisoformat(str(self.grdf.today())) - timedelta(days=1)

    def rights(self, who: Person) -> dict[str, str]:
        known = [each for each in self.grdf.consents() if each["id_pce"] in who.pces]
        return {each["id_droit_acces"]: each["etat_droit_acces"] for each in known}

    def calls(self, *pces: str, since: int = 0) -> list[dict[str, Any]]:
        return [call for call in self.grdf.log(since) if call.get("pce") in pces]

    def connect(self, who: Person, *, cozy: bool = True, client: str = "grdf_adict", days: int = SINCE) -> None:
        """Let a household consent and store its account, as cozy-stack does or with a code still to exchange."""
        first = str(self.yesterday() - timedelta(days=days))
        self.put(ACCOUNTS, product.agreed(self.world, who, cozy=cozy, client=client, conso_debut=first))

    def browser(self, user: str | None = None, language: str = "en") -> Browser:
        token = self.airflow.token(user, self.passwords[user]) if user else None
        browser = Browser(self.airflow.url, token)
        browser.headers["Accept-Language"] = language
        return browser

    def log_files(self) -> Iterator[Path]:
        yield from (file for file in self.airflow.home.rglob("*") if file.is_file() and ".log" in file.suffixes)

    def logs_with(self, *words: str) -> dict[str, list[str]]:
        found = {}
        for file in self.log_files():
            text = file.read_text(encoding="utf-8", errors="replace")
            if held := [word for word in words if word in text]:
                found[str(file.relative_to(self.airflow.home))] = held
        return found

    def rows(self) -> Iterator[tuple[str, dict[str, str]]]:
        from sqlalchemy import MetaData, create_engine, select

        engine = create_engine(self.airflow.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
        try:
            known = MetaData()
            known.reflect(engine)
            with engine.connect() as connection:
                for table in known.tables.values():
                    for row in connection.execute(select(table)).mappings():
                        kept_in = table.name.removesuffix("_v2")  # Airflow 3.4 keeps XComs in xcom_v2
                        yield kept_in, {str(name): _text(value) for name, value in row.items()}
        finally:
            engine.dispose()

    def columns_with(self, *words: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for table, row in self.rows():
            for name, value in row.items():
                if any(word in value for word in words):
                    found.setdefault(f"{table}.{name}", []).append(value[:300])
        return {name: values[:3] for name, values in sorted(found.items())}


def _text(value: object) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder, (port, metrics) = tmp_path_factory.mktemp("promises"), receive_metrics()
    with (
        product.mail_server() as (mailbox, mail),
        product.LocalWorld(tmp_path_factory.mktemp("outside"), couch=product.named_couch()) as world,
        product.Processes() as processes,
    ):
        env = product.settings_of(mail) | {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(port),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(folder / "lineage.log"), "append": True}
            ),
        }
        with product.clean_environment():
            airflow = product.whole_airflow(folder, world, processes, env)
            users = {who: secrets.token_urlsafe(12) for who in (APPROVER, NEIGHBOUR)} | {ADMIN: airflow.password}
            product.make_users(airflow, users, {"Neighbour": [("can_read", f"DAG:{dag_of(STAYER)}")]})
            shown = {world.facts["client_secret"], world.facts["delete_client_secret"], world.couch.password}
            running = Stack(world, airflow, mailbox, metrics, users, shown)
            done = running.command("couchdb", "setup")
            assert done.returncode == 0, done.stdout + done.stderr
            airflow.start(processes, triggerer=True)
        world.control.set(redirect_uris=[f"{airflow.url}/grdf/callback"])
        settle(running)
        yield running


def settle(stack: Stack) -> None:
    last = stack.yesterday()
    stack.grdf.set(code_lifetime_s=3600)  # a busy machine takes more than a minute until it exchanges a code
    for name, who in PEOPLE.items():
        if name == RECORDED:
            continue  # it comes by its link, in departures.py
        stack.grdf.correct(who.pces[0], last - timedelta(days=3), ODD_KWH)
        stack.connect(who, cozy=name != CODE, client=product.SOUTH if name == SOUTH else "grdf_adict")
    for right in stack.rights(PEOPLE[REFUSED]):
        stack.grdf.revoke(right)
