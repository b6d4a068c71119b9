"""The daily check: what GRDF's list of rights means for one account."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.account.account import Account
from include.gas.account.sections.marks import with_leaving
from include.gas.account.sections.rights.list_seen import with_missed
from include.gas.account.state import with_state
from include.gas.answers.access_rights import AccessRight
from include.gas.answers.refusals import http_error
from include.gas.errors import LOGIN_FAILED, OAUTH_OUTDATED, PERMISSIONS_CHANGED, VENDOR_DOWN, BadAccount, ConsentLost
from include.gas.rights.consent_check import Finding, Listed, check_consents

PCE, OTHER = "09900000000017", "GI000042"
TODAY = date(2026, 5, 1)
NOW = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
ROLE = "autorise_contrat_fourniture"


def account(*pces: str, **more: Any) -> dict[str, Any]:
    consents = [{"pce": pce, "id_accreditation": f"u-{pce}"} for pce in pces]
    return {
        "_id": "a", "account_type": "grdfgrandlyon",
        "oauth_callback_results": {"pce_id": pces[0], "consents": consents}, **more,
    }  # fmt: skip


def right(pce: str = PCE, state: str = "active", **more: Any) -> AccessRight:
    return AccessRight(**{"id": f"u-{pce}", "pce": pce, "role": ROLE, "state": state, "informative": True, **more})


def check(document: dict[str, Any], *rights: AccessRight) -> Finding:
    before = copy.deepcopy(document)
    listed = Listed(rights, NOW)
    found = check_consents(document, listed, now=NOW, today=TODAY)
    assert document == before, "the stored document is not changed"
    assert found is not None
    again = check_consents(found.document, listed, now=NOW + timedelta(days=1), today=TODAY)
    assert again is not None
    assert again.document == found.document, "said once, then nothing is written any more"
    return found


def test_dates_are_learnt() -> None:
    found = check(account(PCE), right(data_first=date(2021, 1, 1), data_end=date(2027, 1, 1)))
    assert found.document["oauth_callback_results"]["consents"] == [
        {"pce": PCE, "id_accreditation": f"u-{PCE}", "first": "2021-01-01", "end": "2027-01-01"}
    ]


@pytest.mark.parametrize("state", ["revoked", "obsolete", "refused", "waiting for the holder", "quelque chose"])
def test_lost(state: str) -> None:
    found = check(account(PCE), right(state=state, revoked=date(2026, 4, 30), revoked_by="titulaire"))
    assert [pce for pce, _ in found.lost] == [PCE]
    document = found.document
    assert document["state"] == OAUTH_OUTDATED
    assert state in document["state_message"]
    assert document["state_since"] == "2026-05-01T06:30:00.000000Z"
    assert document["consents_lost"] == [PCE]
    assert Account.from_document(document).waits_for_person


def test_not_listed() -> None:
    assert check(account(PCE)).lost == ((PCE, "no consent is listed"),)


def test_some_of_several_meters() -> None:
    found = check(account(PCE, OTHER), right(), right(OTHER, "revoked"))
    assert found.document["state_partial"] is True
    assert not Account.from_document(found.document).waits_for_person
    found = check(found.document, right(state="revoked"), right(OTHER, "revoked"))
    assert "state_partial" not in found.document
    assert Account.from_document(found.document).waits_for_person


def test_too_narrow_only_when_that_is_all() -> None:
    narrow = right(informative=False)
    assert check(account(PCE), narrow).document["state"] == PERMISSIONS_CHANGED
    assert check(account(PCE, OTHER), narrow, right(OTHER)).document["state"] == PERMISSIONS_CHANGED
    assert check(account(PCE, OTHER), narrow, right(OTHER, "revoked")).document["state"] == OAUTH_OUTDATED


def test_there_again() -> None:
    lost = check(account(PCE), right(state="revoked")).document
    found = check(lost, right())
    assert found.restored
    assert not found.document["state"]
    assert not {"state_message", "state_since", "consents_lost"} & found.document.keys()
    assert "unusable" not in found.document["oauth_callback_results"]["consents"][0]


def test_a_right_of_another_id_changes_nothing() -> None:
    """The old tenant has revoked and the new one has consented. The list alone does not tell them apart."""
    another = right(id="u-new", created=date(2026, 4, 30), data_first=date(2021, 1, 1))
    lost = check(account(PCE), right(state="revoked"), another)
    assert [pce for pce, _ in lost.lost] == [PCE]
    assert lost.foreign == (another,)
    assert lost.document["oauth_callback_results"]["consents"][0]["id_accreditation"] == f"u-{PCE}"
    assert lost.document["consents_of_others"] == {PCE: "2026-04-30"}
    assert "which this account did not bring" in lost.document["state_message"]
    gone = check(lost.document, right(state="revoked")).document
    assert "consents_of_others" not in gone
    beside = check(account(PCE), right(), another)
    assert not beside.lost
    assert beside.document == account(PCE) | {"consents_of_others": {PCE: "2026-04-30"}}


def test_the_list_takes_the_mark_of_a_refused_call_away() -> None:
    refused = account(PCE, state=OAUTH_OUTDATED, state_message="refused", state_since="x")
    found = check(refused, right())
    assert found.restored
    assert found.document == account(PCE, state=None)
    assert check(refused, right(state="revoked")).document["state"] == OAUTH_OUTDATED


def test_news_are_what_this_list_alone_says_and_says_first() -> None:
    known = account(PCE, OTHER)
    lost = check(known, right())
    assert lost.is_news(known)
    assert not check(lost.document, right()).is_news(lost.document)
    assert check(lost.document).is_news(lost.document), "one more of its meters"
    assert not check(known, right(), right(OTHER)).is_news(known)
    somebody = right(OTHER, id="u-new", created=TODAY)
    assert not check(known, right(), somebody).is_news(known), "the meter has changed hands"
    shared = check(known, right(), right(OTHER), somebody).document | {"meters_shared": [OTHER]}
    assert check(shared, right(), somebody).is_news(shared), "the other account's is no stranger's"
    stranger = right(OTHER, id="u-third", created=TODAY + timedelta(days=1))
    assert not check(shared, right(), somebody, stranger).is_news(shared)


def test_a_list_that_shows_the_consent_takes_the_note_of_one_that_did_not_away() -> None:
    missed = with_missed(account(PCE), TODAY)
    assert check(missed, right()).document == account(PCE)
    assert "consents_missed" not in check(missed).document


def test_one_of_its_rights_is_enough() -> None:
    document = account(PCE)
    former = {"pce": PCE, "id_accreditation": "u-former"}
    document["oauth_callback_results"]["consents"][0]["others"] = [former]
    reach = {"data_first": date(2021, 1, 1), "data_end": date(2026, 1, 1)}
    found = check(document, right(state="revoked"), right(id="u-former", **reach))
    assert not found.lost
    (meter,) = Account.from_document(found.document).meters
    assert (meter.ids, meter.closes) == (("u-former",), date(2026, 1, 1))
    assert check(document, right(state="revoked"), right(id="u-former", state="obsolete")).lost


def test_only_the_meters_that_were_asked() -> None:
    document = account(PCE, OTHER, consents_lost=[OTHER], state=PERMISSIONS_CHANGED, state_partial=True)
    listed = Listed([right()], NOW, meters=[PCE])
    found = check_consents(document, listed, now=NOW, today=TODAY)
    assert found is not None
    assert found.document["consents_lost"] == [OTHER]
    assert found.document["state"] == PERMISSIONS_CHANGED
    assert found.document["oauth_callback_results"] == document["oauth_callback_results"]


def test_the_end_of_its_days_is_worth_a_warning_too() -> None:
    found = check(account(PCE), right(last=date(2027, 1, 1), data_end=date(2026, 5, 10)))
    assert found.ends == date(2026, 5, 9)


KONNECTOR: dict[str, Any] = {"_id": "a", "account_type": "grdfgrandlyon", "oauth_callback_results": {"pce_id": PCE}}


def told(document: dict[str, Any], *rights: AccessRight, today: date = TODAY, **more: Any) -> dict[str, Any]:
    found = check_consents(document, Listed(rights, NOW, **more), now=NOW, today=today)
    assert found is not None
    return found.document


def told_twice(document: dict[str, Any], *rights: AccessRight, **more: Any) -> dict[str, Any]:
    """Apply the lists of two days."""
    return told(told(document, *rights, **more), *rights, today=TODAY + timedelta(days=1), **more)


def entry(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = document["oauth_callback_results"]["consents"]
    return dict(only)


def test_an_account_of_the_konnector_learns_its_right_from_its_id_token() -> None:
    rights = [right(id="u-1", state="revoked"), right(id="u-2")]
    assert entry(told(KONNECTOR, *rights, claimed={PCE: "u-1"}))["id_accreditation"] == "u-1"


def test_an_id_token_that_tells_nothing_is_kept_for_a_month_and_no_longer() -> None:
    """Its account has no other information, and two rights are listed."""
    two = [right(id="u-1", state="revoked"), right(id="u-2")]
    document = KONNECTOR | {"oauth_callback_results": {**KONNECTOR["oauth_callback_results"], "id_token": "s3cr3t"}}
    for day, there in ((0, True), (29, True), (30, False), (31, False)):
        document = told(document, *two, today=TODAY + timedelta(days=day))
        assert ("s3cr3t" in str(document)) is there, day


def test_or_as_the_only_right_that_there_ever_was() -> None:
    old = right(id="u-1", created=date(2024, 1, 1))
    waits = told(KONNECTOR, old)
    assert entry(waits)["id_accreditation"] is None, "one list may be cut short"
    assert waits["state"] == VENDOR_DOWN
    assert "that of another day must show the same" in waits["state_message"]
    assert told(waits, old) == waits, "not by another list of the same day"
    learnt = told(waits, old, today=TODAY + timedelta(days=1))
    assert entry(learnt) == {"pce": PCE, "id_accreditation": "u-1"}
    assert not learnt["state"]
    for others in ([right(id="u-0", state="revoked", created=date(2023, 1, 1))], [right(id="u-2", created=TODAY)]):
        document = told_twice(KONNECTOR, old, *others)
        assert entry(document)["id_accreditation"] is None
        assert document["state"] == OAUTH_OUTDATED
        assert "not known to be its own" in document["state_message"]
        alone = told(document, old, today=TODAY + timedelta(days=9))
        assert entry(alone)["id_accreditation"] is None, "another one was listed once"
    assert entry(told_twice(KONNECTOR, old, held=["u-1"]))["id_accreditation"] is None, "another account has brought it"
    theirs = right(id="u-2", created=TODAY)
    assert entry(told_twice(KONNECTOR, old, theirs, held=["u-2"]))["id_accreditation"] == "u-1", "theirs is known"


def test_never_from_a_list_that_lacks_a_line() -> None:
    """The audit's experiment: a list omits the old tenant's own right once, and only contains the new tenant's."""
    mine = right(id="u-1", state="revoked", created=date(2024, 1, 1))
    new = right(id="u-new", created=TODAY - timedelta(days=2))
    document = told(KONNECTOR, new)
    for day in range(4):
        document = told(document, mine, new, today=TODAY + timedelta(days=day))
        assert entry(document)["id_accreditation"] is None
        assert document["state"] == OAUTH_OUTDATED


def test_a_clock_that_is_behind_notes_no_look() -> None:
    """The time of its check would be before any right, so the household's right would never be found."""
    old = right(id="u-1", created=date(2024, 1, 1))
    wrong = told(KONNECTOR, old, today=date(2020, 1, 1))
    assert "looked" not in entry(wrong)
    assert entry(told_twice(wrong, old))["id_accreditation"] == "u-1"
    ahead = told(KONNECTOR, old, today=date(2030, 1, 1))
    assert entry(told_twice(ahead, old))["id_accreditation"] == "u-1"


def test_or_as_the_newest_that_is_not_younger_than_the_account() -> None:
    made = KONNECTOR | {"cozyMetadata": {"createdAt": "2024-03-01T10:00:00Z"}}
    before, mine, after = (
        right(id=name, created=date(2024, month, 1)) for name, month in (("u-0", 1), ("u-1", 3), ("u-2", 4))
    )
    assert entry(told(made, before, mine, after))["id_accreditation"] == "u-1"
    assert entry(told(made, after))["id_accreditation"] is None


@pytest.mark.parametrize(
    ("made", "day"),
    [
        ("2024-02-29T23:18:00.123Z", date(2024, 3, 1)),  # Cozy writes UTC; in Paris it is past midnight
        ("2024-06-30T22:30:00+00:00", date(2024, 7, 1)),
        ("2024-03-01T10:00:00Z", date(2024, 3, 1)),
        ("2024-03-01", date(2024, 3, 1)),
        ("2024-03-01T23:59:00", date(2024, 3, 1)),  # no time zone
    ],
)
def test_a_household_that_connects_at_night_made_its_right_on_the_same_day(made: str, day: date) -> None:
    account = KONNECTOR | {"cozyMetadata": {"createdAt": made}}
    assert entry(told(account, right(id="u-1", created=day)))["id_accreditation"] == "u-1"
    assert entry(told(account, right(id="u-2", created=day + timedelta(days=1))))["id_accreditation"] is None


def test_what_it_could_not_learn_it_never_takes_from_a_later_right() -> None:
    nothing = told(KONNECTOR)
    assert entry(nothing)["looked"] == "2026-05-01"
    later = told(nothing, right(id="u-new", created=TODAY + timedelta(days=1)))
    assert entry(later)["id_accreditation"] is None
    assert told(nothing, right(id="u-same-day", created=TODAY))["consents_of_others"] == {PCE: "2026-05-01"}
    healed = told_twice(nothing, right(id="u-old", created=date(2025, 1, 1)))
    assert entry(healed)["id_accreditation"] == "u-old", "the first list was not whole"
    assert not healed["state"]


def test_a_refusal_without_a_reason_counts_for_less_than_the_list() -> None:
    error = http_error(403, "<html>blocked</html>", account="a", what="x")
    assert isinstance(error, ConsentLost)
    refused = with_state(account(PCE), error.state, str(error), since=NOW)
    found = check(refused, right())
    assert found.restored
    assert found.document == account(PCE) | {"state": None}
    assert check(refused, right(state="revoked")).document["state"] == OAUTH_OUTDATED


@pytest.mark.parametrize("state", [LOGIN_FAILED, VENDOR_DOWN, "USER_ACTION_NEEDED.CGU_FORM"])
def test_states_of_another_kind_are_not_ours_to_clear(state: str) -> None:
    document = account(PCE, state=state, state_message="said by others")
    assert check(document, right()).document == document


@pytest.mark.parametrize(("last", "ends"), [(0, True), (30, True), (31, False), (None, False)])
def test_ends_soon(last: int | None, ends: bool) -> None:
    day = None if last is None else TODAY + timedelta(days=last)
    found = check(account(PCE, OTHER), right(last=day), right(OTHER))
    assert found.ends == (day if ends else None)
    assert found.document.get("consent_ends") == (str(day) if ends else None)
    assert "consent_ends" not in check(found.document, right(), right(OTHER)).document


def test_the_first_end_of_several() -> None:
    found = check(account(PCE, OTHER), right(last=date(2026, 5, 9)), right(OTHER, last=date(2026, 5, 4)))
    assert found.ends == date(2026, 5, 4)


def test_an_end_is_no_news_once_the_consent_is_lost() -> None:
    soon = check(account(PCE), right(last=TODAY)).document
    assert "consent_ends" not in check(soon, right(state="revoked", last=TODAY)).document


def test_who_is_not_checked() -> None:
    for document in (
        with_leaving(account(PCE), run="r", by="me", since=NOW),
        {"_id": "a", "account_type": "grdfgrandlyon", "oauth_callback_results": {"id_token": "x"}},
        {"_id": "a", "account_type": "grdfgrandlyon"},
    ):
        assert check_consents(document, Listed((), NOW), now=NOW, today=TODAY) is None


def test_an_odd_account() -> None:
    with pytest.raises(BadAccount):
        check_consents({"_id": "a", "account_type": "x"}, Listed((), NOW), now=NOW, today=TODAY)


days = st.none() | st.dates(TODAY - timedelta(days=40), TODAY + timedelta(days=60))
any_right = st.builds(
    AccessRight,
    id=st.sampled_from(["u-1", "u-2", f"u-{PCE}"]),
    pce=st.sampled_from([PCE, OTHER]),
    role=st.sampled_from([ROLE, "detenteur_contrat_fourniture", "autorise_contrat_injection", ""]),
    state=st.sampled_from(["active", "revoked", "obsolete", "waiting for the holder"]),
    first=days,
    last=days,
    data_first=days,
    data_end=days,
    informative=st.sampled_from([True, False, None]),
    created=days,
)
states = st.sampled_from([None, OAUTH_OUTDATED, PERMISSIONS_CHANGED, VENDOR_DOWN])


@given(states, st.lists(any_right, max_size=5), st.lists(any_right, max_size=5))
def test_any_list_after_any_other(state: str | None, first: list[AccessRight], second: list[AccessRight]) -> None:
    document = account(PCE, OTHER, state=state) if state else account(PCE, OTHER)
    for rights in (first, second):
        found = check(document, *rights)
        document = found.document
        after = Account.from_document(document)
        assert [(meter.pce, meter.id_accreditation) for meter in after.meters] == [
            (PCE, f"u-{PCE}"), (OTHER, f"u-{OTHER}")
        ]  # fmt: skip
        lost = {meter.pce for meter in after.meters if meter.lost}
        assert lost == {pce for pce, _ in found.lost} == set(document.get("consents_lost", ()))
        if found.lost:
            assert after.state in (OAUTH_OUTDATED, PERMISSIONS_CHANGED)
            assert after.partial == (len(found.lost) == 1)
            assert document["state_since"]
        assert bool(found.ends) == ("consent_ends" in document)
        assert not (found.restored and after.state)
        assert document["_id"] == "a"
