"""The list of accounts and the fleet: the figures, where they lead, and to whom they are shown."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.page.list import shared_mirrors
from include.gas.days.gas_day import paris_today
from include.gas.display.account_summary import AccountSummary, summarize_account
from include.gas.display.fleet_summary import summarize_fleet
from include.gas.documents.doctypes import AUDIT, METER
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import free_port
from tests.connect.site import Site
from tests.health.accounts import account
from tests.page_accounts import account_id, meter
from tests.plugins.clockwork import Clockwork, call

OURS = "/?search=household-000"
pytestmark = pytest.mark.usefixtures("accounts")


def listed(html: str) -> list[str]:
    return re.findall(r'<tr role="row">.*?</tr>', html, re.DOTALL)[1:]


def test_the_list_says_of_each_account_how_it_is_and_what_to_do(site: Site, today: date) -> None:
    html = site.browser("viewer").get(OURS).text
    assert "1 to 50 of 60 accounts" in html
    assert len(listed(html)) == 50
    first = listed(html)[0]
    for part in (f"/grdf/accounts/{account_id(7)}", meter(7), "Must connect again", "consents again"):
        assert part in first
    assert first.count(f'<time datetime="{today - timedelta(days=2)}">') == 2, "its days end with its consent"
    gaps = next(row for row in listed(html) if "Days missing</span>" in row)
    assert re.search(r">\s*6\s+<span class=\"step\">5 of them", gaps)
    shown = {role: "/grdf/connect/" in site.browser(role).get("/").text for role in ("viewer", "user", "op", "admin")}
    assert shown == {"viewer": False, "user": False, "op": True, "admin": True}


def test_search_filter_sort_and_pages(site: Site, world: LocalWorld) -> None:
    browser = site.browser("viewer")
    for query, found in (("&page=2", 10), ("&state=connect", 2), ("&state=over", 1)):
        assert len(listed(browser.get(f"{OURS}{query}").text)) == found
    (found,) = listed(browser.get(f"/?search={meter(33)}").text)
    assert account_id(33) in found
    assert account_id(59) in listed(browser.get(f"{OURS}&sort=account&order=backwards").text)[0]
    nasty = browser.get("/", params={"search": '"><script>alert(1)</script>', "state": "<b>", "sort": "'x"}).text
    assert ("<script>alert" in nasty, "&lt;script&gt;alert(1)&lt;/script&gt;" in nasty) == (False, True)
    document = {"_id": "just-connected", "account_type": "grdfgrandlyon", "oauth": {"code": "c"}}
    world.book.save(document)
    (row,) = listed(browser.get("/?search=just-connected").text)
    assert "no day yet" in row, "it is there at once"
    world.book.save({**document, "_deleted": True})
    assert "<table" not in browser.get("/?search=just-connected").text


def test_when_couchdb_is_down_the_page_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"conn_type": "generic", "host": "127.0.0.1", "port": free_port(), "login": "a", "password": "secret-b"}
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(nowhere))
    monkeypatch.setattr(shared_mirrors._shared, "_hook", None)  # it takes a changed connection a minute later
    for path in ("/", "/accounts/home", "/accounts/home/days.csv"):
        answer = site.browser("viewer").get(path)
        assert answer.status_code == 503
        parts = (f"http://127.0.0.1:{nowhere['port']}", "CouchDB", 'href="">Try again', 'href="/grdf/">Gas accounts')
        assert [part for part in parts if part not in answer.text] == []
        assert "secret-b" not in answer.text


def stored(world: LocalWorld) -> list[AccountSummary]:
    documents = [world.book.get(account) or {} for account in world.book.listed()]
    return [summarize_account(each) for each in documents if each.get("account_type") == "grdfgrandlyon"]


def rows(html: str, section: str) -> list[list[str]]:
    part = html.partition(f'<section aria-labelledby="{section}">')[2].partition("</section>")[0]
    cells = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", part, re.DOTALL)
    ]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def test_figures_are_those_of_the_stored_accounts_and_lead_to_the_list(
    site: Site, world: LocalWorld, today: date
) -> None:
    browser, known = site.browser("viewer"), stored(world)
    html = browser.get("/fleet").text
    tiles = re.findall(r'<b class="count">([\d,]+)</b> <span class="group">(\w+)</span>', html)
    shown = {group: int(count.replace(",", "")) for count, group in tiles}
    expected = Counter(str(each.situation(today).group) for each in known)
    assert {group: number for group, number in shown.items() if number} == dict(expected)
    assert {"well", "late", "waiting", "lost"} <= shown.keys(), "a group without an account shows 0"
    assert f": {len(known)}" in html
    ages = rows(html, "newest")[1:]
    assert [int(row[2]) for row in ages] == [age.number for age in summarize_fleet(known, today).ages]
    links = dict(re.findall(r'<a class="\w+" href="[^"]*(/\?state=\w+)">[^<]*<b>(\d+)</b>', html))
    assert len(links) >= 4
    for path, number in links.items():
        assert f"of {number} accounts" in browser.get(path).text
    assert 'href="/grdf/fleet"' in browser.get("/").text, "and back"
    assert f'/grdf/accounts/{account_id(7)}"' in html.partition('aria-labelledby="needs"')[2]
    (client,) = [row for row in rows(html, "quota") if row[0] == "grdf_adict"]
    assert not re.match(r"\d", client[1]), "this machine may not be the one that counts"


def test_the_quota_counts_what_was_called() -> None:
    governor = Clockwork().governor()
    for purpose in ("daily", "daily", "history"):
        call(governor, purpose)  # type: ignore[arg-type]
    used = governor.usage()
    assert (used.calls, used.history, used.left, used.pause) == (3, 1, 5997, 0.0)


def test_who_is_silent_for_long_is_listed_until_somebody_says_that_it_is_known(site: Site, world: LocalWorld) -> None:
    admin, viewer = site.browser("admin"), site.browser("viewer")
    silent = account(90101, age=40)
    name, button = silent["_id"], f': {silent["_id"]}">'
    world.book.save(silent)
    try:
        assert button in admin.get("/fleet").text
        seen = viewer.get("/fleet").text
        assert (name in seen, button in seen) == (True, False), "who may not act on it"
        answer = admin.post(f"/accounts/{name}/known")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/grdf/fleet#silent")
        assert (world.book.get(name) or {})["silence_known"]["by"] == "admin"
        assert button not in admin.get("/fleet").text
    finally:
        world.book.remove(name)


@contextmanager
def odd_rights() -> Iterator[None]:
    couchdb, ends = CouchDBHook(), str(paris_today(datetime.now(UTC)) + timedelta(days=9))
    common = {"client": "grdf_adict", "way": "declared", "since": "2026-01-01T08:00:00Z"}
    active = common | {"state": "active", "was_active": True}
    rights = {
        "free": [active | {"id": "free", "account": ""}],
        "waits": [common | {"id": "waits", "state": "waiting", "account": "0-waits"}],
        "ends": [active | {"id": "ends", "account": "0-ends", "end": ends}],
        "two": [active | {"id": name, "account": f"0-{name}"} for name in ("shares", "too")],
    }
    couchdb.write(METER, [{"_id": f"odd-{name}", "rights": each} for name, each in rights.items()])
    couchdb.write(AUDIT, [{"_id": "odd-left", "account": "0-left", "begun_at": "2026-01-01T08:00:00Z"}])
    yield
    for doctype, names in ((METER, rights), (AUDIT, ("left",))):
        for name in names:
            kept = couchdb.get(doctype, f"odd-{name}") or {}
            couchdb.request("DELETE", doctype, f"/odd-{name}", query={"rev": kept["_rev"]})


def needs(html: str) -> str:
    part = html.partition('<section aria-labelledby="needs">')[2].partition('<section aria-labelledby="runs">')[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", part)))


def test_rights_that_people_must_know_of_are_told_with_what_to_do(site: Site) -> None:
    browser = site.browser("admin")
    before = needs(browser.get("/fleet").text)
    with odd_rights():
        html, seen = browser.get("/fleet").text, site.browser("viewer").get("/fleet").text
    said = needs(html)
    for what, more in {
        "without an account": 1, "without an answer for more than two days": 1, "share a meter": 2,
        "end within 30 days, and none follows": 1, "gone from CouchDB without a deletion": 4, "are not gone": 1,
    }.items():  # fmt: skip
        was, now = (sum(map(int, re.findall(rf"{what}: (\d+)", each))) for each in (before, said))
        assert now == was + more, what
    assert [part for part in ("0-left", "grdf_adopt_rights") if part not in said] == []
    assert '<form data-dag="grdf_adopt_rights"' in html
    assert "without an account" in needs(seen)
    assert "<form data-dag" not in seen, "who may not start it is led to its DAG"
