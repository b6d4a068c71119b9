"""An account's page as a visitor gets it from Airflow's API server."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
import requests
from msgspec.structs import replace

from grdf.hooks.couchdb import CouchDBHook
from grdf.page.account.account_data import names_in_addresses
from include.gas.account.status import Status, with_meters
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held, Proof
from include.sandbox.local_world import LocalWorld
from tests.connect.site import Site
from tests.page_accounts import Fleet, account_id, meter

NUMBER = 860
"""Of its missing days, one is younger than two months."""
ACCOUNT, PCE = account_id(NUMBER), meter(NUMBER)


@pytest.fixture(scope="module")
def today() -> date:
    return paris_today(datetime.now(UTC))


@pytest.fixture(scope="module")
def figures(world: LocalWorld, today: date) -> dict[str, list[dict[str, Any]]]:
    """An account with three years of days, including missing days and a corrected day."""
    stored = Fleet(today).stored(NUMBER)
    couchdb = CouchDBHook()
    for doctype, documents in stored.items():
        couchdb.write(doctype, documents)
    world.book.save(Fleet(today).account(NUMBER))
    return stored


@pytest.fixture
def visitor(site: Site, figures: object) -> requests.Session:
    return site.browser("viewer")


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def table(html: str, which: int) -> list[list[str]]:
    found = re.findall(r"<tbody>(.*?)</tbody>", html, re.DOTALL)[which]
    return [
        [text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in found.split("</tr>")[:-1]
    ]


def loads(documents: Iterable[dict[str, Any]], start: str) -> dict[str, float]:
    return {each["_id"][-10:]: each["load"] for each in documents if each["_id"].split(":")[2].startswith(start)}


def test_the_numbers_are_those_that_are_stored(
    visitor: requests.Session, figures: dict[str, list[dict[str, Any]]], today: date
) -> None:
    html = visitor.get(f"/accounts/{ACCOUNT}?month={today.year - 1}-03").text
    days = table(html, 0)
    expected = loads(figures[DAY], f"{today.year - 1}-03")
    assert len(days) == 31
    assert {int(row[0].split()[0]): row[1] for row in days if row[1] != "–"} == {
        int(day[-2:]): f"{load:,}" for day, load in expected.items()
    }
    before = loads(figures[DAY], f"{today.year - 2}-03")
    assert {int(row[0].split()[0]): row[3] for row in days if row[3] != "–"} == {
        int(day[-2:]): f"{load:,}" for day, load in before.items()
    }
    months = {each["month"]: each for each in figures[MONTH] if each["year"] == today.year - 1}
    assert [row[1] for row in table(html, 1)] == [f"{months[n]['load']:,}" for n in range(1, 13)]
    years = [each["load"] for each in figures[YEAR]]
    assert [row[1] for row in table(html, 2)] == [f"{load:,}" for load in years]


def test_a_part_of_a_year_is_compared_with_the_same_days_of_the_year_before(
    visitor: requests.Session, figures: dict[str, list[dict[str, Any]]], today: date
) -> None:
    now, then = ({day[5:]: load for day, load in loads(figures[DAY], str(today.year - n)).items()} for n in (0, 1))
    both = now.keys() & then.keys()
    if not both:
        pytest.skip("the year has just begun")
    said = text(visitor.get(f"/accounts/{ACCOUNT}").text)
    assert f"Months of {today.year}: {sum(now.values()):,} kWh On " in said
    same = f"{sum(then[day] for day in both):,} kWh (days compared: {len(both)})"
    assert re.search(rf"a year before:? {re.escape(same)}", said)
    assert f": {sum(then.values()):,} kWh" in said, "the whole year before stands apart"


def test_missing_provisional_and_corrected_days_are_told_apart(
    visitor: requests.Session, figures: dict[str, list[dict[str, Any]]], today: date
) -> None:
    html = visitor.get(f"/accounts/{ACCOUNT}").text
    assert html.count("<svg") == 3
    assert re.search(r'class="bar now provisional[^"]*"', html)
    whole = "".join(
        visitor.get(f"/accounts/{ACCOUNT}?month={today.year - 1}-{month:02}").text for month in range(1, 13)
    )
    assert re.search(r'class="bar now none gap"', whole)
    stored = {each["_id"][-10:] for each in figures[DAY]}
    late = next(day for ago in range(3, 60) if str(day := today - timedelta(days=ago)) not in stored)
    assert re.search(r'class="bar now awaited gap"', visitor.get(f"/accounts/{ACCOUNT}?month={late:%Y-%m}").text)
    assert 'class="mark"' in whole
    assert "corrected; 1 kWh until 1 Jan 2026, 09:00" in text(whole)


def test_consent_contract_and_state_are_said(visitor: requests.Session, today: date) -> None:
    said = text(visitor.get(f"/accounts/{ACCOUNT}").text)
    assert "Days missing Nothing to do: the next runs ask for them again." in said
    assert "tariff T2, profile P012, read 1M, reference use 14,000 kWh a year" in said
    assert "1 of the last two months, 5 older" in said
    end = today + timedelta(days=9 + NUMBER % 1000)  # the day before the consent's end, which is exclusive
    assert f"until {end.day} {end:%b %Y}" in said
    assert "Consommation du compteur" in visitor.get(f"/accounts/{ACCOUNT}", headers={"Accept-Language": "fr"}).text


def test_the_end_of_the_calls_is_said_when_it_comes_first_and_missing_days_are_those_of_the_meter(
    site: Site, world: LocalWorld, today: date
) -> None:
    document = Fleet(today).account(45) | {"_id": "two-meters"}
    until, moved = today + timedelta(days=3), today - timedelta(days=100)
    held = [
        Held(pce=meter(45), word="active", day=until + ONE_DAY, days=(Window(date.min, until + ONE_DAY),)),
        Held(pce=meter(46), word="over", day=moved, days=(Window(date.min, moved),)),
    ]
    document = with_meters(document, held)
    world.book.save(document)
    browser = site.browser("admin")
    tags = (meter_tag("two-meters", meter(number)) for number in (45, 46))
    of_first, of_other = (text(browser.get(f"/accounts/two-meters?meter={tag}").text) for tag in tags)
    assert f"until {until.day} {until:%b %Y}" in of_first
    for number in (45, 46):
        assert f"{meter(number)} ({meter_tag('two-meters', meter(number))})" in of_first
    assert "1 of the last two months, 5 older" in of_first
    assert "0 of the last two months, 0 older" in of_other
    history = f"history: over since {moved.day} {moved:%b %Y}, its days stay"
    assert of_first.count(history) == 1, "beside its number"
    assert of_other.count(history) == 2, "and as what is known of its consent"
    assert "Consent ends soon" in text(browser.get("/?search=two-meters").text)


def test_no_address_of_the_page_holds_a_meter_s_number(site: Site, world: LocalWorld, today: date) -> None:
    """Proxies log addresses, and browsers keep them."""
    document = Fleet(today).account(5) | {"_id": "tagged-meters"}
    (first,) = document["oauth_callback_results"]["consents"]
    document["oauth_callback_results"]["consents"] = [first, {"pce": meter(6), "id_accreditation": "other"}]
    world.book.save(document)
    browser = site.browser("admin")
    page = "/accounts/tagged-meters"
    tags = [meter_tag("tagged-meters", meter(number)) for number in (5, 6)]
    for path in (page, f"{page}?meter={tags[1]}", f"{page}/published?meter={tags[1]}"):
        html = browser.get(path).text
        tied = re.findall(r'(?:href|action|value)="([^"]*)"', html)
        assert any(each.endswith(tags[1]) for each in tied)
        assert [each for each in tied if meter(5) in each or meter(6) in each] == []
    shown = [text(browser.get(f"{page}?meter={tag}").text) for tag in tags]
    assert shown[0] != shown[1]


def test_two_meters_with_the_same_tag_have_names_of_their_own() -> None:
    of_tag: dict[str, list[str]] = {}
    for number in range(2000):
        of_tag.setdefault(meter_tag("home", meter(number)), []).append(meter(number))
    same = next(meters for meters in of_tag.values() if len(meters) > 1)[:2]
    tag = meter_tag("home", same[0])
    assert names_in_addresses("home", same[::-1]) == {tag: min(same), f"{tag}-2": max(same)}


@pytest.mark.parametrize("what", ["days", "months", "years", "published"])
def test_all_figures_can_be_taken_away(
    visitor: requests.Session, figures: dict[str, list[dict[str, Any]]], what: str
) -> None:
    doctype = {"days": DAY, "months": MONTH, "years": YEAR, "published": PUBLISHED}[what]
    answer = visitor.get(f"/accounts/{ACCOUNT}/{what}.csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ACCOUNT}-{what}.csv"'
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [(row["pce"], float(row["kwh"])) for row in rows] == [(PCE, each["load"]) for each in figures[doctype]]
    if what == "days":
        assert [row["day"] for row in rows] == [each["_id"][-10:] for each in figures[DAY]]
        assert sum(int(row["corrections"]) for row in rows) == sum("changes" in each for each in figures[DAY])


def test_published_periods_lie_beside_the_stored_days(
    visitor: requests.Session, figures: dict[str, list[dict[str, Any]]]
) -> None:
    html = visitor.get(f"/accounts/{ACCOUNT}/published?meter={meter_tag(ACCOUNT, PCE)}").text
    since = figures[DAY][0]["_id"][-10:]
    compared = [each for each in figures[PUBLISHED] if each["first"] >= since]
    rows = re.findall(r'<tr role="row">(.*?)</tr>', html, re.DOTALL)[1:]
    assert len(rows) == len(compared) > 20
    newest = compared[-1]
    days = [each["load"] for each in figures[DAY] if newest["first"] <= each["_id"][-10:] < newest["end"]]
    assert f"{newest['load']:,} {sum(days):,} {newest['load'] - sum(days):,}" in text(rows[0])
    assert "There is no published period" in visitor.get(f"/accounts/{ACCOUNT}/published?meter=%3Cb%3E").text


def test_what_stands_in_documents_is_text_and_nothing_else(site: Site, world: LocalWorld, today: date) -> None:
    nasty = "<script>alert(1)</script>"
    document = Fleet(today).account(1) | {"_id": "nasty", "state": nasty, "state_message": nasty, "state_since": nasty}
    document["status"]["billing"][meter(1)] |= {"contract": {"tariff": nasty}, "frequency": nasty, "refused": nasty}
    world.book.save(document)
    for path in ("/accounts/nasty", "/?search=nasty", f"/accounts/nasty?meter={nasty}&month={nasty}"):
        html = site.browser("admin").get(path).text
        assert "nasty" in html
        assert nasty not in html
    assert html.count("&lt;script&gt;alert(1)") >= 5


def test_no_cell_of_a_file_is_a_formula(site: Site, world: LocalWorld, today: date) -> None:
    world.book.save(Fleet(today).account(2) | {"_id": "formulas"})
    for number, reason in enumerate(("=1+1", "@SUM(A1)", "plain")):
        period = {
            "account": "formulas",
            "pce": meter(2),
            "first": f"2026-0{number + 1}-01",
            "load": -number,
            "reason": reason,
        }
        CouchDBHook().put(PUBLISHED, period | {"_id": f"formulas:{meter(2)}:{period['first']}"})
    answer = site.browser("viewer").get("/accounts/formulas/published.csv")
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["reason"] for row in rows] == ["'=1+1", "'@SUM(A1)", "plain"]
    assert [row["kwh"] for row in rows] == ["0", "-1", "-2"]


def test_accounts_of_every_kind_have_a_view(site: Site, world: LocalWorld) -> None:
    browser = site.browser("admin")
    assert browser.get("/accounts/never-there").status_code == 404
    assert "There is no such account" in browser.get("/accounts/never-there").text
    for more, said in (
        ({"oauth": {"code": "c"}}, "Waiting for its run"),
        ({"oauth": 7}, "Cannot be read"),
        ({"oauth_callback_results": {"pce_id": PCE}}, "No day is stored yet"),
    ):
        world.book.save({"_id": "of-a-kind", "account_type": "grdfgrandlyon", **more})
        answer = browser.get("/accounts/of-a-kind")
        assert answer.status_code == 200
        assert said in answer.text


def test_who_may_only_look_gets_no_buttons(site: Site, figures: object) -> None:
    assert 'id="actions"' not in site.browser("viewer").get(f"/accounts/{ACCOUNT}").text
    user, op = (site.browser(role).get(f"/accounts/{ACCOUNT}").text for role in ("user", "op"))
    assert 'data-dag="grdf_history"' in user
    assert "/grdf/connect/" not in user
    assert f"/grdf/connect/{ACCOUNT}" in op


def test_a_meter_has_its_tag_beside_its_number(visitor: requests.Session) -> None:
    """It lets an operator find the meter that a log mentions."""
    assert f"{PCE} ({meter_tag(ACCOUNT, PCE)})" in text(visitor.get(f"/accounts/{ACCOUNT}").text)


def proved(today: date, number: int, proof: Proof) -> dict[str, Any]:
    """Return an account of whose right GRDF checks the proof."""
    document = Fleet(today).account(number)
    (held,) = Status.held(document).values()
    return Status.with_held(document, [replace(held, proofs={held.right: proof})])


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", ["asked", "checking", "accepted", "refused", "unknown"])
def test_the_proof_of_a_consent_is_said_with_its_deadline(
    site: Site, world: LocalWorld, today: date, state: str, language: str
) -> None:
    until = today + timedelta(days=3)
    proof = Proof(state=state, until=until, sent="" if state == "asked" else "2026-05-02T07:00:00Z")
    world.book.save(proved(today, 8, proof) | {"_id": "proved"})
    browser = site.browser("viewer")
    spoken = {"Accept-Language": language}
    said = text(browser.get("/accounts/proved", headers=spoken).text)
    assert {"en": "Proof of consent", "fr": "Preuve de l’accord"}[language] in said
    assert "account.proof" not in said, "every state has its text"
    assert (f"Deadline: {until.day} {until:%b %Y}" in said) == (state in ("asked", "refused") and language == "en")
    assert ("grdf_send_proof" in said) == (state in ("asked", "refused"))
    assert ("09:00" in said) == (state != "asked"), "when it was sent, in Paris"
    row = text(browser.get("/?search=proved", headers=spoken).text)
    badge = {"en": "GRDF asks for a proof", "fr": "GRDF demande une preuve"}[language]
    assert (badge in row) == (state == "asked")
    deadline = {"en": "Deadline: ", "fr": "Date limite : "}[language]
    assert (deadline in row) == (state == "asked")


def test_a_deadline_that_is_over_is_said(site: Site, world: LocalWorld, today: date) -> None:
    proof = Proof(state="asked", until=today - timedelta(days=1))
    world.book.save(proved(today, 9, proof) | {"_id": "too-late"})
    assert "is over: ask GRDF." in text(site.browser("viewer").get("/accounts/too-late").text)
