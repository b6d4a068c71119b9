"""A running ADICT sandbox for each test module, and what its clients need."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from include.sandbox.control import SandboxControl, consent_through_browser

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Running:
    """A sandbox process and a client for it."""

    process: subprocess.Popen[str]
    facts: dict[str, str]
    control: SandboxControl

    @classmethod
    def start(cls, data: Path, *arguments: str) -> Running:
        process = subprocess.Popen(
            [sys.executable, "-m", "include.sandbox.adict", "--data", str(data), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        return cls(process, facts, SandboxControl(facts["control_url"]))

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(10)
        if self.process.stdout:
            self.process.stdout.close()
        return code

    def post_token(self, **fields: str) -> requests.Response:
        identity = {"client_id": self.facts["client_id"], "client_secret": self.facts["client_secret"]}
        return requests.post(self.facts["token_url"], data=identity | fields, timeout=10)

    def token(self, who: str = "") -> str:
        """Return a new data token for the data client, or for the client whose facts start with ``who``."""
        answer = self.post_token(
            grant_type="client_credentials",
            scope="/adict/v2",
            client_id=self.facts[f"{who}client_id"],
            client_secret=self.facts[f"{who}client_secret"],
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, token: str | None = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token()}"}
        return requests.request(method, self.facts["adict_base"] + path, headers=headers, timeout=10, **more)

    def daily(self, pce: str, first: str, end: str, token: str | None = None) -> requests.Response:
        dates = {"date_debut": first, "date_fin": end}
        return self.call("GET", f"/pce/{pce}/donnees_consos_informatives", token, params=dates)

    def daily_lines(self, pce: str, first: str, end: str) -> list[dict[str, Any]]:
        answer = self.daily(pce, first, end)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def connect_query(self, **changes: str | None) -> dict[str, str]:
        query = {
            "client_id": self.facts["client_id"],
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": self.facts["redirect_uri"],
            "state": "the state",
            "nonce": "the-nonce",
            "login_hint": "Dominique;Exemple;dominique@example.org;TIERS",
        }
        return {name: value for name, value in (query | changes).items() if value is not None}

    def consent(self, query: dict[str, str] | None = None, **choices: Any) -> dict[str, str]:
        """Go through the consent page, and return the query of the callback."""
        location = consent_through_browser(self.facts["authorize_url"], query or self.connect_query(), **choices)
        assert location.startswith(self.facts["redirect_uri"] + "?")
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def exchange(self, code: str, **changes: str) -> requests.Response:
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.facts["redirect_uri"]}
        return self.post_token(**fields | changes)


@pytest.fixture(scope="module")
def adict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A sandbox whose clock is set to 2026-06-20, 12:00 in Paris."""
    running = Running.start(tmp_path_factory.mktemp("adict"), "--now", "2026-06-20T12:00:00+02:00")
    yield running
    running.stop()


@pytest.fixture
def fresh_start() -> Iterator[Any]:
    """A function that starts sandboxes; all are stopped afterwards."""
    started: list[Running] = []

    def start(data: Path, *arguments: str) -> Running:
        started.append(Running.start(data, *arguments))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()
