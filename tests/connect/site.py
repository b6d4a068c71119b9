"""An Airflow API server for tests, and visitors to its page, each as a browser or a program."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from tests.databases import FAB, empty_database
from tests.stacks import Prepared

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from include.sandbox.processes import Processes

ROLES = ("viewer", "user", "op", "admin")
ANONYMOUS = "anonymous"
PAGE = {"Accept": "text/html"}


class Site:
    """An API server with the page.

    :param home: its Airflow home
    :param world: CouchDB and GRDF's stand-in
    :param database: an empty, migrated database to copy
    :param path: sub-path of Airflow, as behind a proxy
    :param settings: variables added to the environment
    """

    def __init__(
        self, home: Path, world: LocalWorld, database: Path, *, path: str = "", settings: dict[str, str] | None = None
    ) -> None:
        (home / "airflow.db").write_bytes(database.read_bytes())
        passwords = home / "role-passwords.json"
        self.passwords = {role: secrets.token_urlsafe(12) for role in ROLES}
        self.stack = Prepared(home, 0, {})
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps(self.passwords | {"admin": self.stack.password}), encoding="utf-8")
        self.passwords["admin"] = self.stack.password
        self.origin = self.stack.url
        self.url = self.stack.url + path
        self.redirect_uri = f"{self.url}/grdf/callback"
        self.stack.env |= {
            **world.connections(redirect_uri=self.redirect_uri),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{role}:{role}" for role in ROLES),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__API__BASE_URL": self.url,
            **(settings or {}),
        }
        self._tokens: dict[str, str] = {}

    def start(self, processes: Processes, *others: str) -> None:
        """Start the API server, alone or with other components of Airflow."""
        self.stack.url = self.url
        self.stack.start(processes, components=("api-server", *others))

    def token(self, role: str) -> str:
        """Log in a user with this role, once, and return the token."""
        if role not in self._tokens:
            form = {"username": role, "password": self.passwords[role]}
            answer = requests.post(f"{self.url}/auth/token", json=form, timeout=120)
            answer.raise_for_status()
            self._tokens[role] = answer.json()["access_token"]
        return self._tokens[role]

    def browser(self, role: str = ANONYMOUS) -> Browser:
        """Return a browser in which a user with this role is logged in to Airflow's UI."""
        browser = Browser(self)
        if role != ANONYMOUS:
            browser.cookies.set("_token", self.token(role), path="/")
        return browser

    def program(self, role: str = ANONYMOUS) -> requests.Session:
        """Return a program that sends the bearer token of a user with this role."""
        session = requests.Session()
        if role != ANONYMOUS:
            session.headers["Authorization"] = f"Bearer {self.token(role)}"
        return session


class FabSite(Site):
    """A site with FAB as its auth manager, as in ``docker-compose.yaml``, with FAB's roles, users and tables."""

    def __init__(self, home: Path, world: LocalWorld) -> None:
        super().__init__(home, world, empty_database(FAB), settings={"AIRFLOW__CORE__AUTH_MANAGER": FAB})

    def start(self, processes: Processes, *others: str) -> None:
        """Create the users, then start the API server."""
        done = subprocess.run(
            [sys.executable, "-c", FAB_USERS],
            input=json.dumps(self.passwords),
            env=os.environ | self.stack.env,
            cwd=self.stack.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        super().start(processes, *others)


FAB_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

with get_application_builder() as builder:
    manager = builder.sm
    for who, password in json.load(sys.stdin).items():
        assert manager.add_user(who, "A", who, f"{who}@example.org", manager.find_role(who.title()), password), who
"""
"""Creates FAB's roles and users in one process. FAB's command line would need a process for each."""


class Browser(requests.Session):
    """A client that sends a browser's headers, and follows redirects only on request."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site
        self.headers.update(PAGE | {"Accept-Language": "en"})

    def get(self, url: str, **options: object) -> requests.Response:  # type: ignore[override]
        return self.request("GET", url, **options)  # requests' own would follow redirects

    def request(self, method: str, url: str, **options: object) -> requests.Response:  # type: ignore[override]
        if url.startswith("/"):
            url = f"{self.site.url}/grdf{url}"
        options.setdefault("timeout", 60)
        options.setdefault("allow_redirects", False)
        if urlsplit(url).netloc == urlsplit(self.site.url).netloc:
            fetch = {"Sec-Fetch-Site": "same-origin"} | ({"Origin": self.site.origin} if method == "POST" else {})
            options["headers"] = fetch | dict(options.get("headers") or {})  # type: ignore[call-overload]
        return super().request(method, url, **options)  # type: ignore[arg-type]
