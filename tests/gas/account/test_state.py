"""An account's state: what the household or GRDF must do, from what it has of its meters; and when it is looked at."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.declaration import REFUSED_KEPT, has_personal_data, waits_for_meter
from include.gas.account.marks import with_leaving
from include.gas.account.pending import PendingAccount
from include.gas.account.state import settle_account, state_by_rights, with_rights_state
from include.gas.answers.proof_state import ASKED, REFUSED
from include.gas.days.gas_day import utc_text
from include.gas.errors import LOGIN_FAILED, OAUTH_OUTDATED, PERMISSIONS_CHANGED, USER_ACTION_NEEDED, VENDOR_DOWN
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import MeterAccess, Proof, Standing

PCE, OTHER = "09900000000017", "GI000042"
NOW, ENDED = datetime(2026, 3, 1, 9, 20, tzinfo=UTC), date(2026, 2, 1)
PERSON = {"pce": PCE, "name": "Durand", "postcode": "69003", "email": "d@example.org", "perimeters": ["informatives"]}
MINUTES, HOURS, DAYS = (timedelta(**{unit: 1}) for unit in ("minutes", "hours", "days"))


def has(word: Standing, pce: str = PCE, **more: Any) -> MeterAccess:
    return MeterAccess(pce=pce, word=word, is_open=word == "active", since=utc_text(NOW), **more)


def account(**more: Any) -> dict[str, Any]:
    return {"_id": "home-1", "account_type": "grdfgrandlyon", **more}


ACTIVE, NARROW, WAITING, OVER, NONE = (
    has("active", OTHER), has("narrow"), has("waiting"), has("over", day=ENDED), has("none")
)  # fmt: skip
TAG = meter_tag("home-1", PCE)


@pytest.mark.parametrize(
    ("access", "word", "partial", "said"),
    [
        ([], None, False, ""), *(([has(word)], None, False, "") for word in ("active", "later", "unseen", "asked")),
        ([WAITING], USER_ACTION_NEEDED, False, "1 March 2026, 10:20"),
        ([ACTIVE, WAITING], USER_ACTION_NEEDED, True, TAG), ([ACTIVE, NARROW], PERMISSIONS_CHANGED, True, TAG),
        ([NARROW], PERMISSIONS_CHANGED, False, "daily data"), ([OVER], OAUTH_OUTDATED, False, "2026-02-01"),
        ([has("over")], OAUTH_OUTDATED, False, "has ended"),
        ([OVER, ACTIVE], None, False, ""), ([OVER, has("later", OTHER)], None, False, ""),  # moved, or moves soon
        ([has("refused")], OAUTH_OUTDATED, False, "refused"), ([NONE], OAUTH_OUTDATED, False, "of its own"),
        ([NONE, has("asked", OTHER)], None, False, ""),
        ([has("active", proofs={"u-1": Proof(state=ASKED)})], None, False, ""),
        ([has("active", proofs={"u-1": Proof(state=REFUSED)})], USER_ACTION_NEEDED, True, "proof"),
    ],
    ids=lambda each: ",".join(one.word for one in each) if isinstance(each, list) else "",
)  # fmt: skip
def test_what_an_account_s_rights_mean(access: list[MeterAccess], word: str | None, partial: bool, said: str) -> None:
    found, message, beside = state_by_rights(account(), access)
    assert (found, beside, bool(message)) == (word, partial, bool(word))
    assert said in message
    assert not {PCE, OTHER} & {*message.replace(",", " ").split()}, "no meter's number"


def test_what_is_about_to_be_declared_again_needs_no_one_to_act() -> None:
    assert state_by_rights(account(declaration=PERSON), [OVER])[0] is None
    refused = PERSON | {"refused": True, "refused_because": "Account home-1: correct the postcode."}
    found = state_by_rights(account(declaration=refused), [OVER, ACTIVE])
    assert found == (USER_ACTION_NEEDED, refused["refused_because"], True)


def test_what_a_run_has_noted_stays_until_a_run_is_well_or_a_right_needs_somebody() -> None:
    for noted in (VENDOR_DOWN, LOGIN_FAILED):
        assert with_rights_state(account(state=noted), [ACTIVE], NOW)["state"] == noted
        assert with_rights_state(account(state=noted), [ACTIVE], NOW, is_read=True)["state"] is None
        assert with_rights_state(account(state=noted), [OVER], NOW)["state"] == OAUTH_OUTDATED
    assert with_rights_state(account(state=OAUTH_OUTDATED), [ACTIVE], NOW)["state"] is None
    assert with_rights_state(account(state=OAUTH_OUTDATED), [], NOW)["state"] == OAUTH_OUTDATED


def test_settling_names_the_meters_and_repeats_to_nothing() -> None:
    settled = settle_account(account(declaration=PERSON), [has("waiting", right="u-1")], NOW)
    assert settled["oauth_callback_results"]["consents"] == [{"pce": PCE, "id_accreditation": "u-1"}]
    assert (settled["state"], settled["status"]["meters"][PCE]["word"]) == (USER_ACTION_NEEDED, "waiting")
    assert settle_account(settled, [has("waiting", right="u-1")], NOW + timedelta(days=9)) == settled
    leaving = with_leaving(account(declaration=PERSON), by="b", since=NOW)
    assert settle_account(leaving, [OVER], NOW) == leaving
    entered = leaving | {"declaration": PERSON | {"entered_at": utc_text(NOW - REFUSED_KEPT)}}
    assert not has_personal_data(settle_account(entered, [OVER], NOW)), "nobody is kept for longer, leaving or not"


@pytest.mark.parametrize(
    ("access", "kept"),
    [
        (NONE, False),
        (OVER, True),  # since yesterday: what is renewed early waits for the end of its right
        (has("over", day=ENDED - timedelta(days=90)), False),
        (has("over", day=ENDED - timedelta(days=90), free=ENDED + timedelta(days=5)), True),  # then GRDF takes one
        (has("active", day=ENDED + timedelta(days=50)), True),
        (has("active", day=ENDED + timedelta(days=900)), False),  # such as more perimeters, which GRDF does not add
        (has("active"), False),
    ],
)
def test_how_long_a_person_is_kept(access: MeterAccess, kept: bool) -> None:
    settled = settle_account(settle_account(account(declaration=PERSON), [access], NOW - REFUSED_KEPT), [access], NOW)
    assert has_personal_data(settled) is kept
    assert ("were removed" in settled.get("state_message", "")) is not kept
    assert "Durand" not in str(settled) or kept


@pytest.mark.parametrize("others", [[], [ACTIVE]])
def test_what_is_to_begin_by_itself_is_not_promised_once_the_person_is_gone(others: list[MeterAccess]) -> None:
    behind = MeterAccess(pce=PCE, word="behind")
    waiting = settle_account(account(declaration=PERSON), [*others, behind], NOW)
    assert waits_for_meter(waiting)
    assert "within 30 days" in waiting["state_message"]
    named = [each["pce"] for each in waiting.get("oauth_callback_results", {}).get("consents", [])]
    assert named == [each.pce for each in others], "a number that was only typed is no meter of the account's"
    assert settle_account(waiting, [*others, behind], NOW + timedelta(days=29)) == waiting
    for days in (30, 31, 400):
        held = [*others, *([behind] if has_personal_data(waiting) else [])]
        waiting = settle_account(waiting, held, NOW + timedelta(days=days))
        assert "another account has its meter" in waiting["state_message"]
        assert not waits_for_meter(waiting)
        assert waiting["state_since"] == utc_text(NOW + timedelta(days=30)), "not since it began to wait"


def stands(word: str = "", ago: timedelta = MINUTES, *, entered: timedelta | None = None, **more: Any) -> Any:
    held = {"pce": PCE, "word": word, "is_open": word == "active", "since": utc_text(NOW - ago)}
    meters = {"status": {"meters": {PCE: held}}} if word else {}
    person = {"declaration": PERSON | {"entered_at": utc_text(NOW - entered)}} if entered is not None else {}
    return account(**(meters | person | more))


@pytest.mark.parametrize(
    ("document", "due"),
    [
        *((stands(word), None) for word in ("", "active", "over", "refused", "behind")),
        (stands(declaration=PERSON | {"refused": True}), None), (stands("behind", entered=MINUTES), None),
        (stands("waiting", leaving={"run": "r", "by": "b", "since": "2026-01-01"}), None),
        (stands("waiting", oauth_callback_results=[]), None), (stands("waiting", account_type="edf"), None),
        (stands(status={"meters": None}), None), (stands(status=[None]), None), (stands(declaration=[None]), None),
        (stands("waiting"), "qhm"), (stands("asked", 3 * HOURS), "hm"), (stands("unseen", 8 * DAYS), "m"),
        (stands("active", entered=MINUTES), "qhm"), (stands("active", entered=HOURS), ""),
        (stands("over", 90 * DAYS, entered=HOURS), "qhm"), (stands("over", entered=20 * DAYS), "m"),
        (stands(entered=MINUTES), "qhm"), (stands("waiting", 8 * DAYS, entered=3 * HOURS), "hm"),
        (stands("active", oauth={"code": "x"}, oauth_callback_results={"consents": [{"pce": PCE}]}), "qhm"),
    ],
)  # fmt: skip
def test_when_it_is_looked_at(document: Any, due: str | None) -> None:
    runs = {"q": NOW, "h": NOW.replace(minute=5), "m": NOW.replace(hour=6, minute=5)}
    found = PendingAccount.from_document(document)
    assert (found and "".join(name for name, run in runs.items() if found.is_due(run, NOW))) == due
