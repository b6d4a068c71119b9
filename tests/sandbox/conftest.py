"""A running ADICT sandbox for each test module, a CouchDB, and what their clients need."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from include.sandbox.control import SandboxControl, consent_through_browser
from include.sandbox.couch import EmbeddedCouch
from include.sandbox.processes import Processes
from tests.named_couch import SERVERS

ROOT = Path(__file__).resolve().parents[2]
NOON = "2026-06-20T12:00:00+02:00"


class Couch(requests.Session):
    def __init__(self, root: str, auth: tuple[str, str] | None) -> None:
        super().__init__()
        self.root, self.auth, self.trust_env = root.rstrip("/"), auth, False

    def request(self, method, url, *args, **options):
        return super().request(method, self.root + url, *args, **{"timeout": 60, **options})

    def fetch(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json()


@dataclass
class Running:
    facts: dict[str, str]
    control: SandboxControl

    def post_token(self, **fields: str) -> requests.Response:
        identity = {"client_id": self.facts["client_id"], "client_secret": self.facts["client_secret"]}
        return requests.post(self.facts["token_url"], data=identity | fields, timeout=10)

    def token(self, who: str = "") -> str:
        identity = {name: self.facts[f"{who}{name}"] for name in ("client_id", "client_secret")}
        answer = self.post_token(grant_type="client_credentials", scope="/adict/v2", **identity)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        return requests.request(method, self.facts["adict_base"] + path, headers=headers, timeout=10, **more)

    def connect_query(self, **changes: str | None) -> dict[str, str]:
        query = {
            "client_id": self.facts["client_id"], "redirect_uri": self.facts["redirect_uri"],
            "response_type": "code", "scope": "openid", "state": "the state", "nonce": "the-nonce",
            "login_hint": "Dominique;Exemple;dominique@example.org;TIERS",
        }  # fmt: skip
        return {name: value for name, value in (query | changes).items() if value is not None}

    def authorize(self, **changes: str | None) -> requests.Response:
        query = self.connect_query(**changes)
        return requests.get(self.facts["authorize_url"], params=query, allow_redirects=False, timeout=10)

    def consent(self, query: dict[str, str] | None = None, **choices: Any) -> dict[str, str]:
        location = consent_through_browser(self.facts["authorize_url"], query or self.connect_query(), **choices)
        assert location.startswith(self.facts["redirect_uri"] + "?")
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def exchange(self, code: str, **changes: str) -> requests.Response:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.facts["redirect_uri"]}
        return self.post_token(**fields | changes)


@pytest.fixture(scope="module", params=["memory", *SERVERS])
def couch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Couch]:
    if request.param == "real":
        real = request.getfixturevalue("world").couch
        with Couch(real.url, (real.user, real.password)) as session:
            yield session
        return
    with (
        EmbeddedCouch(tmp_path_factory.mktemp("couch"), memory=request.param == "memory") as embedded,
        Couch(embedded.url, (embedded.user, embedded.password)) as session,
    ):
        yield session


@pytest.fixture
def db(couch: Couch) -> Iterator[str]:
    path = f"/grdf-test%2Fx-{secrets.token_hex(4)}"
    couch.fetch("PUT", path, 201)
    yield path
    couch.delete(path)


@pytest.fixture(scope="module")
def adict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("adict")
    with Processes() as processes:
        argv = [sys.executable, "-m", "include.sandbox.adict", "--data", str(data)]
        child = processes.start("The sandbox", argv, log=data.with_suffix(".log"), cwd=ROOT)
        facts = json.loads(child.await_line(r"(?m)^\{.*\}$", 60)[0])
        running = Running(facts, SandboxControl(facts["control_url"]))
        running.control.set_clock(NOON)
        yield running


@pytest.fixture
def reset(adict: Running) -> Iterator[None]:
    usual = adict.control.settings()
    yield
    adict.control.set(**usual)
    adict.control.set_clock(NOON)
    adict.control.drop_calls()
