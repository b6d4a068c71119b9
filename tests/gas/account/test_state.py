"""The table of an account's states: what the household or GRDF must do, from what the account has of its meters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.declaration import REFUSED_KEPT, names_person, waits_for_meter
from include.gas.account.marks import with_leaving
from include.gas.account.state import settle, state_of, with_rights_state
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.gas_day import utc_text
from include.gas.errors import (
    LOGIN_FAILED,
    OAUTH_OUTDATED,
    PERMISSIONS_CHANGED,
    USER_ACTION_NEEDED,
    VENDOR_DOWN,
)
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held, Proof, Word

PCE, OTHER = "09900000000017", "GI000042"
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
ENDED = date(2026, 2, 1)
PERSON = {"pce": PCE, "name": "Durand", "postcode": "69003", "email": "d@example.org", "perimeters": ["informatives"]}


def has(word: Word, pce: str = PCE, **more: Any) -> Held:
    return Held(pce=pce, word=word, is_open=word == "active", since=utc_text(NOW), **more)


def account(**more: Any) -> dict[str, Any]:
    return {"_id": "home-1", "account_type": "grdfgrandlyon", **more}


ACTIVE = has("active", OTHER)
NARROW, WAITING, OVER, NONE = has("narrow"), has("waiting"), has("over", day=ENDED), has("none")
TABLE: dict[str, tuple[list[Held], str | None, bool, str]] = {
    "nothing known": ([], None, False, ""),
    "read": ([ACTIVE], None, False, ""),
    "begins later": ([has("later")], None, False, ""),
    "not shown yet": ([has("unseen")], None, False, ""),
    "being declared": ([has("asked")], None, False, ""),
    "waits for its holder": ([WAITING], USER_ACTION_NEEDED, False, "1 March 2026, 10:00 (Paris time) GRDF waits"),
    "one of two waits": ([ACTIVE, WAITING], USER_ACTION_NEEDED, True, meter_tag("home-1", PCE)),
    "without daily data": ([NARROW], PERMISSIONS_CHANGED, False, "does not include the daily data"),
    "one of two without": ([ACTIVE, NARROW], PERMISSIONS_CHANGED, True, meter_tag("home-1", PCE)),
    "over": (
        [OVER],
        OAUTH_OUTDATED,
        False,
        "there has been no consent since 2026-02-01. The household must consent again",
    ),
    "over without a day": ([has("over")], OAUTH_OUTDATED, False, "the consent has ended"),
    "moved": ([OVER, ACTIVE], None, False, ""),
    "moves soon": ([OVER, has("later", OTHER)], None, False, ""),
    "refused by its holder": ([has("refused")], OAUTH_OUTDATED, False, "its holder has refused the right"),
    "none of its own": ([NONE], OAUTH_OUTDATED, False, "no consent of its own is known"),
    "none beside one being declared": ([NONE, has("asked", OTHER)], None, False, ""),
    "its proof is asked for": ([has("active", proofs={"u-1": Proof(state=ASKED)})], None, False, ""),
    "its proof is refused": ([has("active", proofs={"u-1": Proof(state=REFUSED)})], USER_ACTION_NEEDED, True, "proof"),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_an_account_s_rights_mean(name: str) -> None:
    held, word, partial, said = TABLE[name]
    found, message, beside = state_of(account(), held)
    assert (found, beside) == (word, partial)
    assert said in message
    assert bool(message) == bool(word)
    assert not {PCE, OTHER} & {*message.replace(",", " ").split()}, "no meter's number"


def test_what_is_about_to_be_declared_again_needs_nobody() -> None:
    assert state_of(account(declaration=PERSON), [OVER])[0] is None
    refused = PERSON | {"refused": True, "refused_because": "Account home-1: correct the postcode."}
    told = state_of(account(declaration=refused), [OVER, ACTIVE])
    assert told == (USER_ACTION_NEEDED, refused["refused_because"], True)


def test_what_a_run_has_noted_stays_until_a_run_is_well_or_a_right_needs_somebody() -> None:
    for noted in (VENDOR_DOWN, LOGIN_FAILED):
        assert with_rights_state(account(state=noted), [ACTIVE], NOW)["state"] == noted
        assert with_rights_state(account(state=noted), [ACTIVE], NOW, is_read=True)["state"] is None
        assert with_rights_state(account(state=noted), [OVER], NOW)["state"] == OAUTH_OUTDATED
    assert with_rights_state(account(state=OAUTH_OUTDATED), [ACTIVE], NOW)["state"] is None
    assert with_rights_state(account(state=OAUTH_OUTDATED), [], NOW)["state"] == OAUTH_OUTDATED


def test_settling_names_the_meters_and_repeats_to_nothing() -> None:
    settled = settle(account(declaration=PERSON), [has("waiting", right="u-1")], NOW)
    assert settled["oauth_callback_results"]["consents"] == [{"pce": PCE, "id_accreditation": "u-1"}]
    assert settled["state"] == USER_ACTION_NEEDED
    assert settled["status"]["meters"][PCE]["word"] == "waiting"
    assert settle(settled, [has("waiting", right="u-1")], NOW + timedelta(days=9)) == settled
    leaving = with_leaving(account(declaration=PERSON), by="b", since=NOW)
    assert settle(leaving, [OVER], NOW) == leaving


@pytest.mark.parametrize(
    ("held", "kept"),
    [
        ([NONE], False),
        ([OVER], True),  # since yesterday: what is renewed early waits for the end of its right
        ([has("over", day=ENDED - timedelta(days=90))], False),
        ([has("over", day=ENDED - timedelta(days=90), free=ENDED + timedelta(days=5))], True),  # then GRDF takes one
        ([has("active", day=ENDED + timedelta(days=50))], True),
        ([has("active", day=ENDED + timedelta(days=900))], False),  # such as more perimeters, which GRDF does not add
        ([has("active")], False),
    ],
)
def test_how_long_a_person_is_kept(held: list[Held], kept: bool) -> None:
    entered = settle(account(declaration=PERSON), held, NOW - REFUSED_KEPT)
    settled = settle(entered, held, NOW)
    assert names_person(settled) is kept
    assert ("were removed" in settled.get("state_message", "")) is not kept
    assert "Durand" not in str(settled) or kept


@pytest.mark.parametrize("others", [[], [ACTIVE]])
def test_what_is_to_begin_by_itself_is_not_promised_once_the_person_is_gone(others: list[Held]) -> None:
    behind = Held(pce=PCE, word="behind")
    waiting = settle(account(declaration=PERSON), [*others, behind], NOW)
    assert waits_for_meter(waiting)
    assert "declared then, if that is within 30 days" in waiting["state_message"]
    assert [each["pce"] for each in waiting.get("oauth_callback_results", {}).get("consents", [])] == [
        each.pce for each in others
    ], "a number that was only typed is no meter of the account's"
    assert settle(waiting, [*others, behind], NOW + timedelta(days=29)) == waiting
    for days in (30, 31, 400):
        waiting = settle(waiting, [*others, *([behind] if names_person(waiting) else [])], NOW + timedelta(days=days))
        assert "30 days and another account has its meter, so" in waiting["state_message"]
        assert not waits_for_meter(waiting)
        assert waiting["state_since"] == utc_text(NOW + timedelta(days=30)), "not since it began to wait"
