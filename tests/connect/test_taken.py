"""A meter of another account is refused with an explanation, as long as the other account's consent is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import Attempt
from include.gas.account.account import Account
from include.gas.account.connected import login_hint
from tests.connect.dance import asked, begin, consent, names, said, stored_account
from tests.connect.links import link_for, path_of
from tests.connect.site import Site
from tests.helpers import known_account

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

STAYS = {"parcours": "DECLARATION_TIERS"}
"""An access right that a new consent by Client Connect does not end."""


def other_of(account: str) -> str:
    return f"other-{80_000 + int(account.rpartition('-')[2])}"


@pytest.mark.parametrize("again", [False, True])
def test_an_operator_hears_whose_the_meter_is(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, again: bool
) -> None:
    (pce,) = known_account(world, other_of(account_id), fields=STAYS)
    theirs = stored_account(couchdb, other_of(account_id))
    if again:
        known_account(world, account_id)
    before = stored_account(couchdb, account_id)
    browser = door.browser("op")
    told = said(browser.get(consent(begin(browser, account_id), pces=[pce])))
    assert (told.status, told.title) == (409, "This meter belongs to another account")
    assert "belongs to another account" in told.text
    assert f"It is {other_of(account_id)}." in told.text
    assert "Nothing was changed" in told.text
    assert pce not in told.text
    assert stored_account(couchdb, account_id) == before
    assert stored_account(couchdb, other_of(account_id)) == theirs


def test_a_household_hears_nothing_of_the_other(
    front: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(world, other_of(account_id), fields=STAYS)
    browser = front.browser()
    path = path_of(link_for(front, account_id))
    page = browser.get(consent(begin(browser, account_id, path=path), pces=[pce]))
    assert (said(page).status, said(page).title) == (409, "This meter is already connected")
    assert other_of(account_id) not in page.text
    assert stored_account(couchdb, account_id) is None
    log = (front.stack.home / "api-server.log").read_text(encoding="utf-8")
    assert f"Account {account_id}: its meter" in log, "an operator can find out"
    assert f"The other account: {other_of(account_id)}." in log
    assert browser.get(path).status_code == 200, "the link stays good"


def test_who_may_not_see_the_other_account_does_not_hear_its_name(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pce,) = known_account(world, other_of(account_id), fields=STAYS)
    attempt = Attempt.begin(account_id, visitor="op", redirect_uri=door.redirect_uri)
    hint = login_hint(**names(account_id), third_party="TIERS")
    back = consent(attempt.authorize_url(GrdfOAuthHook().facts, hint), pces=[pce])
    with pytest.raises(connecting.Stop) as stop:
        connecting.finish(attempt, asked(back)["code"], by="op", may_see=lambda other: other == "another")
    assert stop.value.key == "connect.meter_taken"
    assert "belongs to another account" in stop.value.cause
    assert other_of(account_id) not in stop.value.cause


def test_whose_consent_is_over_makes_way_and_hears_of_it(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    """The old tenant never came back, and the new consent ends the old one at GRDF."""
    (pce,) = known_account(world, other_of(account_id))
    old = stored_account(couchdb, other_of(account_id))
    assert old is not None
    browser = door.browser("op")
    page = browser.get(consent(begin(browser, account_id), pces=[pce]))
    assert said(page).title == f"Account {account_id} is connected"
    new = stored_account(couchdb, account_id)
    theirs = stored_account(couchdb, other_of(account_id))
    assert new is not None
    assert theirs is not None
    own = {meter.pce: meter.own for meter in Account.from_document(new).meters}
    assert own[pce].isdisjoint(Account.from_document(theirs).meters[0].own)
    assert Account.from_document(theirs).meters[0].own == Account.from_document(old).meters[0].own
    assert theirs["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert theirs["consents_lost"] == [pce]


def test_grdf_cannot_say_whose_consent_is_in_force(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    (pce,) = known_account(world, other_of(account_id), fields=STAYS)
    world.control.fault("/droits_acces", status=503, times=None)
    browser = door.browser("op")
    told = said(browser.get(consent(begin(browser, account_id), pces=[pce])))
    assert told.status == 503
    assert stored_account(couchdb, account_id) is None
