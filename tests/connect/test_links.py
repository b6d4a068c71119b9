"""A household's link: good once, for its account, for days and a few tries, until it is taken back."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

import httpx
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.airflow.account_list import id_if_listed
from grdf.health.fleet_verdict import find_concerns
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.page.connect.account_lookup import page_address
from grdf.page.connect.client_connect import Attempt
from grdf.page.connect.opener import LINK_DAYS, Invitation
from grdf.page.connect.sealed_texts import seal, unseal
from grdf.stores.household_links import TRIES, HouseholdLinks, link_document
from grdf.stores.removal import Remover
from include.gas.account.marks import BY_LINK, leaving_asker, with_leaving
from include.gas.days.gas_day import paris_today
from include.gas.display.account_summary import summarize_account
from include.gas.documents.doctypes import ACCOUNT, CONNECT, YEAR
from include.gas.health.causes import Cause
from include.gas.health.rights_concerns import NamedReason
from include.sandbox.local_world import LocalWorld
from tests.connect.dance import begin, consent, problem, said
from tests.connect.direct import followed, run, stored
from tests.connect.site import Site
from tests.helpers import holder, known_account
from tests.leaving.runs import acquire
from tests.leaving.steps import delete

VOID = (404, "link_void")


def take_back(site: Site, account: str) -> None:
    assert site.browser("op").post(f"/connect/{account}/link/take-back").status_code == 303


def test_an_operator_makes_and_takes_back_links(front: Site, account_id: str) -> None:
    browser, button = front.browser("op"), f'action="/grdf/connect/{account_id}/link/take-back"'
    assert button not in browser.get(f"/connect/{account_id}").text
    made = browser.post(f"/connect/{account_id}/link")
    assert (said(made).key, f"{front.url}/grdf/household?token=" in made.text) == ("link", True)
    link = front.link_to(account_id)
    (token,) = parse_qs(urlsplit(link).query)["token"]
    content = unseal(token, Invitation, 60)
    assert content
    assert (content.account, account_id in link) == (account_id, False)
    for page in (made, browser.get(f"/connect/{account_id}")):
        assert button in page.text
    old, household = link, front.browser()
    back = consent(begin(household, account_id, path=old))
    new = front.link_to(account_id)
    for answer in (household.get(old), household.post(old), household.get(back)):
        assert problem(answer) == VOID, "what was begun with the former one ends, too"
    second = consent(begin(household, account_id, path=new))
    take_back(front, account_id)
    assert button not in browser.get(f"/connect/{account_id}").text
    for address in (new, second):
        assert problem(household.get(address)) == VOID
    assert stored(account_id) is None


@pytest.mark.parametrize("end", ["/callback", "/callback/"])
def test_a_link_leads_to_the_page_however_grdf_leads_back(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    fields = {"conn_type": "http", "login": "a", "password": "b"}
    extra = {"redirect_uri": f"https://a.example/grdf{end}"}
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(fields | {"extra": extra}))
    assert page_address("grdf_adict") == "https://a.example/grdf"


def test_it_stays_good_until_it_has_connected(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    path, browser = front.link_to(account_id), front.browser()
    before = [*couchdb.scan(CONNECT)]
    for _ in range(TRIES + 1):
        refused = browser.get(consent(begin(browser, account_id, path=path), accept=False))
        assert (problem(refused), 'href="/grdf/household?token=' in refused.text) == ((200, "refused"), True)
    assert [*couchdb.scan(CONNECT)] == before, "without a code nothing is written, and no try is used up"
    world.control.set(code_lifetime_s=0)
    assert browser.get(consent(begin(browser, account_id, path=path))).status_code == 400
    world.control.set(code_lifetime_s=60)
    back = consent(begin(browser, account_id, path=path))
    world.control.fault("access_token", status=503)
    refused = browser.get(back, headers={"Accept-Language": "fr"})
    assert problem(refused) == (503, "down")
    assert [each for each in ("tried again", "HTTP", "CouchDB", "access_token") if each in said(refused).text] == []
    assert browser.get(back).status_code == 303
    assert browser.get(path).status_code == 303


def test_links_that_are_none(front: Site, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (token,) = parse_qs(urlsplit(front.link_to(account_id)).query)["token"]
    before = time.time() - 86_400 * LINK_DAYS - 1
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: before)
        over = seal(Invitation("x", account_id))
    browser = front.browser()
    for wrong in ("", "x", token[:-4], token[:-4] + "AAAA", seal(Attempt(account_id, "grdf_adict")), over):
        for answer in (browser.get("/household", params={"token": wrong}), browser.post(f"/household?token={wrong}")):
            assert problem(answer) == VOID
    monkeypatch.delenv("AIRFLOW__GRDF__HOUSEHOLD_LINKS")
    for answer in (browser.get(f"/household?token={token}"), browser.post(f"/household?token={token}")):
        assert problem(answer) == VOID, "they are switched off"
    assert "link" not in said(front.browser("op").get(f"/connect/{account_id}")).text


def test_a_household_sees_what_its_own_flow_brought(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    former, browser = known_account(world, account_id, 3), front.browser()
    document = stored(account_id) or {}
    changes = {"state_message": "a former word", "connected": {"at": "2025-01-02", "by": "somebody"}}
    couchdb.put(ACCOUNT, document | changes)
    path, number = front.link_to(account_id), f"7{account_id.rpartition('-')[2]}"
    first = browser.get(path)
    last = followed(browser, browser.get(consent(begin(browser, f"account-{number}", path=path))))
    own = holder(f"account-{number}").pces[0]
    run(account_id)
    words = (*former, "already connected", "other meters", "a former word", "2025", "somebody", account_id)
    for answer in (first, last, browser.get(path)):
        assert [word for word in words if word in said(answer).text] == []
    seen = stored(account_id) or {}
    assert {each["pce"] for each in seen["oauth_callback_results"]["consents"]} == {own, *former}


def figures(site: Site, path: str, more: str = "") -> httpx.Response:
    """Return what a link's token shows of the figures below them."""
    return site.browser().get(f"/household/figures{more}?{path.partition('?')[2]}")


def store_year(couchdb: CouchDBHook, account: str, pce: str, load: int) -> None:
    year = {"account": account, "pce": pce, "load": load, "year": 2025, "month": 1, "day": 1, "days": 365}
    couchdb.put(YEAR, {"_id": f"{account}:{pce}:2025", **year, "hour": 0, "minute": 0})


def test_a_household_sees_and_takes_along_its_own_figures_alone(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    path, browser = front.link_to(account_id), front.browser()
    assert front.program("op").post(f"/connect/{account_id}/link?to=figures").status_code == 404
    done = browser.get(consent(begin(browser, account_id, path=path)))
    run(account_id)
    store_year(couchdb, account_id, holder(account_id).pces[0], 4321)
    store_year(couchdb, f"{account_id}-b", holder(account_id).pces[0], 8765)
    assert "/household/figures?" not in said(followed(browser, done)).text
    with ZipFile(BytesIO(figures(front, path, "/copy.zip").content)) as copy:
        taken = copy.read("years.csv").decode()
    for text in (figures(front, path).text.replace(",", ""), taken):
        assert ("4321" in text, "8765" in text, account_id in text) == (True, False, False)
    with_own_link = front.link_to(account_id, "figures")
    assert all("4,321" in figures(front, each).text for each in (path, with_own_link))
    token = with_own_link.partition("?")[2]
    for answer in (browser.get(f"/household?{token}"), browser.post(f"/household?{token}")):
        assert problem(answer) == VOID, "it connects nothing"
    again = front.link_to(account_id)
    assert browser.get(consent(begin(browser, account_id, path=again))).status_code == 303
    assert problem(figures(front, again)) == VOID, "what was there before may be another household's"
    assert "4,321" in figures(front, with_own_link).text, "a renewal leaves it"
    last = front.link_to(account_id, "figures")
    assert problem(figures(front, with_own_link)) == VOID, "a new one replaces it"
    take_back(front, account_id)
    assert problem(figures(front, last)) == VOID


def test_a_household_withdraws_and_nothing_more_is_read(
    front: Site, world: LocalWorld, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    (pce,) = known_account(world, account_id)
    path = front.link_to(account_id, "figures")
    browser, withdrawal = front.browser(), f"/household/figures/withdraw?{path.partition('?')[2]}"
    withdrawn = datetime.now(UTC) - timedelta(days=20)
    CouchDBHook().put(ACCOUNT, with_leaving(stored(account_id) or {}, by=BY_LINK, since=withdrawn))
    delete(account_id, form={"keep_data": True})
    (right,) = Ledger(CouchDBHook()).fetch_meters([pce])[pce].rights
    assert right.ended_on == paris_today(withdrawn), "the days after it may be the next household's"
    browser.post(withdrawal)
    assert browser.get(consent(begin(browser, account_id, path=front.link_to(account_id)))).status_code == 303
    assert leaving_asker(stored(account_id) or {}) is None, "it has changed its mind"
    for _ in range(2):
        back = browser.post(withdrawal)
    assert back.headers["Location"] == f"/grdf{path}"
    assert id_if_listed(stored(account_id) or {}) == account_id, "its DAG stays until the deletion begins"
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    assert "withdraw?" not in figures(front, path).text
    assert caplog.text.count("Start grdf_delete_account") == 2
    assert find_concerns(CouchDBHook(), [], [summarize_account(stored(account_id) or {})], [], datetime.now(UTC)) == [
        (Cause.WITHDRAWN, NamedReason(account_id))
    ]
    delete(account_id, run_id="run-2")
    assert stored(account_id) is None
    assert problem(figures(front, path)) == VOID


def test_what_is_kept_of_a_link_and_for_how_long(couchdb: CouchDBHook, account_id: str) -> None:
    links, until = HouseholdLinks(couchdb), int(time.time()) + 60
    links.create_link(f"old-{account_id}", "over", int(time.time()) - 1)
    links.create_link(account_id, "named", until)
    links.remove_expired(Remover(couchdb))
    assert couchdb.get(CONNECT, link_document(f"old-{account_id}")) is None
    stored = couchdb.get(CONNECT, link_document(account_id)) or {}
    assert stored.keys() == {"_id", "_rev", "link", "until", "tries"}
    account = {"_id": account_id, "account_type": "grdfgrandlyon", "connected": {"at": "", "by": "", "link": "named"}}
    assert (links.valid_until(account_id, None), links.valid_until(account_id, account)) == (until, None)
    with ThreadPoolExecutor(TRIES + 1) as pool:  # guesses at once are no more than guesses one by one
        found = pool.map(lambda _: links.link_state(account_id, "named", sends=True), range(TRIES + 1))
        assert sorted(found) == ["good"] * TRIES + ["tried"]
    assert links.valid_until(account_id, None) is None
    couchdb.put(ACCOUNT, account)
    assert [links.link_state(account_id, "named", sends=sends) for sends in (False, True)] == ["used"] * 2
    stored = couchdb.get(ACCOUNT, account_id) or {}
    couchdb.put(ACCOUNT, stored | {"declaration": {"name": "x", "refused": True}})
    assert links.link_state(account_id, "named") == "used", (
        "it has connected the account, and corrects nothing any more"
    )
    links.create_link(account_id, "named", until)
    assert links.link_state(account_id, "named") == "good", "what was refused is corrected with it"
    links.create_link(account_id, "new", until)
    assert links.link_state(account_id, "named") == "void"
    assert links.link_state(account_id, "new", sends=True) == "good"
    links.revoke_links(account_id)
    assert links.link_state(account_id, "new") == "void", "what was taken back stays so"
