"""Account documents in each form in which they occur, what connecting changes, and which rights are an account's."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from include.gas.account.account import Account
from include.gas.account.connection_documents import (
    document_after_consent,
    document_to_declare,
    has_other_declaration,
    login_hint,
)
from include.gas.account.declaration import Declaration, is_correctable
from include.gas.account.declared_right import (
    declaration_request,
    is_other_household,
    parse_declaration_answer,
    wanted_right,
)
from include.gas.account.grant import Grant, without_grant
from include.gas.account.marks import ConnectedMark
from include.gas.account.state import with_state
from include.gas.account.status import Billing, Reading, Status, with_meters
from include.gas.answers.access_rights import AccessRight, Role
from include.gas.days.windows import Window
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.rights.meter_rights import MeterAccess

PCE, GI = "09900000000017", "GI000042"
NOW, AT = datetime(2024, 4, 2, 9, tzinfo=UTC), "2026-03-01T10:00:00.000000Z"
DAYS = (Window(date(2021, 1, 1), date(2026, 9, 1)),)
METERS = (
    MeterAccess(pce=PCE, word="active", is_open=True, right="u-1", own=("u-1",), days=DAYS),
    MeterAccess(pce=GI, word="unseen", right="u-2", own=("u-2",)),
)
OUTDATED, MARK, TOKEN = "USER_ACTION_NEEDED.OAUTH_OUTDATED", ConnectedMark(AT, "op"), Grant("signed", nonce="once")
LEAVING = {"leaving": {"since": "2026-02-01T00:00:00Z", "by": "op", "run": "r", "keep_data": False}}


def document(oauth: Any = None, results: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "_id": "acc-1", "_rev": "2-x", "account_type": "grdfgrandlyon", "name": "",
        "oauth": {"access_token": "s3cr3t-a", "token_type": "Bearer", "refresh_token": "s3cr3t-r", "expires_at": "x"}
        if oauth is None else oauth,
        "oauth_callback_results": {"id_token": "s3cr3t-i", "scope": "openid"} if results is None else results,
        **more,
    }  # fmt: skip


def test_the_shapes_of_an_account() -> None:
    cozy = Account.from_document(document())
    assert cozy == Account("acc-1", grant=Grant("s3cr3t-i"))
    code = {"code": "s3cr3t-c", "redirect_uri": "https://x.example/cb", "nonce": "n"}
    exchange = Account.from_document(document(code, {}))
    assert exchange.grant == Grant(**code)
    konnector = Account.from_document(document(results={"id_token": "s3cr3t-i", "pce_id": PCE}))
    assert (konnector.meters, konnector.grant) == ((MeterAccess(pce=PCE),), Grant("s3cr3t-i"))
    assert [each.needs_grant for each in (cozy, exchange, konnector)] == [True, True, False]
    assert not konnector.reconnected
    ours = without_grant(with_meters(document(), reversed(METERS)))
    read = Account.from_document(ours)
    assert (read.meters, read.grant, read.needs_grant) == (METERS, None, False), "one that may be read comes first"
    assert ours["oauth_callback_results"] == {
        "scope": "openid", "pce_id": PCE,
        "consents": [{"pce": PCE, "id_accreditation": "u-1"}, {"pce": GI, "id_accreditation": "u-2"}],
    }  # fmt: skip
    again = with_meters(ours, [MeterAccess(pce=PCE), MeterAccess(pce=GI, right="u-3")])["oauth_callback_results"]
    assert [each["id_accreditation"] for each in again["consents"]] == ["u-1", "u-3"], "one may be another account's"
    assert Account.from_document(ours | {"oauth": {"code": "s3cr3t-c"}}).needs_grant
    ours["oauth_callback_results"]["id_token"] = "s3cr3t-i"
    assert Account.from_document(ours | {"state": "VENDOR_DOWN"}).reconnected


def test_no_secret_is_left_or_shown() -> None:
    keys = ("access_token", "refresh_token", "code", "nonce", "id_token", "client_secret", "expires_at")
    results = dict.fromkeys(("id_token", "access_token", "code"), "s3cr3t")
    full = document(dict.fromkeys(keys, "s3cr3t") | {"redirect_uri": "https://x.example/cb"}, results)
    assert "s3cr3t" not in json.dumps(without_grant(full))
    assert "s3cr3t" not in repr(Account.from_document(full)) + repr(Account.from_document(document()))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"account_type": "enedis"}, "^Account acc-1: its account_type is not grdfgrandlyon"),
        ({"oauth": []}, "its oauth is not an object"),
        ({"state": 7}, "its state is not a string"), ({"oauth": {"code": 7}}, "its code is not a string"),
        ({"oauth_callback_results": {"pce_id": "x"}}, "its pce_id is not a valid meter"),
        ({"oauth_callback_results": {"consents": {}}}, "its list of consents is not a list"),
        ({"oauth_callback_results": {"consents": [{}]}}, "one of its consents names no valid meter"),
        ({"_id": "a b"}, "odd _id: 'a b' is not an account id"),
    ],
)  # fmt: skip
def test_odd_documents(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(BadAccount, match=cause) as caught:
        Account.from_document(document() | changes)
    assert "io-cozy-accounts" in str(caught.value)


def test_states() -> None:
    later = datetime(2024, 5, 1, tzinfo=UTC)
    marked = with_state(document(), OUTDATED, "revoked", NOW)
    assert (marked["state"], marked["state_message"], marked["state_since"][:10]) == (OUTDATED, "revoked", "2024-04-02")
    assert with_state(marked, OUTDATED, "revoked", later) == marked
    assert with_state(marked, "LOGIN_FAILED", "x", later)["state_since"].startswith("2024-05")
    assert with_state(marked, None) == document(state=None)
    assert with_state(document(), None) == document()


def test_a_meter_is_read_whole_anew_for_each_new_right() -> None:
    def has(*own: str, first: date = date.min) -> MeterAccess:
        return MeterAccess(pce=PCE, own=own, days=(Window(first, date.max),))

    day = NOW.date()
    noted = Status.with_reading(document(), PCE, Reading(whole_at=day, since=date(2021, 4, 4), under=("u-0", "u-1")))
    reading = Status.reading_of(noted, PCE)
    assert reading.last_whole(has("u-1"), day) == reading.last_whole(has("u-0", "u-1"), day) == day
    assert reading.last_whole(has("u-1", "u-9"), day) is None
    assert reading.last_whole(has("u-1", first=date(2021, 4, 3)), date(2024, 3, 31)) is None, "it reaches further back"
    between = (Window(date(2018, 1, 1), date(2020, 1, 1)), Window(date(2023, 1, 1), date(2030, 1, 1)))
    gap = replace(has("u-1"), days=between)
    assert replace(reading, since=date(2023, 1, 1)).last_whole(gap, day) == day, "what GRDF serves begins in a gap"
    assert Status.reading_of(noted, GI).last_whole(has("u-2"), day) is None
    for odd in (None, [], {PCE: None}, {PCE: {"under": ["u-1"]}}, {PCE: {"under": ["u-1"], "whole_at": "x"}}):
        assert Status.reading_of({"status": {"readings": odd}}, PCE).last_whole(has("u-1"), day) is None


def test_the_monthly_reading_counts_under_the_rights_that_it_had() -> None:
    noted = Status.with_billing(document(), PCE, Billing(datetime(2024, 4, 1, 23, tzinfo=UTC), ("u-0", "u-1"), "1M"))
    billing, day = Status.billing_of(noted, PCE), date(2024, 4, 2)

    def last(*own: str, is_open: bool = True, of: Billing = billing) -> date | None:
        return of.last_read(MeterAccess(pce=PCE, own=own, is_open=is_open))

    looked_at = Billing(billing.read_at)
    assert last("u-1") == last("u-0", "u-1") == last("u-1", is_open=False, of=looked_at) == day
    assert last("u-1", "u-9") is None, "a right is new"
    assert last("u-1", is_open=False) is None, "GRDF was asked, maybe after the end"
    assert last("u-1", of=looked_at) is last("u-1", of=Status.billing_of(noted, GI)) is None


def test_what_asks_for_nothing_and_is_read_or_history_is_settled() -> None:
    known = with_meters(document(oauth={}, results={}), [METERS[0], MeterAccess(pce=GI, word="over", right="u-2")])
    assert Account.from_document(known).is_settled
    person = {"pce": PCE, "name": "Durand", "postcode": "69001", "email": "durand@example.org"}
    asks: list[dict[str, Any]] = [
        {"oauth": {"code": "c", "redirect_uri": "http://localhost"}}, {"declaration": person}, {"state": "VENDOR_DOWN"},
    ]  # fmt: skip
    assert not any(Account.from_document(known | more).is_settled for more in asks)
    assert not Account.from_document(with_meters(document(oauth={}, results={}), METERS)).is_settled


@pytest.mark.parametrize(
    ("parts", "hint"),
    [
        ((" Alix ", "Exemple", "a@example.org", "Ville"), "Alix;Exemple;a@example.org;Ville"),
        (("Alix", "Exemple", "a@example.org", ""), "Alix;Exemple;a@example.org;"), (("", " ", "", "Ville"), ""),
        (("Alix", "", "a@example.org", "V"), None), (("Alix", "Exemple", "no address", "V"), None),
        (("Al;ix", "Exemple", "a@example.org", "V"), None), (("Alix", "Ex|emple\n", "a@example.org", "V"), None),
        (("A" * 101, "Exemple", "a@example.org", "V"), None),
    ],
)  # fmt: skip
def test_the_hint_of_a_login_has_four_parts(parts: tuple[str, str, str, str], hint: str | None) -> None:
    assert login_hint(*parts) == hint


@pytest.mark.parametrize("more", [{}, {"consents": [{"pce": PCE, "id_accreditation": "old"}]}])
def test_connecting_again_loses_nothing(more: dict[str, Any]) -> None:
    old = document({"access_token": "old"}, {"id_token": "old", "pce_id": PCE, **more}, name="kept", state=OUTDATED,
                   status={"readings": {PCE: {"since": "2024-01-01"}}}, anything={"else": 1})  # fmt: skip
    new = document_after_consent(old, "acc-1", TOKEN, MARK)
    changed = {"oauth", "oauth_callback_results", "connected"}
    assert {key: new[key] for key in new.keys() - changed} == {key: old[key] for key in old.keys() - changed}
    account = Account.from_document(new)
    assert (account.reconnected, account.grant, account.waits_for_person) == (True, TOKEN, False)
    assert [meter.pce for meter in account.meters] == [PCE]


def test_another_kind_of_account_or_one_that_leaves_is_left_alone() -> None:
    for more, error in ({"account_type": "enedis"}, BadAccount), (LEAVING, AccountLeaving):
        with pytest.raises(error):
            document_after_consent(document(**more), "acc-1", TOKEN, MARK)


@pytest.mark.parametrize(
    ("given", "another"),
    [
        ({}, False), ({"email": "M.Durand@Example.org"}, False), ({"name": " DÜRAND  Invente"}, False),
        ({"postcode": "69002"}, False), ({"name": "Petit"}, True), ({"email": "p@example.org"}, True),
        ({"pce": GI}, True),
    ],
)  # fmt: skip
def test_a_name_that_is_written_in_another_way_is_no_other_household(given: dict[str, str], another: bool) -> None:
    asked = {"pce": PCE, "name": "Durand Invente", "email": "m.durand@example.org", "postcode": "69001"}
    waiting, new = document_to_declare(None, "new", Declaration(**asked), MARK), Declaration(**(asked | given))
    assert has_other_declaration(waiting, new) is another
    behind = Status.with_access(waiting, [MeterAccess(pce=PCE, word="behind")])
    assert not has_other_declaration(behind, new), "its number may be mistyped"


def test_what_was_sent_from_a_link_may_be_corrected_once_it_is_refused_or_waits_for_a_meter() -> None:
    asked, link = Declaration(pce=PCE, name="Durand"), ConnectedMark(AT, "household", "link-1")
    sent = document_to_declare(None, "new", asked, link)
    assert document_after_consent(sent, "new", TOKEN, MARK)["connected"] == {"at": AT, "by": "op", "link": "link-1"}
    assert not is_correctable(sent)
    assert is_correctable(sent | {"declaration": {**sent["declaration"], "refused": True}})
    assert is_correctable(Status.with_access(sent, [MeterAccess(pce=PCE, word="behind")]))
    assert not is_correctable(Status.with_access(sent, [MeterAccess(pce=GI, word="behind")])), "another meter waits"


DURAND = Declaration(pce=PCE, name="Durand-Été", postcode="69003", email="Anna@Example.org", perimeters=["publiees"])
SHOP = Declaration(pce=PCE, company="Le Pain SARL", postcode="69003", email="pain@example.org")


def right(name: str = "", email: str = "", name_of: str = "u-1", **more: Any) -> AccessRight:
    return AccessRight(name_of, PCE, Role.SUPPLY, "active", holder=(name, email, ""), **more)


@pytest.mark.parametrize(
    ("shown", "asked", "fits"),
    [
        (right("durand ete", "anna@example.org"), DURAND, True), (right("durand ete", "bob@x.org"), DURAND, False),
        (right("somebody", "anna@example.org"), DURAND, True),  # the address decides
        (right("anna durand ete"), DURAND, True),  # GRDF adds first names
        (right("durand"), DURAND, True), (right("durand dupont"), DURAND, False), (right(), DURAND, False),
        (right("le pain sarl"), SHOP, True), (right("le pain"), SHOP, True), (right("durand ete"), SHOP, False),
    ],
)  # fmt: skip
def test_a_right_is_of_the_holder_it_is_declared_for(shown: AccessRight, asked: Declaration, fits: bool) -> None:
    assert shown.is_held_by(asked.holder, asked.email) is fits


@pytest.mark.parametrize(
    ("shown", "another"),
    [
        ([right("bob", "bob@example.org")], True), ([right()], False), ([], False),
        ([right("durand ete", "new@example.org")], False),  # people change their address
        ([right("married", "anna@example.org")], False),  # or their name
        ([right("bob", "bob@example.org"), right("durand ete", "", "u-2")], False),  # one of its rights fits
        ([right("bob", "bob@example.org", "u-9")], False),  # not the account's
        ([right("bob", "bob@example.org", made_on_site=True)], False),  # not declared
    ],
)  # fmt: skip
def test_an_account_is_another_household_s_if_all_its_rights_are(shown: list[AccessRight], another: bool) -> None:
    assert is_other_household(shown, ["u-1", "u-2"], DURAND) is another
    assert not is_other_household(shown, [], DURAND)


def test_what_is_asked_for_and_answered() -> None:
    sent = declaration_request(DURAND, date(2024, 2, 29))
    assert sent["date_fin_droit_acces"] == "2027-03-01", "29 February"
    assert (sent["perim_donnees_conso_debut"], sent["perim_donnees_conso_fin"]) == ("2019-03-03", "2027-03-02")
    assert {name for name, said in sent.items() if said == "Vrai"} == {"perim_donnees_publiees"}
    assert "numero_telephone_mobile_titulaire" not in sent
    assert "nom_titulaire" not in declaration_request(SHOP, date(2024, 2, 29))
    assert (wanted_right(DURAND).published, wanted_right(SHOP).published) == (True, False)
    for body, found in (
        ('{"id_droit_acces": "u-1", "code_statut_traitement": "0000000002"}', ("u-1", True)),
        ('{"id_droit_acces": "../x y", "code_statut_traitement": "0000000000"}', ("", False)), ("<html>", ("", True)),
    ):  # fmt: skip
        assert parse_declaration_answer(body) == found
