"""A household's link in the wrong hands is valid for a few tries, and links never use up the daily runs' calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from grdf.quota.ledger import Ledger
from grdf.stores.household_links import STEPS, TRIES
from include.gas.documents.doctypes import CONNECT
from tests.connect.dance import asked, begin, consent, said, stored_account
from tests.connect.links import BUDGET, ledger, link_for, path_of
from tests.plugins.clockwork import call

if TYPE_CHECKING:
    import requests

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site


def guess(site: Site, path: str, code: str) -> requests.Response:
    """Try to connect as somebody would who has a link but no code."""
    browser = site.browser()
    begun = browser.post(path)
    if begun.status_code != 303:
        return begun
    answer = {"state": asked(begun.headers["Location"])["state"], "code": code}
    return browser.get(f"{site.redirect_uri}?{urlencode(answer)}")


def codes_sent(world: LocalWorld) -> int:
    """Return the number of codes that were sent to GRDF."""
    return sum("access_token" in entry["path"] for entry in world.control.log())


def test_many_at_once_have_no_more(fresh: Site, world: LocalWorld, account_id: str) -> None:
    path = path_of(link_for(fresh, account_id))
    world.control.clear_log()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: guess(fresh, path, f"code-{number}"), range(24)))
    assert 1 <= codes_sent(world) <= TRIES


def test_a_household_that_errs_can_still_connect(
    fresh: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    path = path_of(link_for(fresh, account_id))
    for number in range(TRIES - 2):
        guess(fresh, path, f"code-{number}")
    browser = fresh.browser()
    back = consent(begin(browser, account_id, path=path))
    world.control.fault("access_token", status=503)
    assert said(browser.get(back)).title == "This does not work at the moment"
    assert said(browser.get(back)).title == "Thank you, you are connected", "the code may still be good"
    assert stored_account(couchdb, account_id)


def test_one_address_loaded_again_and_again_costs_no_more_calls(
    fresh: Site, world: LocalWorld, account_id: str
) -> None:
    """After a temporary failure of GRDF, the same code is valid again. Each time that it is sent counts as a call."""
    path, other = (path_of(link_for(fresh, account)) for account in (account_id, f"{account_id}-b"))
    browser = fresh.browser()
    state = asked(browser.post(path).headers["Location"])["state"]
    world.control.clear_log()
    world.control.fault("access_token", status=503, times=None)
    url = f"{fresh.redirect_uri}?{urlencode({'state': state, 'code': 'x'})}"
    told = [said(browser.get(url)).title for _ in range(20)]
    assert codes_sent(world) == TRIES
    assert told[:TRIES] == ["This does not work at the moment"] * TRIES
    assert set(told[TRIES:]) <= {"This link was tried too often", "This answer has already been used"}
    assert said(browser.get(path)).title == "This link was tried too often"
    assert fresh.browser().post(other).status_code == 303, "other households connect"


def test_what_was_not_sent_is_no_try(fresh: Site, world: LocalWorld, account_id: str) -> None:
    governor, browser = ledger(fresh), fresh.browser()
    back = consent(begin(browser, account_id, path=path_of(link_for(fresh, account_id))))
    for _ in range(governor.left("link")):
        call(governor, purpose="link")
    world.control.clear_log()
    told = {said(browser.get(back)).title for _ in range(TRIES + 2)}
    assert told == {"Too many households are connecting today"}
    assert codes_sent(world) == 0
    governor._store.update(governor._key, lambda _text, _now: (Ledger().text(), None))
    assert said(browser.get(back)).title == "Thank you, you are connected"


def test_one_link_does_not_write_without_end(fresh: Site, couchdb: CouchDBHook, account_id: str) -> None:
    path = path_of(link_for(fresh, account_id))
    before = len(couchdb.range(CONNECT, "0", "~"))
    statuses = []
    for _ in range(STEPS + 10):
        browser = fresh.browser()
        begun = browser.post(path)
        statuses.append(begun.status_code)
        if begun.status_code == 303:
            answer = {"state": asked(begun.headers["Location"])["state"], "error": "access_denied"}
            assert said(browser.get(f"{fresh.redirect_uri}?{urlencode(answer)}")).title == "No consent was given"
    assert statuses == [303] * STEPS + [410] * 10
    assert len(couchdb.range(CONNECT, "0", "~")) <= before + STEPS


def test_all_links_together_leave_the_daily_runs_their_calls(fresh: Site, world: LocalWorld, account_id: str) -> None:
    governor = ledger(fresh)
    for _ in range(BUDGET - 3):
        call(governor, purpose="link")
    left = governor.left("daily")
    accounts = [f"{account_id}-{number}" for number in range(4)]
    paths = [path_of(link_for(fresh, account)) for account in accounts]
    world.control.clear_log()
    told = [said(guess(fresh, path, f"code-{number}")) for path in paths for number in range(TRIES)]
    assert codes_sent(world) == 2, "with one call left nobody is sent to GRDF: a household needs two"
    assert {(each.status, each.title) for each in told[2:]} == {(503, "Too many households are connecting today")}
    assert governor.left("daily") == left - 2
    call(governor)
    french = said(fresh.browser().post(paths[-1], headers={"Accept-Language": "fr"}))
    assert french.title == "Trop de foyers se connectent aujourd’hui"
