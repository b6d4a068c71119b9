"""Households that connect again or are leaving, and what is stored about an attempt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.oauth import GrdfOAuthHook
from grdf.page.connect import exchange as connecting
from grdf.page.connect.attempt import Attempt
from grdf.page.connect.exchange import Stop, stop_for
from grdf.stores.once import DOCTYPE, KEPT, mark_id
from include.gas.account.account import Account
from include.gas.account.connected import login_hint
from include.gas.account.state import with_state
from include.gas.documents.doctypes import ACCOUNT, DAY
from include.gas.errors import OAUTH_OUTDATED, RetryLater
from tests.connect.dance import asked, begin, consent, names, said, stored_account, whole
from tests.connect.site import Site
from tests.helpers import holder, known_account
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def test_a_lost_consent_is_given_again(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    one, two = known_account(world, account_id, 2)
    day = {"_id": f"{account_id}:{one}:2026-01-01", "account": account_id, "pce": one, "load": 7}
    couchdb.put(DAY, day)
    old = stored_account(couchdb, account_id)
    assert old is not None
    couchdb.put(ACCOUNT, with_state(old, OAUTH_OUTDATED, "the holder has revoked", "2026-01-01T00:00:00Z"))
    browser = door.browser("op")
    assert "stays" in said(browser.get(f"/connect/{account_id}")).text
    page = said(browser.get(consent(begin(browser, account_id, 2), pces=[one])))
    assert page.title == f"Account {account_id} is connected"
    assert f"other meters stay as they are: {two}" in page.text
    new = stored_account(couchdb, account_id)
    assert new is not None
    account = Account.from_document(new)
    assert not account.waits_for_person
    assert [meter.pce for meter in account.meters] == [one, two]
    assert account.meters[0].id_accreditation != Account.from_document(old).meters[0].id_accreditation
    assert account.meters[1] == Account.from_document(old).meters[1]
    assert new["history"] == old["history"]
    kept = couchdb.get(DAY, day["_id"])
    assert kept is not None
    assert kept["load"] == 7


def test_an_account_that_is_being_deleted(door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    known_account(world, account_id)
    old = stored_account(couchdb, account_id)
    assert old is not None
    leaving = {"since": "2026-02-01T00:00:00Z", "by": "op", "run": "r", "keep_data": False}
    couchdb.put(ACCOUNT, old | {"leaving": leaving})
    before = stored_account(couchdb, account_id)
    for answer in (browser.get(back), browser.get(f"/connect/{account_id}"), browser.post(f"/connect/{account_id}")):
        assert (said(answer).status, said(answer).title) == (409, "This account is being deleted")
    assert stored_account(couchdb, account_id) == before


@pytest.mark.parametrize("keep_data", [False, True])
def test_an_attempt_that_was_begun_before_a_deletion(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, keep_data: bool
) -> None:
    known_account(world, account_id)
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    delete(account_id, form={"keep_data": keep_data})
    before = stored_account(couchdb, account_id)
    assert (before is not None) == keep_data
    told = said(browser.get(back))
    assert (told.status, told.title) == (409, "This account has been deleted in the meantime")
    assert stored_account(couchdb, account_id) == before
    assert whole(browser, account_id).status_code == 200, "what begins after it connects"


def test_a_deletion_that_ends_while_grdf_is_asked(
    door: Site, world: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts is the state when the account is written."""
    known_account(world, account_id)
    attempt = Attempt.begin(account_id, visitor="op", redirect_uri=door.redirect_uri)

    def asked_meanwhile(*_: object, **__: object) -> tuple[()]:
        delete(account_id)
        return ()

    back = consent(attempt.authorize_url(GrdfOAuthHook().facts, login_hint(**names(account_id), third_party="TIERS")))
    monkeypatch.setattr(connecting, "_rights", asked_meanwhile)
    with pytest.raises(Stop) as stop:
        connecting.finish(attempt, asked(back)["code"], by="op")
    assert (stop.value.key, stop.value.status) == ("connect.deleted", 409)
    assert stored_account(couchdb, account_id) is None


def test_an_account_of_another_kind(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    browser = door.browser("op")
    back = consent(begin(browser, account_id))
    couchdb.put(ACCOUNT, {"_id": account_id, "account_type": "enedisgrandlyon", "oauth": {"access_token": "theirs"}})
    before = stored_account(couchdb, account_id)
    for answer in (browser.get(back), browser.get(f"/connect/{account_id}"), browser.post(f"/connect/{account_id}")):
        assert (said(answer).status, said(answer).title) == (409, "This account cannot be connected")
    assert stored_account(couchdb, account_id) == before


def test_couchdb_is_down(world: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_COUCHDB", '{"conn_type": "http", "host": "http://127.0.0.1:9", "login": "x", "password": "y"}'
    )
    with pytest.raises(RetryLater) as error:
        connecting.place(account_id)
    stop = stop_for(error.value)
    assert (stop.key, stop.status, stop.cause) == ("connect.down", 503, "")


def test_what_is_kept_of_an_attempt(door: Site, couchdb: CouchDBHook, account_id: str) -> None:
    """A time and a hash are stored, and removed long after that time."""
    old = mark_id("an old one", time.time() - KEPT - 10)
    couchdb.put(DOCTYPE, {"_id": old})
    assert whole(door.browser("op"), account_id).status_code == 200
    marks = [mark for mark in couchdb.scan(DOCTYPE) if not mark["_id"].startswith("link-")]  # see test_links_void.py
    assert marks
    assert all(set(mark) == {"_id", "_rev"} for mark in marks)
    assert old not in {mark["_id"] for mark in marks}
    assert all(int(mark["_id"].partition("-")[0]) > time.time() - KEPT for mark in marks)
    assert account_id not in repr(marks)
    assert holder(account_id).pces[0] not in repr(marks)
