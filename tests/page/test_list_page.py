"""The list as a visitor gets it from Airflow's API server."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes, free_port
from tests.connect.site import Site
from tests.page_accounts import account_id, meter

OURS = "/?search=household-000"
"""A query for the accounts of these tests, because other tests have accounts too."""


pytestmark = pytest.mark.usefixtures("accounts")


@pytest.fixture
def listed(site: Site) -> requests.Session:
    return site.browser("viewer")


def rows(html: str) -> list[str]:
    return re.findall(r'<tr role="row">.*?</tr>', html, re.DOTALL)[1:]


def test_the_list_says_of_each_account_how_it_is_and_what_to_do(listed: requests.Session, today: date) -> None:
    html = listed.get(OURS).text
    assert "1 to 50 of 60 accounts" in html
    assert len(rows(html)) == 50
    first = rows(html)[0]
    assert f"/grdf/accounts/{account_id(7)}" in first
    assert meter(7) in first
    assert "Must connect again" in first
    assert "Nothing is read until the household consents again." in first
    assert f'<time datetime="{today - timedelta(days=2)}">' in first
    assert first.count(f'<time datetime="{today - timedelta(days=2)}">') == 2, "its days end with its consent"
    gaps = next(row for row in rows(html) if "Days missing</span>" in row)
    assert re.search(r">\s*6\s+<span class=\"step\">5 of them for more than two months</span>", gaps)


def test_search_filter_sort_and_pages(listed: requests.Session) -> None:
    assert len(rows(listed.get(f"{OURS}&page=2").text)) == 10
    assert len(rows(listed.get(f"{OURS}&state=connect").text)) == 2
    assert len(rows(listed.get(f"{OURS}&state=over").text)) == 1
    (found,) = rows(listed.get(f"/?search={meter(33)}").text)
    assert account_id(33) in found
    assert account_id(59) in rows(listed.get(f"{OURS}&sort=account&order=backwards").text)[0]
    none = listed.get("/?search=nobody").text
    assert "No account matches." in none
    assert "<table" not in none


def test_who_may_connect_households_finds_the_way(site: Site) -> None:
    shown = {role: "/grdf/connect/" in site.browser(role).get("/").text for role in ("viewer", "user", "op", "admin")}
    assert shown == {"viewer": False, "user": False, "op": True, "admin": True}


def test_it_speaks_french(listed: requests.Session) -> None:
    answer = listed.get("/", headers={"Accept-Language": "fr"})
    assert "Doit se reconnecter" in answer.text
    assert '<html lang="fr">' in answer.text


def test_what_a_visitor_types_is_text_and_nothing_else(listed: requests.Session) -> None:
    html = listed.get("/", params={"search": '"><script>alert(1)</script>', "state": "<b>", "sort": "'x"}).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_new_account_is_there_at_once_and_a_removed_one_is_gone(listed: requests.Session, world: LocalWorld) -> None:
    document = {"_id": "just-connected", "account_type": "grdfgrandlyon", "oauth": {"code": "c"}}
    world.book.save(document)
    (row,) = rows(listed.get("/?search=just-connected").text)
    assert "Waiting for its run" in row
    assert "no day yet" in row
    world.book.save({**document, "_deleted": True})
    assert "No account matches." in listed.get("/?search=just-connected").text


def test_when_couchdb_is_down_the_page_says_so(world: LocalWorld, airflow_home: Path, tmp_path: Path) -> None:
    nowhere = {"conn_type": "generic", "host": "127.0.0.1", "port": free_port(), "login": "a", "password": "secret-b"}
    settings = {"AIRFLOW_CONN_COUCHDB": json.dumps(nowhere)}
    with Processes() as processes:
        site = Site(tmp_path, world, airflow_home / "airflow.db", settings=settings)
        site.start(processes)
        for path in ("/", "/accounts/home", "/accounts/home/days.csv"):
            answer = site.browser("viewer").get(path)
            assert answer.status_code == 503
            assert f"CouchDB at http://127.0.0.1:{nowhere['port']} could not be reached" in answer.text
            assert "check whether CouchDB is running" in answer.text
            assert "secret-b" not in answer.text
