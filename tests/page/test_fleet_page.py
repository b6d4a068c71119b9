"""The fleet as visitors get it from Airflow's API server: the figures, and to whom they are shown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.display.fleet import fleet
from include.gas.display.overview import Overview, overview
from include.gas.documents.doctypes import AUDIT, METER
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.health.accounts import account
from tests.helpers import wait
from tests.page_accounts import account_id

pytestmark = pytest.mark.usefixtures("accounts")


def stored(world: LocalWorld) -> list[Overview]:
    documents = [world.book.get(account) or {} for account in world.book.listed()]
    return [overview(each) for each in documents if each.get("account_type") == "grdfgrandlyon"]


def tiles(html: str) -> dict[str, int]:
    found = re.findall(r'<b class="count">([\d,]+)</b> <span class="group">(\w+)</span>', html)
    return {group: int(count.replace(",", "")) for count, group in found}


def rows(html: str, section: str) -> list[list[str]]:
    part = html.partition(f'<section aria-labelledby="{section}">')[2].partition("</section>")[0]
    cells = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", part, re.DOTALL)
    ]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def test_the_groups_are_those_of_the_stored_accounts(site: Site, world: LocalWorld, today: date) -> None:
    listed = stored(world)
    expected = Counter(str(each.situation(today).group) for each in listed)
    html = site.browser("viewer").get("/fleet").text
    shown = tiles(html)
    assert {group: number for group, number in shown.items() if number} == dict(expected)
    assert {"well", "late", "waiting", "lost"} <= shown.keys(), "a group without an account says 0"
    assert f"Accounts: {len(listed)}" in html


def test_every_link_leads_to_the_list_as_it_was_counted(site: Site) -> None:
    browser = site.browser("viewer")
    html = browser.get("/fleet").text
    links = dict(re.findall(r'<a class="\w+" href="[^"]*(/\?state=\w+)">[^<]*<b>(\d+)</b>', html))
    assert len(links) >= 4
    for path, number in links.items():
        assert f"of {number} accounts" in browser.get(path).text
    assert 'href="/grdf/fleet"' in browser.get("/").text, "and back"
    needs = html.partition('<section aria-labelledby="needs">')[2].partition("</section>")[0]
    assert f'/grdf/accounts/{account_id(7)}"' in needs


def test_the_ages_are_those_of_the_stored_accounts(site: Site, world: LocalWorld, today: date) -> None:
    shown = rows(site.browser("viewer").get("/fleet").text, "newest")[1:]
    assert [int(row[2]) for row in shown] == [age.number for age in fleet(stored(world), today).ages]
    assert [row[0] for row in shown][:3] == ["up to 2", "3", "4"]


def test_who_is_silent_for_long_is_listed_until_somebody_says_that_it_is_known(site: Site, world: LocalWorld) -> None:
    admin, viewer = site.browser("admin"), site.browser("viewer")
    silent = account(90101, age=40)
    name, button = silent["_id"], f'action="/grdf/accounts/{silent["_id"]}/known"'
    world.book.save(silent)
    try:
        wait(lambda: button in admin.get("/fleet").text, what="the account in the list")
        seen = viewer.get("/fleet").text
        assert name in seen
        assert "Known</button>" not in seen, "who may not act on it"
        assert viewer.post(f"/accounts/{name}/known").status_code == 403
        answer = admin.post(f"/accounts/{name}/known")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/grdf/fleet#silent")
        assert (world.book.get(name) or {})["silence_known"]["by"] == "admin"
        wait(lambda: button not in admin.get("/fleet").text, what="the list without it")
    finally:
        world.book.remove(name)


def test_it_says_what_it_does_not_know(site: Site) -> None:
    html = site.browser("viewer").get("/fleet").text
    (client,) = [row for row in rows(html, "quota") if row[0] == "grdf_adict"]
    assert client[1] == "none counted", "not 0: this machine may not be the one that counts"
    assert "in a file of the API server’s machine" in html


def test_it_speaks_french_and_needs_nothing_inline(site: Site) -> None:
    answer = site.browser("viewer").get("/fleet", headers={"Accept-Language": "fr"})
    assert "Ce qui demande d’abord quelqu’un" in answer.text
    assert "style=" not in answer.text
    assert not re.search(r"<script(?! src)|\son\w+=", answer.text)
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]


@contextmanager
def odd_rights() -> Iterator[None]:
    """What people must know of: rights without an account, that wait for long, end, or share; an unended deletion."""
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
            stored = couchdb.get(doctype, f"odd-{name}") or {}
            couchdb.request("DELETE", doctype, f"/odd-{name}", query={"rev": stored["_rev"]})


def needs(html: str) -> str:
    part = html.partition('<section aria-labelledby="needs">')[2].partition('<section aria-labelledby="runs">')[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", part)))


def test_rights_that_people_must_know_of_are_told_with_what_to_do(site: Site) -> None:
    browser, viewer = site.browser("admin"), site.browser("viewer")
    before = needs(browser.get("/fleet").text)
    with odd_rights():
        html, seen = browser.get("/fleet").text, viewer.get("/fleet").text
    said = needs(html)
    for what, more in (
        ("Rights in force without an account", 1),
        ("Declarations without an answer for more than two days", 1),
        ("Rights that end within 30 days, and none follows", 1),
        ("Accounts that share a meter", 2),
        ("Rights in force of accounts that are gone from CouchDB", 3),
        ("Households that have left and are not gone", 1),
    ):
        was, now = (sum(map(int, re.findall(rf"{what}: (\d+)", each))) for each in (before, said))
        assert now == was + more, what
    assert "if no run of it is at work. 0-left" in said
    assert "grdf_adopt_rights" in said
    assert '<form data-dag="grdf_adopt_rights">' in html
    assert "Rights in force without an account" in needs(seen)
    assert "<form data-dag" not in seen, "who may not start it is led to its DAG"
