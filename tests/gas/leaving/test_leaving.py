"""The record of a deletion, the record of a consent, and GRDF's check of its proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from include.gas.account.account import Account
from include.gas.account.declaration import Declaration
from include.gas.account.marks import leaving_asker, with_leaving, without_leaving
from include.gas.account.state import settle_account
from include.gas.answers.access_rights import AccessRight, Role
from include.gas.days.gas_day import utc_text
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.documents.doctypes import DAY
from include.gas.errors import OAUTH_OUTDATED, USER_ACTION_NEEDED
from include.gas.leaving import deletion as d
from include.gas.meter_tag import meter_tag
from include.gas.proof import consent_record as c
from include.gas.rights.meter_rights import Meter, Proof, Right, access_to_meter
from include.gas.rights.transitions import RightsAnswer, apply_answer, note_proof_sent

NOW, LATER = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
PCE, OTHER = "09999999900001", "GI999001"
ACCOUNT: dict[str, Any] = {"_id": "a", "account_type": "grdfgrandlyon", "oauth": {}}


def right(name: str = "u-1", state: Any = "active", account: str = "a", way: Any = "declared") -> Right:
    return Right(client="grdf_adict", id=name, account=account, way=way, state=state, since="2026-01-01T00:00:00Z")


def order(run: str = "run-1", **more: Any) -> d.Order:
    return d.DeletionOrder(**{"run": run, "started": "s", "asked_by": "me", "keep_data": False, **more})


def entry(**more: Any) -> dict[str, Any]:
    return d.begin_deletion(d.open_record("a", []), order(), NOW) | more


def test_the_mark() -> None:
    marked = with_leaving(ACCOUNT, by="me", since=NOW)
    assert marked["leaving"] == {"by": "me", "since": "2026-01-02T03:04:05.000000Z"}
    assert leaving_asker(marked) == Account.from_document(marked).leaving == "me"
    assert leaving_asker({"leaving": {}}), "any object counts"
    assert not any(leaving_asker({"leaving": odd}) for odd in (None, "yes", []))
    assert (leaving_asker(ACCOUNT), without_leaving(marked), "leaving" in ACCOUNT) == (None, ACCOUNT, False)


def test_which_rights_are_revoked() -> None:
    rights = (
        right("in-force"), right("waits", "waiting"), right("over", "ended"), right("", "asked"), right("named"),
        right("free", account=""), right("next", account="b"), right("former", "ended", "b"),
    )  # fmt: skip
    own, left = d.divide_rights([Meter(pce=PCE, rights=rights)], "a", used={"named"})
    assert [each.id for _, each in own] == ["in-force", "waits", "over"]
    used = "another account uses it"
    assert left == {"named": used, "free": "this account has not brought it", "next": used}


def test_an_account_has_one_open_record_and_its_end_proves_that_it_has_left() -> None:
    first = d.open_record("a", [])
    assert (first["_id"], d.open_record("a", [first])) == ("a:0001", first)
    assert d.open_record("a", [first | {"finished_at": "2026"}])["_id"] == "a:0002"
    ended, kept = entry(finished_at="2026-01-02T04:00:00.000000Z"), entry(keep_data=True, finished_at="2027")
    assert d.left_accounts([entry(), ended, kept]) == {"a": ended["finished_at"]}
    assert d.left_accounts([kept, entry(account="leaves")]) == {"leaves": "2026-01-02T03:04:05.000000Z"}
    assert d.left_accounts([first]) == {}, "a question removes nothing"


def test_unfinished_deletions_are_reported() -> None:
    gone, kept = entry(account="gone"), entry(account="kept", keep_data=True)
    day, why = NOW + timedelta(hours=25), "its deletion of 2026-01-02 has not ended"
    assert d.unfinished_deletions([entry(), gone], ["a"], NOW + timedelta(hours=23)) == {}
    assert d.unfinished_deletions([entry(), gone, kept], ["a"], day) == dict.fromkeys(("a", "gone", "kept"), why)
    asked = d.with_request(d.open_record("b", []), order())
    assert d.unfinished_deletions([asked, gone | {"finished_at": "2026"}], ["b"], day) == {}
    ended, kept = entry(finished_at="2026-01-02T04"), entry(account="b", keep_data=True, finished_at="2026-01-02T04")
    back = d.unfinished_deletions([ended, kept], ["a", "b"], NOW)
    assert (set(back), "deleted on 2026-01-02, and back" in back["a"]) == ({"a"}, True)
    again = entry(_id="a:0002", begun_at="2026-01-05T04")
    later = NOW + timedelta(days=9)
    assert d.unfinished_deletions([ended, again], ["a"], later) == {"a": why.replace("02 has", "05 has")}
    assert d.unfinished_deletions([ended, again | {"finished_at": "2026-01-05T05"}], [], later) == {}


def test_a_second_order_and_a_question() -> None:
    more = {"asked_by": "you", "keep_data": True, "approved_by": "me"}
    second = d.begin_deletion(entry(), order("run-2", **more), LATER)
    assert (second["run"], second["asked_by"], second["approved_by"]) == ("run-2", "you", "me")
    assert not second["keep_data"], "what has begun to remove the data goes on"
    assert second["begun_at"] == "2026-01-02T03:04:05.000000Z"
    assert d.begin_deletion(second, order("run-2", **more), LATER) == second
    assert order("run-2").with_approval_from(second).approved_by == "me"
    cleared = order("run-2", started="since it was cleared")
    assert cleared.with_approval_from(second) == cleared
    question = order("run-2", rights=["u-1"])
    asked = d.with_request(entry(), question)
    assert (order("run-2").with_approval_from(asked), order().with_approval_from(asked)) == (question, order())
    assert asked | {"questions": []} == entry(), "what waits for an approval changes nothing of what is carried out"
    assert order().with_approval_from(d.begin_deletion(asked, question, LATER)).approved_by == ""


def test_the_plan_names_what_goes_and_what_stays() -> None:
    text = d.format_plan("a", {"u-1": "active"}, {}, {f"documents of {DAY}": 3, "staged files": 2}, ["Beware."])
    for part in ("**a**", "u-1 (active)", "3 documents of com.grandlyon.grdf.day", "2 staged", "tokens", "Beware."):
        assert part in text
    kept = d.format_plan("a", {}, {"u-2": "another account uses it"}, None)
    assert "Nothing is removed" in kept
    assert "u-2 (another account uses it)" in kept


DECLARATION = Declaration(
    pce=PCE, name="Martin", postcode="69001", email="m@invented.example", perimeters=["informatives"],
    calls_until=date(2029, 1, 1),
)  # fmt: skip
TEXT = c.ConsentText("1", "fr", "J'accepte.")


def record(hours: float = 0, **entered: Any) -> c.ConsentRecord:
    declaration = msgspec.structs.replace(DECLARATION, **entered)
    return c.new_record("a", declaration, NOW + timedelta(hours=hours), by=c.HOUSEHOLD, agreed=TEXT)


def line(
    pce: str = PCE, holder: tuple[str, str, str] = ("martin", "m@invented.example", "69001"), **more: Any
) -> AccessRight:
    return AccessRight("u-1", pce, Role.SUPPLY, "active", holder=holder, **more)


def test_a_record_holds_all_that_was_entered_and_is_read_as_it_was_stored() -> None:
    made = record()
    stored = c.to_document(made)
    assert (stored["entered"]["name"], stored["entered"]["calls_until"]) == ("Martin", "2029-01-01")
    assert (stored["agreed"]["text"], stored["given"]) == (TEXT.text, utc_text(NOW))
    assert c.read_record(stored | {"_rev": "1-a"}) == msgspec.structs.replace(made, rev="1-a")
    assert record().id != made.id  # two of one moment
    assert "Martin" not in repr(made) + repr(made.entered)


def test_the_newest_record_of_its_holder_before_a_right_proves_it() -> None:
    records = [record(0), record(2), record(1), record(1, pce=OTHER)]
    for hours, found in ((1, records[2]), (-1, records[0])):  # in the second case, a clock was ahead
        assert c.find_record(records, line(), utc_text(NOW + timedelta(hours=hours))) == found
    assert (c.find_record(records, line()), c.find_record(records, line("GI999009"))) == (records[1], None)
    records = [record(), record(1, name="Petit", email="p@invented.example")]
    for holder, found in (
        (("martin", "m@invented.example", ""), records[0]), (("martin", "", ""), records[0]),
        (("martin", "p@invented.example", ""), records[1]), (("martin", "third@invented.example", ""), None),
        (("", "", ""), None),
    ):  # fmt: skip
        assert c.find_record(records, line(holder=holder)) == found
    assert c.find_record(records, line(made_on_site=True)) is None


def test_the_copy_that_stays_names_no_account_and_goes_after_its_last_day() -> None:
    stored, today = c.to_document(record()) | {"_rev": "1-a", "others": 1}, date(2026, 11, 27)
    copy = c.kept_copy(stored, today, 10)
    assert copy == c.kept_copy(stored, today, 10)  # a repeated deletion makes no second one
    assert not {"account", "_rev"} & copy.keys()
    assert copy["_id"].startswith("~2026-12-07:")
    assert (copy["entered"], copy["others"]) == (stored["entered"], 1)
    for today, over in ((date(2026, 12, 6), False), (date(2026, 12, 7), False), (date(2026, 12, 8), True)):
        first, last = c.overdue_range(today)
        assert (first <= copy["_id"] <= last) is over, today
    assert not c.overdue_range(date(2099, 1, 1))[0] <= stored["_id"]


def test_a_record_is_needed_while_it_may_prove_a_right() -> None:
    for owner, way, state, needed in (
        ("a", "declared", "waiting", True), ("a", "declared", "ended", True), ("a", "declared", "refused", False),
        ("b", "declared", "active", False), ("b", "adopted", "active", True), ("", "declared", "active", True),
    ):  # fmt: skip
        meter = Meter(pce=PCE, rights=(right("r", state, owner, way),))
        assert c.is_needed(record(), meter, NOW + timedelta(days=400)) is needed
    assert c.is_needed(record(), Meter(pce=PCE), NOW + timedelta(days=59)), "somebody may still correct it"


UNTIL = date(2026, 7, 31)


def at(days: float) -> datetime:
    return NOW + timedelta(days=days)


def shows(meter: Meter, proof: str, days: float = 0, **more: Any) -> Meter:
    proven = {"proof": proof, "proof_until": UNTIL if proof else None} | more
    shown, when = replace(line(first=date(2026, 1, 1), last=date(2029, 1, 1)), **proven), at(days)
    return apply_answer(meter, RightsAnswer("grdf_adict", (shown,), utc_text(when), when.date(), whole=True))


def said(meter: Meter, before: dict[str, Any] | None = None) -> tuple[dict[str, Any], Situation]:
    document = settle_account(before or ACCOUNT, [access_to_meter(meter, "a", NOW.date())], NOW)
    return document, summarize_account(document).situation(NOW.date())


KNOWN = shows(Meter(pce=PCE, rights=(right(),)), "asked")


def test_from_the_question_to_the_answer() -> None:
    document, situation = said(KNOWN)
    assert KNOWN.rights[0].proof == Proof(state="asked", until=UNTIL)
    assert (document.get("state"), situation, summarize_account(document).proof_until) == (None, Situation.PROOF, UNTIL)
    meter = note_proof_sent(KNOWN, "u-1", utc_text(at(1)))
    assert meter.rights[0].proof == Proof(state="checking", until=UNTIL, sent=utc_text(at(1)))
    assert said(meter)[1] is not Situation.PROOF
    for day, word in ((1.4, "asked"), (2.4, "checking")):
        meter = shows(meter, word, day)
        assert (proof := meter.rights[0].proof)
        assert not proof.is_due, "GRDF's list may be a little late"
    refused, situation = said(shows(meter, "refused", 5))
    assert (refused["state"], refused["state_partial"]) == (USER_ACTION_NEEDED, True)
    assert (situation, meter_tag("a", PCE) in refused["state_message"]) == (Situation.PROOF_REFUSED, True)
    assert not Account.from_document(refused).waits_for_person, "it is read on"
    for word in ("accepted", ""):
        assert not said(shows(meter, word, 7), refused)[0]["state"]


def test_what_a_list_shows_of_a_proof_that_was_sent() -> None:
    meter = note_proof_sent(KNOWN, "u-1", utc_text(NOW))
    for later, is_due in ((0.2, False), (3, True)):  # GRDF asks again if it still asks days after
        assert (proof := shows(meter, "asked", later).rights[0].proof)
        assert proof.is_due is is_due
    late = note_proof_sent(KNOWN, "u-1", utc_text(at(1)))
    assert shows(late, "asked").rights[0].proof == late.rights[0].proof, "a list from before changes nothing"
    assert note_proof_sent(KNOWN, "another", utc_text(NOW)) == KNOWN
    stranger = shows(shows(Meter(pce=PCE, rights=(right(),)), ""), "asked", id="stranger")
    assert not access_to_meter(stranger, "a", NOW.date()).proofs
    lost = shows(KNOWN, "refused", 1, state="revoked")
    assert not access_to_meter(lost, "a", NOW.date()).proofs
    assert (said(lost)[0]["state"], said(lost)[1]) == (OAUTH_OUTDATED, Situation.CONNECT), "what matters more is shown"
