"""Access rights: every route of the page, for every kind of visitor, as a browser and as a program.

The first test fails if a route has no row.
"""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from grdf.page.app import create_app
from tests.connect.route_table import TABLE
from tests.connect.site import ANONYMOUS, ROLES, Site


def routes(app: FastAPI) -> set[str]:
    found = set()
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is mounted past the table"
        found |= {f"{method} {route.path}" for method in route.methods}
    return found


def test_every_route_has_a_row() -> None:
    assert routes(create_app()) == TABLE.keys()


@pytest.mark.parametrize("who", [ANONYMOUS, *ROLES])
@pytest.mark.parametrize("manager", ["site", "fab_site"], ids=["SimpleAuthManager", "FAB"])
def test_who_may_do_what(request: pytest.FixtureRequest, manager: str, who: str) -> None:
    site = request.getfixturevalue(manager)
    for route, row in TABLE.items():
        browser, program = site.browser(who), site.program(who)
        as_browser = browser.request(row.method, row.path)
        as_program = program.request(row.method, f"{site.url}/grdf{row.path}", timeout=60, allow_redirects=False)
        assert (as_browser.status_code, as_program.status_code) == (row[who], row[who]), route
        if row[who] in (401, 403):
            assert as_program.json() == {"detail": {401: "not logged in", 403: "forbidden"}[row[who]]}
            assert "<h1>" in as_browser.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/static/none.css", "/static/..%2fapp.py"])
def test_what_is_not_there(site: Site, path: str) -> None:
    assert site.browser("admin").get(path).status_code == 404


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", ""])
def test_a_token_of_somebody_else_is_none(site: Site, token: str) -> None:
    browser = site.browser()
    browser.cookies.set("_token", token, path="/")
    assert browser.get("/").status_code == 401
    assert browser.get("/", headers={"Authorization": f"Bearer {token or 'x'}"}).status_code == 401


def test_nobody_is_led_to_the_login_without_what_grdf_has_sent(site: Site) -> None:
    text = site.browser().get("/?code=secret-code&state=s").text
    assert "/auth/login" in text
    assert "secret-code" not in text
