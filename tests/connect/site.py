"""Airflow's API server with the page, called in this process, and its visitors: each a browser or a program."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi.testclient import TestClient

if TYPE_CHECKING:
    import httpx
    import pytest
    from fastapi import FastAPI

    from include.sandbox.local_world import LocalWorld

ROLES = ("viewer", "user", "op", "admin")
ANONYMOUS = "anonymous"
SECRET = "a secret of the tests, long enough for the tokens that Airflow signs with it (SHA-512)"


@cache
def airflow_app() -> FastAPI:
    """Return Airflow's API server, with this project's plugin; its database must be there."""
    from airflow.api_fastapi.app import create_app

    return create_app(apps="core")


@cache
def token(role: str) -> str:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    airflow_app()
    return str(get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=role, role=role)))


class Site:
    """An address of the page.

    :param world: CouchDB and GRDF's stand-in
    :param path: sub-path of Airflow, as behind a proxy
    :param settings: variables of its environment, besides the connections
    """

    def __init__(self, world: LocalWorld, *, path: str = "", settings: dict[str, str] | None = None) -> None:
        self.path, self.origin = path, "http://127.0.0.1:18080"
        self.url = self.origin + path
        self.redirect_uri = f"{self.url}/grdf/callback"
        self.env = {
            **world.connections(redirect_uri=self.redirect_uri),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__SECRET_KEY": SECRET,
            "AIRFLOW__API_AUTH__JWT_SECRET": SECRET,
            **(settings or {}),
        }
        self._world = world

    def opened(self, monkeypatch: pytest.MonkeyPatch) -> Site:
        """Let its environment hold until the test is over, and GRDF send households back to it."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        self._world.control.set(redirect_uris=[self.redirect_uri])
        return self

    def browser(self, role: str = ANONYMOUS) -> Browser:
        """Return a browser in which a user with this role is logged in to Airflow's UI."""
        browser = Browser(self, {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"})
        if role != ANONYMOUS:
            browser.cookies.set("_token", token(role), path="/")
        return browser

    def link_to(self, account: str) -> str:
        """Make a household's link, and return its path below the page's address."""
        answer = self.program("op").post(f"/connect/{account}/link")
        assert answer.status_code == 200, answer.text
        return "/household?" + urlsplit(str(answer.json()["link"])).query

    def program(self, role: str = ANONYMOUS) -> Browser:
        """Return a program that sends the bearer token of a user with this role."""
        login = {} if role == ANONYMOUS else {"Authorization": f"Bearer {token(role)}"}
        return Browser(self, {"Accept": "application/json"} | login)


class Browser(TestClient):
    """A client that is given paths below the page's own address, and follows redirects only on request."""

    def __init__(self, site: Site, headers: dict[str, str]) -> None:
        super().__init__(
            airflow_app(), site.origin, raise_server_exceptions=False, root_path=site.path,
            follow_redirects=False, headers=headers,
        )  # fmt: skip
        self.site = site

    def request(self, method: str, url: Any, **options: Any) -> httpx.Response:  # type: ignore[override]
        """Send a request. A browser says where a form comes from."""
        if method == "POST" and "Sec-Fetch-Site" in self.headers:
            options["headers"] = {"Origin": self.site.origin} | (options.get("headers") or {})
        page = f"{self.site.url}/grdf" if str(url).startswith("/") else ""
        return super().request(method, f"{page}{url}", **options)
