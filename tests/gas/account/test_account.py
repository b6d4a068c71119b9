"""Account documents in every form in which they occur, and what the project writes to them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from include.gas.account.account import Account
from include.gas.account.grant import Grant, without_grant
from include.gas.account.state import with_state
from include.gas.account.status import Billing, Reading, Status, with_meters
from include.gas.days.windows import Window
from include.gas.errors import BadAccount
from include.gas.rights.meter_rights import Held

PCE, GI = "09900000000017", "GI000042"
NOW = datetime(2024, 4, 2, 9, tzinfo=UTC)
DAYS = (Window(date(2021, 1, 1), date(2026, 9, 1)),)
METERS = (
    Held(pce=PCE, word="active", is_open=True, right="u-1", own=("u-1",), days=DAYS),
    Held(pce=GI, word="unseen", right="u-2", own=("u-2",)),
)


def document(oauth: Any = None, results: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "_id": "acc-1", "_rev": "2-x", "account_type": "grdfgrandlyon", "name": "",
        "oauth": {"access_token": "s3cr3t-a", "token_type": "Bearer", "refresh_token": "s3cr3t-r", "expires_at": "x"}
        if oauth is None else oauth,
        "oauth_callback_results": {"id_token": "s3cr3t-i", "scope": "openid"} if results is None else results,
        **more,
    }  # fmt: skip


def test_as_cozy_leaves_it() -> None:
    account = Account.from_document(document())
    assert account == Account("acc-1", grant=Grant("s3cr3t-i"))
    assert account.needs_grant


def test_with_a_code_to_exchange() -> None:
    account = Account.from_document(
        document({"code": "s3cr3t-c", "redirect_uri": "https://x.example/cb", "nonce": "n"}, {})
    )
    assert account.grant == Grant(code="s3cr3t-c", redirect_uri="https://x.example/cb", nonce="n")
    assert account.needs_grant


def test_as_the_konnector_leaves_it() -> None:
    account = Account.from_document(document(results={"id_token": "s3cr3t-i", "pce_id": PCE}))
    assert account.meters == (Held(pce=PCE),)
    assert account.grant == Grant("s3cr3t-i")
    assert not account.needs_grant


def test_as_we_leave_it() -> None:
    changed = without_grant(with_meters(document(), reversed(METERS)))
    assert Account.from_document(changed).meters == METERS, "one that may be read comes first"
    assert Account.from_document(changed).grant is None
    assert not Account.from_document(changed).needs_grant
    assert changed["oauth_callback_results"]["pce_id"] == PCE
    assert changed["oauth_callback_results"]["consents"][1] == {"pce": GI, "id_accreditation": "u-2"}
    assert changed["oauth_callback_results"]["scope"] == "openid"
    assert (changed["_id"], changed["_rev"]) == ("acc-1", "2-x")


def test_reconnected() -> None:
    known = without_grant(with_meters(document(), METERS))
    known["oauth"] = {"code": "s3cr3t-c"}
    assert Account.from_document(known).needs_grant
    known["oauth"], known["oauth_callback_results"]["id_token"] = {}, "s3cr3t-i"
    for state in (None, "VENDOR_DOWN", "USER_ACTION_NEEDED.OAUTH_OUTDATED"):
        known["state"] = state
        assert Account.from_document(known).needs_grant
        assert Account.from_document(known).reconnected
    assert not Account.from_document(document(results={"id_token": "s3cr3t-i", "pce_id": PCE})).reconnected


def test_a_right_that_the_document_names_stays_named() -> None:
    """It may be another account's, and no deletion of ours may end it."""
    changed = with_meters(with_meters(document(), METERS), [Held(pce=PCE), Held(pce=GI, right="u-3")])
    assert [each["id_accreditation"] for each in changed["oauth_callback_results"]["consents"]] == ["u-1", "u-3"]


def test_no_secret_is_left_or_shown() -> None:
    full = document(
        {"access_token": "s3cr3t", "refresh_token": "s3cr3t", "code": "s3cr3t", "nonce": "s3cr3t", "id_token": "s3cr3t",
         "client_secret": "s3cr3t", "redirect_uri": "https://x.example/cb", "expires_at": "s3cr3t"},
        {"id_token": "s3cr3t", "access_token": "s3cr3t", "code": "s3cr3t"},
    )  # fmt: skip
    assert "s3cr3t" not in json.dumps(without_grant(full))
    assert "s3cr3t" not in repr(Account.from_document(full))
    assert "s3cr3t" not in repr(Account.from_document(document()))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"account_type": "enedis"}, "^Account acc-1: its account_type is not grdfgrandlyon"),
        ({"account_type": None}, "account_type"),
        ({"oauth": []}, "its oauth is not an object"),
        ({"oauth_callback_results": "x"}, "its oauth_callback_results is not an object"),
        ({"state": 7}, "its state is not a string"),
        ({"oauth": {"code": 7}}, "its code is not a string"),
        ({"oauth": {"nonce": 7}}, "its nonce is not a string"),
        ({"oauth_callback_results": {"id_token": {}}}, "its id_token is not a string"),
        ({"oauth_callback_results": {"pce_id": 9900000000017}}, "its pce_id is not a string"),
        ({"oauth_callback_results": {"pce_id": "x"}}, "its pce_id is not a valid meter"),
        ({"oauth_callback_results": {"consents": {}}}, "its list of consents is not a list"),
        ({"oauth_callback_results": {"consents": [{}]}}, "one of its consents names no valid meter"),
        (
            {"oauth_callback_results": {"consents": [{"pce": PCE, "id_accreditation": 7}]}},
            "its id_accreditation is not",
        ),
        ({"_id": "a b"}, "odd _id: 'a b' is not an account id"),
        ({"_id": None}, "odd _id"),
    ],
)
def test_odd_documents(changes: dict[str, Any], cause: str) -> None:
    with pytest.raises(BadAccount, match=cause) as caught:
        Account.from_document(document() | changes)
    assert "io-cozy-accounts" in str(caught.value)


def test_states() -> None:
    marked = with_state(document(), "USER_ACTION_NEEDED.OAUTH_OUTDATED", "revoked", NOW)
    assert Account.from_document(marked).state == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert (marked["state_message"], marked["state_since"]) == ("revoked", "2024-04-02T09:00:00.000000Z")
    again = with_state(marked, "USER_ACTION_NEEDED.OAUTH_OUTDATED", "revoked", datetime(2024, 5, 1, tzinfo=UTC))
    assert again == marked
    assert with_state(marked, "LOGIN_FAILED", "x", datetime(2024, 5, 1, tzinfo=UTC))["state_since"].startswith(
        "2024-05"
    )
    cleared = with_state(marked, None)
    assert Account.from_document(cleared).state is None
    assert not {"state_message", "state_since"} & cleared.keys()
    assert with_state(document(), None) == document()


def has(*own: str, first: date = date.min) -> Held:
    return Held(pce=PCE, own=own, days=(Window(first, date.max),))


def test_a_meter_is_read_whole_anew_for_each_new_right() -> None:
    day = NOW.date()
    noted = Status.with_reading(document(), PCE, Reading(whole_at=day, since=date(2021, 4, 4), under=("u-0", "u-1")))
    assert noted["status"]["readings"][PCE] == {
        "whole_at": "2024-04-02", "since": "2021-04-04", "under": ["u-0", "u-1"],
    }  # fmt: skip
    reading = Status.reading(noted, PCE)
    assert reading.last_whole(has("u-1"), day) == day
    assert reading.last_whole(has("u-0", "u-1"), day) == day
    assert reading.last_whole(has("u-1", "u-9"), day) is None
    assert reading.last_whole(has("u-1", first=date(2021, 4, 3)), date(2024, 3, 31)) is None, "it reaches further back"
    assert reading.last_whole(has("u-1", first=date(2030, 1, 1)), day) == day
    between = [Window(date(2018, 1, 1), date(2020, 1, 1)), Window(date(2023, 1, 1), date(2030, 1, 1))]
    gap = replace(has("u-1"), days=tuple(between))
    assert replace(reading, since=date(2023, 1, 1)).last_whole(gap, day) == day, "what GRDF serves begins in a gap"
    assert Status.reading(noted, GI).last_whole(has("u-2"), day) is None
    for odd in (None, [], {PCE: None}, {PCE: {"under": ["u-1"]}}, {PCE: {"under": ["u-1"], "whole_at": "x"}}):
        assert Status.reading({"status": {"readings": odd}}, PCE).last_whole(has("u-1"), day) is None


def test_the_monthly_reading_counts_under_the_rights_that_it_had() -> None:
    noted = Status.with_billing(document(), PCE, Billing(datetime(2024, 4, 1, 23, tzinfo=UTC), ("u-0", "u-1"), "1M"))
    billing, day = Status.billing_of(noted, PCE), date(2024, 4, 2)

    def last(*own: str, is_open: bool = True, of: Billing = billing) -> date | None:
        return of.last_read(Held(pce=PCE, own=own, is_open=is_open))

    assert last("u-1") == last("u-0", "u-1") == day
    assert last("u-1", "u-9") is None, "a right is new"
    assert last("u-1", is_open=False) is None, "GRDF was asked, maybe after the end"
    looked_at = Billing(billing.read_at)
    assert last("u-1", is_open=False, of=looked_at) == day
    assert last("u-1", of=looked_at) is None
    assert last("u-1", of=Status.billing_of(noted, GI)) is None


def test_what_asks_for_nothing_and_is_read_or_history_is_settled() -> None:
    known = with_meters(document(oauth={}, results={}), [METERS[0], Held(pce=GI, word="over", right="u-2")])
    assert Account.from_document(known).is_settled
    asks: list[dict[str, Any]] = [
        {"oauth": {"code": "c", "redirect_uri": "http://localhost/x"}},
        {"declaration": {"pce": PCE, "name": "Durand", "postcode": "69001", "email": "durand@example.org"}},
        {"state": "VENDOR_DOWN"},
    ]
    for more in asks:
        assert not Account.from_document(known | more).is_settled
    assert not Account.from_document(with_meters(document(oauth={}, results={}), METERS)).is_settled
