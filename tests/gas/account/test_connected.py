"""What GRDF is told about a holder, and how an account changes when its household connects on the page."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from include.gas.account.account import Account
from include.gas.account.connected import check_connectable, connected, declaring, deletions, is_of_another, login_hint
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.whole_history import history_read
from include.gas.consents.consent import Consent
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.meter_tag import meter_tag

NOW = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
AT = "2026-03-01T10:00:00.000000Z"
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
    with pytest.raises(ValueError, match=r"login hint|none of them"):
        login_hint(*parts, "Ville")


def test_a_new_account_is_one_past_its_first_launch():
    document = connected(None, "new", [Consent(A, "right-a", date(2025, 1, 1), None)], at=NOW, by="op")
    assert document == {
        "_id": "new",
        "account_type": "grdfgrandlyon",
        "name": "",
        "oauth": {},
        "oauth_callback_results": {
            "scope": "openid",
            "pce_id": A,
            "consents": [{"pce": A, "id_accreditation": "right-a", "first": "2025-01-01", "brought": AT}],
        },
        "connected": {"at": "2026-03-01T10:00:00.000000Z", "by": "op"},
    }
    account = Account.from_document(document)
    assert not account.needs_first_launch
    assert not account.waits_for_person


def test_connecting_again_loses_nothing():
    old = {
        "_id": "known",
        "_rev": "7-x",
        "account_type": "grdfgrandlyon",
        "name": "kept",
        "oauth": {"access_token": "old"},
        "oauth_callback_results": {
            "id_token": "old",
            "pce_id": A,
            "consents": [{"pce": A, "id_accreditation": "old-a"}, {"pce": B, "id_accreditation": "right-b"}],
        },
        "history": {A: {"id_accreditation": "old-a", "from": "2024-01-01", "read_at": "x"}},
        "state": "USER_ACTION_NEEDED.OAUTH_OUTDATED",
        "state_message": "revoked",
        "anything": {"else": 1},
    }
    before = repr(old)
    new = connected(old, "known", [Consent(A, "new-a")], at=NOW, by="op")
    assert repr(old) == before
    assert new["oauth_callback_results"]["consents"] == [
        {
            "pce": A, "id_accreditation": "new-a", "brought": AT,
            "others": [{"pce": A, "id_accreditation": "old-a"}],
        },
        {"pce": B, "id_accreditation": "right-b"},
    ]  # fmt: skip
    assert "id_token" not in new["oauth_callback_results"]
    assert new["oauth"] == {}
    said = (new["state"], new["state_message"], new["state_partial"])
    assert said == (old["state"], "revoked", True), "it may be about the other meter: GRDF's list will say"
    for key in ("_rev", "name", "history", "anything"):
        assert new[key] == old[key]
    account = Account.from_document(new)
    assert not account.waits_for_person
    assert not history_read(new, account.meters[0]), "under the new consent the history is read again"


OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def lost(*pces, **more):
    """An account with two meters, some of which are lost according to GRDF's list."""
    entries = [
        {"pce": pce, "id_accreditation": f"old-{pce}"} | ({"unusable": "revoked"} if pce in pces else {})
        for pce in (A, B)
    ]
    return {
        "_id": "known", "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": {"consents": entries},
        "state": OUTDATED, "state_since": "2026-01-01", "state_message": "as it was", "consents_lost": list(pces),
        **more,
    }  # fmt: skip


def test_connecting_another_meter_leaves_the_loss_of_the_first():
    new = connected(lost(A), "known", [Consent("09999999999999", "strangers")], at=NOW, by="op")
    assert (new["state"], new["state_since"], new["consents_lost"]) == (OUTDATED, "2026-01-01", [A])
    assert new["state_partial"] is True, "the new one is read"
    assert f"meter {meter_tag('known', A)}: the consent is revoked" in new["state_message"]
    assert not Account.from_document(new).waits_for_person


def test_connecting_one_of_two_that_are_lost_leaves_the_other_one():
    new = connected(lost(A, B), "known", [Consent(A, "new-a")], at=NOW, by="op")
    assert (new["state"], new["consents_lost"]) == (OUTDATED, [B])
    assert meter_tag("known", A) not in new["state_message"]
    assert meter_tag("known", B) in new["state_message"]


def test_connecting_what_was_lost_clears_the_state():
    for new in (
        connected(lost(A), "known", [Consent(A, "new-a")], at=NOW, by="op"),
        connected(lost(A, B), "known", [Consent(A, "new-a"), Consent(B, "new-b")], at=NOW, by="op"),
        connected(lost(A, state="VENDOR_DOWN"), "known", [Consent(B, "new-b")], at=NOW, by="op"),
    ):
        assert not new["state"]
        assert not {"state_message", "state_since", "state_partial"} & new.keys()


@pytest.mark.parametrize("account_type", ["enedisgrandlyon", None])
def test_another_kind_of_account_is_left_alone(account_type):
    document = {"_id": "known", "account_type": account_type}
    with pytest.raises(BadAccount):
        check_connectable(document)
    with pytest.raises(BadAccount):
        connected(document, "known", [Consent(A, "a")], at=NOW, by="op")


def test_one_that_is_leaving_is_left_alone():
    document = {
        "_id": "known",
        "account_type": "grdfgrandlyon",
        "leaving": {"since": "2026-02-01T00:00:00Z", "by": "op", "run": "r", "keep_data": False},
    }
    with pytest.raises(AccountLeaving):
        connected(document, "known", [Consent(A, "a")], at=NOW, by="op")


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
    waiting = declaring(None, "new", Declaration(**asked), at=NOW, by="household")
    assert is_of_another(waiting, Declaration(**(asked | given))) is another


def test_deletions_that_began_or_ended_are_told():
    begun = {"_id": "a:1", "finished_at": None}
    ended = {"_id": "a:1", "finished_at": "2026-01-01"}
    told = [deletions(records) for records in ([], [begun], [ended], [ended, {"_id": "a:2", "finished_at": None}])]
    assert told[0] == ""
    assert len(set(told)) == 4
    assert deletions([ended, begun | {"_id": "a:0"}]) == deletions([begun | {"_id": "a:0"}, ended])
