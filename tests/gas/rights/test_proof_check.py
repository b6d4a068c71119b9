"""How far GRDF's check of a right's proof is, day after day, and what the account says of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.gas.account.account import Account
from include.gas.account.state import settle
from include.gas.answers.access_rights import AccessRight
from include.gas.days.gas_day import utc_text
from include.gas.display.overview import Situation, overview
from include.gas.errors import OAUTH_OUTDATED, USER_ACTION_NEEDED
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, Proof, Right, hold
from include.gas.rights.transitions import Answer, listed, proved

PCE = "09999999900001"
NOW, DAY = datetime(2026, 7, 1, 5, 30, tzinfo=UTC), timedelta(days=1)
UNTIL = date(2026, 7, 31)
MINE = Right(
    client="grdf_adict", id="u-1", account="home", way="declared", state="active", since="2026-01-01T00:00:00Z"
)


def shows(meter: Meter, proof: str, at: datetime = NOW, *, until: date | None = UNTIL, **more: Any) -> Meter:
    """GRDF shows the right on its list."""
    given: dict[str, Any] = {"id": "u-1", "pce": PCE, "role": "", "state": "active", "first": date(2026, 1, 1)} | more
    line = AccessRight(**given, last=date(2029, 1, 1), proof=proof, proof_until=until if proof else None)
    return listed(meter, Answer("grdf_adict", (line,), utc_text(at), at.date(), whole=True))


def known(proof: str = "asked") -> Meter:
    return shows(Meter(pce=PCE, rights=(MINE,)), proof)


def sent(meter: Meter, at: datetime) -> Meter:
    return proved(meter, "u-1", utc_text(at))


def proof_of(meter: Meter) -> Proof | None:
    return meter.rights[0].proof


def account(meter: Meter, before: dict[str, Any] | None = None) -> dict[str, Any]:
    document = before or {"_id": "home", "account_type": "grdfgrandlyon"}
    return settle(document, [hold(meter, "home", NOW.date())], NOW)


def situation(document: dict[str, Any]) -> Situation:
    return overview(document).situation(NOW.date())


def test_from_the_question_to_the_answer() -> None:
    asked = known()
    assert proof_of(asked) == Proof(state="asked", until=UNTIL)
    assert not account(asked).get("state"), "nobody is kept from anything"
    assert (situation(account(asked)), overview(account(asked)).proof_until) == (Situation.PROOF, UNTIL)

    meter = sent(asked, NOW + DAY)
    assert proof_of(meter) == Proof(state="checking", until=UNTIL, sent=utc_text(NOW + DAY))
    assert situation(account(meter)) is not Situation.PROOF
    for day, said in ((1, "asked"), (2, "checking")):
        meter = shows(meter, said, NOW + day * DAY + timedelta(hours=9))
        assert (proof := proof_of(meter))
        assert not proof.is_due, "GRDF's list may be a little late"
    refused = account(shows(meter, "refused", NOW + 5 * DAY))
    assert (refused["state"], refused["state_partial"]) == (USER_ACTION_NEEDED, True)
    assert "refused the proof" in refused["state_message"]
    assert meter_tag("home", PCE) in refused["state_message"]
    assert situation(refused) is Situation.PROOF_REFUSED
    assert not Account.from_document(refused).waits_for_person, "it is read on"
    for said in ("accepted", ""):
        cleared = account(shows(meter, said, NOW + 7 * DAY), refused)
        assert not cleared["state"]
        assert not {"state_message", "state_partial"} & cleared.keys()


def test_grdf_asks_again_if_it_still_asks_days_after() -> None:
    meter = sent(known(), NOW)
    for later, is_due in ((timedelta(hours=5), False), (3 * DAY, True)):
        asked = proof_of(shows(meter, "asked", NOW + later))
        assert asked
        assert asked.is_due is is_due


def test_a_list_from_before_it_was_sent_says_nothing() -> None:
    meter = sent(known(), NOW + DAY)
    assert proof_of(shows(meter, "asked", NOW)) == proof_of(meter)


def test_only_rights_of_its_own_that_stand() -> None:
    stranger = shows(known(""), "asked", NOW, id="stranger")
    assert not hold(stranger, "home", NOW.date()).proofs
    assert not hold(shows(known(), "asked", NOW + DAY, state="revoked"), "home", NOW.date()).proofs


def test_a_more_important_state_is_not_hidden() -> None:
    lost = account(shows(known(), "refused", NOW + DAY, state="revoked"))
    assert (lost["state"], situation(lost)) == (OAUTH_OUTDATED, Situation.CONNECT)
