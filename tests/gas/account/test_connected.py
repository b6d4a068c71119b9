"""What GRDF is told about a holder, and how an account changes when its household connects on the page."""

from __future__ import annotations

import pytest

from include.gas.account.account import Account
from include.gas.account.connected import (
    check_connectable,
    connected,
    declaring,
    is_for_another,
    login_hint,
)
from include.gas.account.declaration import Declaration, is_correctable
from include.gas.account.grant import Grant
from include.gas.account.marks import Connected
from include.gas.account.status import Status
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.rights.meter_rights import Held

AT = "2026-03-01T10:00:00.000000Z"
MARK = Connected(AT, "op")
A, B = "09999990000001", "09999990000002"


def test_the_hint_has_four_parts():
    assert login_hint(" Alix ", "Exemple", "a@example.org", "Ville") == "Alix;Exemple;a@example.org;Ville"
    assert login_hint("Alix", "Exemple", "a@example.org", "") == "Alix;Exemple;a@example.org;"
    assert login_hint("", " ", "", "Ville") == ""


@pytest.mark.parametrize(
    "parts",
    [
        ("Alix", "", "a@example.org"), ("", "", "a@example.org"), ("Alix", "Exemple", "no address"),
        ("Al;ix", "Exemple", "a@example.org"), ("Alix", "Ex|emple", "a@example.org"),
        ("Alix", "Exemple\n", "a@exa\nmple.org"), ("A" * 101, "Exemple", "a@example.org"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_hint(parts):
    assert login_hint(*parts, "Ville") is None


TOKEN = Grant("signed", nonce="once")


def test_a_new_account_is_as_cozy_leaves_it():
    document = connected(None, "new", TOKEN, MARK)
    assert document == {
        "_id": "new",
        "account_type": "grdfgrandlyon",
        "name": "",
        "oauth": {"nonce": "once"},
        "oauth_callback_results": {"scope": "openid", "consents": [], "id_token": "signed"},
        "connected": {"at": AT, "by": "op"},
    }
    account = Account.from_document(document)
    assert (account.needs_grant, account.grant, account.waits_for_person) == (True, TOKEN, False)


@pytest.mark.parametrize("of_konnector", [False, True])
def test_connecting_again_loses_nothing(of_konnector):
    known = {"pce_id": A} if of_konnector else {"pce_id": A, "consents": [{"pce": A, "id_accreditation": "old-a"}]}
    old = {
        "_id": "known", "_rev": "7-x", "account_type": "grdfgrandlyon", "name": "kept",
        "oauth": {"access_token": "old"}, "oauth_callback_results": {"id_token": "old", **known},
        "status": {"readings": {A: {"since": "2024-01-01"}}},
        "state": "USER_ACTION_NEEDED.OAUTH_OUTDATED", "anything": {"else": 1},
    }  # fmt: skip
    before = repr(old)
    new = connected(old, "known", TOKEN, MARK)
    assert repr(old) == before
    changed = {"oauth", "oauth_callback_results", "connected"}
    assert {key: new[key] for key in new.keys() - changed} == {key: old[key] for key in old.keys() - changed}
    account = Account.from_document(new)
    assert (account.reconnected, account.grant, account.waits_for_person) == (True, TOKEN, False)
    assert [meter.pce for meter in account.meters] == [A]


@pytest.mark.parametrize("account_type", ["enedisgrandlyon", None])
def test_another_kind_of_account_is_left_alone(account_type):
    document = {"_id": "known", "account_type": account_type}
    with pytest.raises(BadAccount):
        check_connectable(document)
    with pytest.raises(BadAccount):
        connected(document, "known", TOKEN, MARK)


def test_one_that_is_leaving_is_left_alone():
    document = {
        "_id": "known",
        "account_type": "grdfgrandlyon",
        "leaving": {"since": "2026-02-01T00:00:00Z", "by": "op", "run": "r", "keep_data": False},
    }
    with pytest.raises(AccountLeaving):
        connected(document, "known", TOKEN, MARK)


@pytest.mark.parametrize(
    ("given", "another"),
    [
        ({}, False), ({"email": "M.Durand@Example.org"}, False), ({"name": " DÜRAND  Invente"}, False),
        ({"postcode": "69002"}, False), ({"name": "Petit"}, True), ({"email": "p@example.org"}, True),
        ({"pce": B}, True),
    ],
)  # fmt: skip
def test_who_writes_their_name_in_another_way_is_no_other_household(given, another):
    asked = {"pce": A, "name": "Durand Invente", "email": "m.durand@example.org", "postcode": "69001"}
    waiting = declaring(None, "new", Declaration(**asked), MARK)
    assert is_for_another(waiting, Declaration(**(asked | given))) is another
    behind = Status.with_held(waiting, [Held(pce=A, word="behind")])
    assert not is_for_another(behind, Declaration(**(asked | given))), "its number may be mistyped"


def test_whoever_connects_it_later_leaves_the_link_that_has_connected_it():
    sent = declaring(None, "new", Declaration(pce=A, name="Durand"), Connected(AT, "household", "link-1"))
    assert connected(sent, "new", TOKEN, MARK)["connected"] == {"at": AT, "by": "op", "link": "link-1"}


def test_what_was_refused_or_waits_for_a_meter_may_be_corrected():
    sent = declaring(None, "new", Declaration(pce=A, name="Durand"), MARK)
    assert not is_correctable(sent)
    assert is_correctable(sent | {"declaration": {**sent["declaration"], "refused": True}})
    assert is_correctable(Status.with_held(sent, [Held(pce=A, word="behind")]))
    assert not is_correctable(Status.with_held(sent, [Held(pce=B, word="behind")])), "another meter waits"
