"""What an account says about the proofs that GRDF asks for, day after day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.account import Account
from include.gas.account.sections.rights.proofs import Proof, with_sent
from include.gas.account.state import with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.display.overview import Situation, overview
from include.gas.errors import OAUTH_OUTDATED, USER_ACTION_NEEDED, VENDOR_DOWN
from include.gas.meter_tag import meter_tag
from include.gas.rights.consent_check import Listed, compared, keeps_state

PCE, OTHER = "09999999900001", "09999999900002"
NOW, DAY = datetime(2026, 7, 1, 5, 30, tzinfo=UTC), timedelta(days=1)
UNTIL = date(2026, 7, 31)


def right(proof: str, until: date | None = UNTIL, **more: Any) -> AccessRight:
    given: dict[str, Any] = {"id": "u-1", "pce": PCE, "role": "", "state": "active", "first": date(2026, 1, 1)} | more
    return AccessRight(**given, last=date(2029, 1, 1), proof=proof, proof_until=until if proof else None)


def account(**more: Any) -> dict[str, Any]:
    consents = [{"pce": PCE, "id_accreditation": "u-1"}]
    return {
        "_id": "home", "account_type": "grdfgrandlyon", "oauth_callback_results": {"consents": consents}, **more
    }  # fmt: skip


def listed(document: dict[str, Any], *rights: AccessRight, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return dict(compared(document, Listed(rights, at, **more), now=at, today=at.date()).document)


def situation(document: dict[str, Any]) -> Situation:
    return overview(document).situation(NOW.date())


def test_from_the_question_to_the_answer() -> None:
    asked = listed(account(), right("asked"))
    assert Proof.all_of(asked) == {"u-1": Proof(PCE, "asked", UNTIL, asked="2026-07-01T05:30:00.000000Z")}
    assert not asked.get("state"), "nobody is kept from anything"
    assert (situation(asked), overview(asked).proof_until) == (Situation.PROOF, UNTIL)
    assert listed(asked, right("asked"), at=NOW + DAY)["proofs"] == asked["proofs"], "since when stays"

    sent = with_sent(asked, "u-1", PCE, NOW + DAY)
    assert Proof.all_of(sent)["u-1"].state == "checking"
    assert situation(sent) is not Situation.PROOF
    for day, said in ((1, "asked"), (2, "checking")):
        sent = listed(sent, right(said), at=NOW + day * DAY + timedelta(hours=9))
        assert not Proof.all_of(sent)["u-1"].is_due, "GRDF's list may be a little late"
    refused = listed(sent, right("refused"), at=NOW + 5 * DAY)
    assert (refused["state"], refused["state_partial"]) == (USER_ACTION_NEEDED, True)
    assert "refused the proof" in refused["state_message"]
    assert meter_tag("home", PCE) in refused["state_message"]
    assert situation(refused) is Situation.PROOF_REFUSED
    assert not Account.from_document(refused).waits_for_person, "it is read on"
    assert keeps_state(refused), "a load does not clear it"
    again = listed(refused, right("refused"), at=NOW + 6 * DAY)
    assert again == refused, "since the first day"
    accepted = listed(refused, right("accepted"), at=NOW + 7 * DAY)
    assert not accepted["state"]
    assert not {"state_message", "state_proof", "state_partial"} & accepted.keys()
    over = listed(refused, right(""), at=NOW + 7 * DAY)
    assert "proofs" not in over
    assert not over["state"]


@pytest.mark.parametrize("how", ["refused before", "another deadline", "days after it was sent"])
def test_grdf_may_ask_again(how: str) -> None:
    sent = with_sent(listed(account(), right("asked")), "u-1", PCE, NOW)
    later = NOW + (3 * DAY if how == "days after it was sent" else timedelta(hours=5))
    if how == "refused before":
        sent = listed(sent, right("refused"), at=NOW + timedelta(hours=1))
    asked = listed(sent, right("asked", UNTIL + DAY if how == "another deadline" else UNTIL), at=later)
    assert Proof.all_of(asked)["u-1"].is_due
    assert not asked.get("state")


def test_a_list_from_before_it_was_sent_says_nothing() -> None:
    sent = with_sent(listed(account(), right("asked")), "u-1", PCE, NOW + DAY)
    assert listed(sent, right("asked"), at=NOW)["proofs"] == sent["proofs"]


def test_a_proof_that_was_sent_by_a_clock_ahead_is_asked_for_again_after_two_days() -> None:
    sent = with_sent(listed(account(), right("asked")), "u-1", PCE, NOW + 90 * DAY)
    first = listed(sent, right("asked"), at=NOW)
    assert not Proof.all_of(first)["u-1"].is_due, "the list may be a little late"
    assert Proof.all_of(listed(first, right("asked"), at=NOW + 3 * DAY))["u-1"].is_due
    assert Proof.all_of(listed(sent, right("refused"), at=NOW))["u-1"].state == "refused"


def test_only_rights_of_its_own_that_stand() -> None:
    assert "proofs" not in listed(account(), right("asked", id="stranger"), right(""))
    assert "proofs" not in listed(account(), right("asked", state="revoked"))
    known = listed(account(), right("asked"))
    assert listed(known, right("asked", id="stranger"))["proofs"] == known["proofs"], "the list may be cut short"
    assert listed(known, right(""), meters=[OTHER])["proofs"] == known["proofs"], "it is about another meter"
    moved = known | {"oauth_callback_results": {"consents": [{"pce": PCE, "id_accreditation": "u-2"}]}}
    assert "proofs" not in listed(moved, right("", id="u-2"))


@pytest.mark.parametrize("state", [OAUTH_OUTDATED, VENDOR_DOWN])
def test_a_more_important_state_is_not_hidden(state: str) -> None:
    lost = listed(account(), right("refused", informative=False))
    assert lost["state"] != USER_ACTION_NEEDED, "its consent was narrowed"
    marked = with_state(listed(account(), right("refused")), OAUTH_OUTDATED, "GRDF refused the data", NOW)
    assert "state_proof" not in marked
    assert not keeps_state(marked)
    revoked = listed(account(state=state), right("refused", state="revoked"))
    assert (revoked["state"], situation(revoked)) == (OAUTH_OUTDATED, Situation.CONNECT)
    refused = {"pce": PCE, "refused": True, "email": "x@example.org"}
    corrected = listed(account(state=USER_ACTION_NEEDED, state_message="m", declaration=refused), right("refused"))
    assert corrected["state_message"] == "m"
