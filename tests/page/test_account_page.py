"""An account's page: its figures are the stored ones, and what is known of its meters, consents and days is said."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import StringIO
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from grdf.hooks.couchdb import CouchDBHook
from grdf.page.account.account_data import names_in_addresses
from grdf.page.html.catalogue import LANGUAGES
from include.gas.account.status import Reading as Read
from include.gas.account.status import Status, with_meters
from include.gas.answers.consumption.daily import Reading
from include.gas.days.gas_day import ONE_DAY
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.storing import store_readings
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import MeterAccess, Proof
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Browser, Site
from tests.page_accounts import Fleet, account_id, meter

NUMBER = 860
"""Of its missing days, one is younger than two months."""
ACCOUNT, PCE = account_id(NUMBER), meter(NUMBER)
PAGE = f"/accounts/{ACCOUNT}"
Figures = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def figures(world: LocalWorld, today: date) -> Figures:
    stored = Fleet(today).stored(NUMBER)
    couchdb = CouchDBHook()
    for doctype, documents in stored.items():
        couchdb.write(doctype, documents)
    world.book.save(Fleet(today).account(NUMBER))
    return stored


@pytest.fixture
def visitor(site: Site, figures: Figures) -> Browser:
    return site.browser("viewer")


def text(answer: httpx.Response | str) -> str:
    html = answer if isinstance(answer, str) else answer.text
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def table(html: str, which: int) -> list[list[str]]:
    found = re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[which]
    return [
        [text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in found.split("</tr>")[:-1]
    ]


def loads(documents: Iterable[dict[str, Any]], start: str) -> dict[str, float]:
    return {each["_id"][-10:]: each["load"] for each in documents if each["_id"].split(":")[2].startswith(start)}


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(answer.text)))


def test_the_numbers_are_those_that_are_stored(visitor: Browser, figures: Figures, today: date) -> None:
    html = visitor.get(f"{PAGE}?month={today.year - 1}-03").text
    days = table(html, 0)
    assert len(days) == 31
    for column, ago in ((1, 1), (3, 2)):
        expected = loads(figures[DAY], f"{today.year - ago}-03")
        shown = {int(row[0].split()[0]): row[column] for row in days if row[column] != "–"}
        assert shown == {int(day[-2:]): f"{load:,}" for day, load in expected.items()}
    months = {each["month"]: each for each in figures[MONTH] if each["year"] == today.year - 1}
    assert [row[1] for row in table(html, 1)] == [f"{months[n]['load']:,}" for n in range(1, 13)]
    assert [row[1] for row in table(html, 2)] == [f"{each['load']:,}" for each in figures[YEAR]]
    now, then = ({day[5:]: load for day, load in loads(figures[DAY], str(today.year - n)).items()} for n in (0, 1))
    if both := now.keys() & then.keys():  # a part of a year is compared with the same days of the year before
        said = text(visitor.get(PAGE))
        same = f"{sum(then[day] for day in both):,} kWh (days compared: {len(both)})"
        parts = f"{sum(now.values()):,} kWh (days: {len(now)})", same, f"{sum(then.values()):,} kWh"
        assert [part for part in parts if part not in said] == []


def test_missing_provisional_and_corrected_days_are_told_apart(visitor: Browser, figures: Figures, today: date) -> None:
    html = visitor.get(PAGE).text
    assert html.count("<svg") == 3
    assert re.search(r'class="bar now provisional[^"]*"', html)
    whole = "".join(visitor.get(f"{PAGE}?month={today.year - 1}-{month:02}").text for month in range(1, 13))
    stored = {each["_id"][-10:] for each in figures[DAY]}
    late = next(day for ago in range(3, 60) if str(day := today - timedelta(days=ago)) not in stored)
    assert 'class="sign awaited"' in visitor.get(f"{PAGE}?month={late:%Y-%m}").text
    assert [part for part in ('class="sign none"', 'class="mark"') if part not in whole] == []
    assert html.count('class="column') == len(table(html, 0)) + 12 + len(table(html, 2)), "no day or month is blank"
    assert "1 kWh until 1 Jan 2026, 09:00" in text(whole), "what was corrected"


def test_consent_contract_and_state_are_said_to_who_may_look_and_buttons_shown_to_who_may_act(
    site: Site, visitor: Browser, today: date
) -> None:
    html = visitor.get(PAGE).text
    end = today + timedelta(days=9 + NUMBER % 1000)  # the day before the consent's end, which is exclusive
    parts = ("Days missing", "T2", "P012", "14,000 kWh", "1 that each run asks for, 5 older",
             f"until {end.day} {end:%b %Y}", f"{PCE} ({meter_tag(ACCOUNT, PCE)})")  # fmt: skip
    assert [part for part in parts if part not in text(html)] == []
    assert 'lang="fr"' in visitor.get(PAGE, headers={"Accept-Language": "fr"}).text
    assert 'id="actions"' not in html
    user, op = (site.browser(role).get(PAGE).text for role in ("user", "op"))
    assert ('data-dag="grdf_history"' in user, "/grdf/connect/" in user) == (True, False)
    assert f"/grdf/connect/{ACCOUNT}" in op


def test_each_of_two_meters_has_its_own_end_missing_days_and_address(
    site: Site, world: LocalWorld, today: date
) -> None:
    """No address holds a meter's number: proxies log them, and browsers keep them."""
    until, moved = today + timedelta(days=3), today - timedelta(days=100)
    access = [
        MeterAccess(pce=meter(45), word="active", day=until + ONE_DAY, days=(Window(date.min, until + ONE_DAY),)),
        MeterAccess(pce=meter(46), word="over", day=moved, days=(Window(date.min, moved),)),
    ]
    world.book.save(with_meters(Fleet(today).account(45) | {"_id": "two-meters"}, access))
    browser, page = site.browser("admin"), "/accounts/two-meters"
    tags = [meter_tag("two-meters", meter(number)) for number in (45, 46)]
    for path in (page, f"{page}?meter={tags[1]}", f"{page}/published?meter={tags[1]}"):
        tied = re.findall(r'(?:href|action|value)="([^"]*)"', browser.get(path).text)
        assert any(each.endswith(tags[1]) for each in tied)
        assert [each for each in tied if meter(45) in each or meter(46) in each] == []
    of_first, of_other = (text(browser.get(f"{page}?meter={tag}")) for tag in tags)
    assert f"until {until.day} {until:%b %Y}" in of_first, "of the calls, which comes first"
    assert [number for number in (45, 46) if f"{meter(number)} ({tags[number - 45]})" not in of_first] == []
    assert "1 that each run asks for, 5 older" in of_first
    assert "0 that each run asks for, 0 older" in of_other
    over = f"history: over since {moved.day} {moved:%b %Y}, its days stay"
    assert (of_first.count(over), of_other.count(over)) == (1, 2), "beside its number, and as its consent"
    assert "ends soon" in text(browser.get("/?search=two-meters"))


def test_two_meters_with_the_same_tag_have_names_of_their_own() -> None:
    of_tag: dict[str, list[str]] = {}
    for number in range(2000):
        of_tag.setdefault(meter_tag("home", meter(number)), []).append(meter(number))
    same = next(meters for meters in of_tag.values() if len(meters) > 1)[:2]
    tag = meter_tag("home", same[0])
    assert names_in_addresses("home", same[::-1]) == {tag: min(same), f"{tag}-2": max(same)}


def test_all_figures_can_be_taken_away_and_periods_lie_beside_the_days(visitor: Browser, figures: Figures) -> None:
    for what, doctype in {"days": DAY, "months": MONTH, "years": YEAR, "published": PUBLISHED}.items():
        answer = visitor.get(f"{PAGE}/{what}.csv")
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{ACCOUNT}-{what}.csv"'
        assert [(row["pce"], float(row["kwh"])) for row in rows_of(answer)] == [
            (PCE, each["load"]) for each in figures[doctype]
        ]
    rows = rows_of(visitor.get(f"{PAGE}/days.csv"))
    assert [row["day"] for row in rows] == [each["_id"][-10:] for each in figures[DAY]]
    assert sum(int(row["corrections"]) for row in rows) == sum("changes" in each for each in figures[DAY])
    html = visitor.get(f"{PAGE}/published?meter={meter_tag(ACCOUNT, PCE)}").text
    compared = [each for each in figures[PUBLISHED] if each["first"] >= figures[DAY][0]["_id"][-10:]]
    shown = re.findall(r'<tr role="row">(.*?)</tr>', html, re.DOTALL)[1:]
    assert len(shown) == len(compared) > 20
    for each, row in zip(compared[::-1], shown, strict=True):
        days = [day["load"] for day in figures[DAY] if each["first"] <= day["_id"][-10:] < each["end"]]
        whole = len(days) == (date.fromisoformat(each["end"]) - date.fromisoformat(each["first"])).days
        difference = f"{each['load'] - sum(days):,}" if whole else "not comparable"
        assert f"{each['load']:,} {sum(days):,} {difference}" in text(row)
    assert '<tr role="row">' not in visitor.get(f"{PAGE}/published?meter=%3Cb%3E").text


def test_what_stands_in_documents_is_text_and_no_formula(site: Site, world: LocalWorld, today: date) -> None:
    nasty = "<script>alert(1)</script>"
    document = Fleet(today).account(1) | {"_id": "nasty", "state": nasty, "state_message": nasty, "state_since": nasty}
    document["status"]["billing"][meter(1)] |= {"contract": {"tariff": nasty}, "frequency": nasty, "refused": nasty}
    world.book.save(document)
    html = ""
    for path in ("/accounts/nasty", "/?search=nasty", f"/accounts/nasty?meter={nasty}&month={nasty}"):
        html = site.browser("admin").get(path).text
        assert ("nasty" in html, nasty in html) == (True, False)
    assert html.count("&lt;script&gt;alert(1)") >= 5
    common = {"account": "nasty", "pce": meter(1)}
    for number, reason in enumerate(("=1+1", "@SUM(A1)", "plain"), start=1):
        period = common | {"first": f"2026-0{number}-01", "load": 1 - number, "reason": reason}
        CouchDBHook().put(PUBLISHED, period | {"_id": f"nasty:{meter(1)}:{period['first']}"})
    rows = rows_of(site.browser("viewer").get("/accounts/nasty/published.csv"))
    assert [(row["reason"], row["kwh"]) for row in rows] == [("'=1+1", "0"), ("'@SUM(A1)", "-1"), ("plain", "-2")]


def test_accounts_of_every_kind_have_a_view(site: Site, world: LocalWorld) -> None:
    browser = site.browser("admin")
    answer = browser.get("/accounts/never-there")
    assert (answer.status_code, "no such account" in answer.text) == (404, True)
    for more, said in (
        ({"oauth": {"code": "c"}}, "Waiting for its run"),
        ({"oauth": 7}, "Cannot be read"),
        ({"oauth_callback_results": {"pce_id": PCE}}, "No day is stored yet"),
    ):
        world.book.save({"_id": "of-a-kind", "account_type": "grdfgrandlyon", **more})
        answer = browser.get("/accounts/of-a-kind")
        assert (answer.status_code, said in answer.text) == (200, True)


@pytest.mark.parametrize("state", ["asked", "checking", "accepted", "refused", "unknown"])
def test_the_proof_of_a_consent_is_said_with_its_deadline(
    site: Site, world: LocalWorld, today: date, state: str
) -> None:
    document = Fleet(today).account(8) | {"_id": "proved"}
    (access,) = Status.access_of(document).values()

    def save(proof: Proof) -> None:
        world.book.save(Status.with_access(document, [replace(access, proofs={access.right: proof})]))

    until, browser = today + timedelta(days=3), site.browser("viewer")
    save(Proof(state=state, until=until, sent="" if state == "asked" else "2026-05-02T07:00:00Z"))
    for language in LANGUAGES:
        spoken = {"Accept-Language": language}
        said, row = (text(browser.get(path, headers=spoken)) for path in ("/accounts/proved", "/?search=proved"))
        proof = {"en": "Proof", "fr": "Preuve"}[language]
        assert (proof in said, "account.proof" in said) == (True, False), "every state has its text"
        assert ("grdf_send_proof" in said) == (state in ("asked", "refused"))
        assert ("09:00" in said) == (state != "asked"), "when it was sent, in Paris"
        assert ({"en": "Deadline", "fr": "Date limite"}[language] in row) == (state == "asked")
    said = text(browser.get("/accounts/proved"))
    assert (f"{until.day} {until:%b %Y}" in said) == (state in ("asked", "refused"))
    save(Proof(state="asked", until=today - timedelta(days=1)))
    assert "is over" in text(browser.get("/accounts/proved"))


def test_doubtful_days_are_said_and_can_be_taken_away(site: Site, world: LocalWorld) -> None:
    account, pce, first = "doubted-74520", "09999990745207", date(2025, 1, 1)
    readings = []
    for day in range(59):
        measures = {"volume": 5, "coefficient": 11.2, "index_end": 100 + 5 * day}
        readings.append(
            Reading(first + timedelta(days=day), 9100 if day == 40 else 56, "definitive", "measured", measures)
        )
    report = store_readings(CouchDBHook(), account, pce, readings, datetime.now(UTC))
    document = Fleet(date(2026, 1, 1)).account(5) | {"_id": account}
    document["oauth_callback_results"] = {"consents": [{"pce": pce, "id_accreditation": "a-right-of-745"}]}
    years = {str(year): each for year, each in report.held.items()}
    world.book.save(Status.with_reading(document, pce, Read(years)))
    visitor = site.browser("viewer")
    html = visitor.get(f"/accounts/{account}?month=2025-02").text
    doubtful = "9,100 kWh, measured, doubtful: not volume times coefficient"
    parts = ("Days: 1 The energy is not", "Days: 1 Far more", doubtful)
    assert [part for part in parts if part not in text(html)] == []
    assert 'class="mark"' in html
    rows = rows_of(visitor.get(f"/accounts/{account}/days.csv"))
    assert [row["doubts"] for row in rows if row["doubts"]] == ["energy jump"]
