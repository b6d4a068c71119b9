"""Airflow's API server with the page, called in this process, and its visitors: each a browser or a program."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from include.sandbox.local_world import LocalWorld

ROLES = ("viewer", "user", "op", "admin")
ANONYMOUS = "anonymous"
SECRET = "a secret of the tests, long enough for the tokens that Airflow signs with it (SHA-512)"


@cache
def airflow_app() -> FastAPI:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__API__BASE_URL", "http://127.0.0.1:18080")  # it keeps the first site's path for all
        from airflow.api_fastapi.app import create_app

        return create_app(apps="core")


@cache
def token(role: str) -> str:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    airflow_app()
    return str(get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=role, role=role)))


class Site:
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
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        self._world.control.set(redirect_uris=[self.redirect_uri])
        return self

    def browser(self, role: str = ANONYMOUS) -> Browser:
        browser = Browser(self, {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"})
        if role != ANONYMOUS:
            browser.cookies.set("_token", token(role), path="/")
        return browser

    def link_to(self, account: str, to: str = "form") -> str:
        answer = self.program("op").post(f"/connect/{account}/link?to={to}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["link"]).removeprefix(f"{self.url}/grdf")

    def program(self, role: str = ANONYMOUS) -> Browser:
        login = {} if role == ANONYMOUS else {"Authorization": f"Bearer {token(role)}"}
        return Browser(self, {"Accept": "application/json"} | login)


class Browser(TestClient):
    def __init__(self, site: Site, headers: dict[str, str]) -> None:
        super().__init__(
            airflow_app(), site.origin, raise_server_exceptions=False, root_path=site.path,
            follow_redirects=False, headers=headers,
        )  # fmt: skip
        self.site = site

    def request(self, method: str, url: Any, **options: Any) -> httpx.Response:  # type: ignore[override]
        if method == "POST" and "Sec-Fetch-Site" in self.headers:
            options["headers"] = {"Origin": self.site.origin} | (options.get("headers") or {})
        page = f"{self.site.url}/grdf" if str(url).startswith("/") else ""
        return super().request(method, f"{page}{url}", **options)
