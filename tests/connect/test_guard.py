"""Every response has the security headers, and no request from another site changes anything."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from grdf.page.guard import HEADERS, same_site
from tests.connect.site import Site


@pytest.mark.parametrize("path", ["/", "/nowhere", "/accounts/not%20an%20id", "/static/none.css"])
@pytest.mark.parametrize("who", ["anonymous", "viewer", "admin"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_answer_has_the_headers(site: Site, path: str, who: str, accept: str) -> None:
    answer = site.browser(who).get(path, headers={"Accept": accept})
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_no_page_needs_what_the_policy_forbids(site: Site) -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    text = site.browser("admin").get("/").text
    assert "<style" not in text
    assert " style=" not in text
    assert "<script>" not in text
    assert "http://" not in text
    assert "https://" not in text


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Origin": "http://here:80", "Host": "here:80"}, True),
        ({"Origin": "http://elsewhere", "Host": "here"}, False),
        ({"Origin": "http://here", "Host": "here"}, True),
        ({"Origin": "https://here", "Host": "here"}, True),
        ({"Origin": "http://here.elsewhere", "Host": "here"}, False),
        ({"Origin": "null", "Host": "here"}, False),
        ({"Origin": "", "Host": "here"}, False),
        ({"Origin": "http://[", "Host": "here"}, False),
        ({"Host": "here"}, True),
        ({"Host": "here", "Cookie": "_token=x"}, False),
        ({"Host": "here", "Authorization": "Bearer x"}, True),
        ({"Host": "here", "Authorization": "Bearer x", "Origin": "http://elsewhere"}, False),
    ],
)
def test_where_a_request_comes_from(headers: dict[str, str], passes: bool) -> None:
    assert same_site(Headers(headers)) is passes


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_another_site_changes_nothing(site: Site, method: str) -> None:
    browser = site.browser("admin")
    for origin in ("https://evil.example", "null", site.origin + "0"):
        answer = browser.request(method, "/", headers={"Origin": origin})
        assert answer.status_code == 403
        assert "another site" in answer.text
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert browser.request(method, "/", headers={"Origin": site.origin}).status_code == 405, (
        "the same from its own site reaches the routes"
    )
