"""The daily check: what GRDF's list of rights means for one account."""

from __future__ import annotations

import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.accounts import Account, with_state
from include.gas.consent_check import Finding, check_consents
from include.gas.consents import AccessRight
from include.gas.errors import LOGIN_FAILED, OAUTH_OUTDATED, PERMISSIONS_CHANGED, VENDOR_DOWN, BadAccount, ConsentLost
from include.gas.leaving import with_leaving
from include.gas.refusals import http_error

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


def check(document: dict[str, Any], *rights: AccessRight, warn_days: int = 30) -> Finding:
    before = copy.deepcopy(document)
    found = check_consents(document, rights, now=NOW, today=TODAY, warn_days=warn_days)
    assert document == before, "the stored document is not changed"
    assert found is not None
    again = check_consents(found.document, rights, now=NOW + timedelta(days=1), today=TODAY, warn_days=warn_days)
    assert again is not None
    assert again.document == found.document, "said once, then nothing is written any more"
    return found


def test_all_is_well() -> None:
    document = account(PCE, OTHER)
    found = check(document, right(), right(OTHER))
    assert found == Finding(document)


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
    for again in (right(), right(id="u-new")):
        found = check(lost, right(state="revoked"), again)
        assert found.restored
        assert not found.document["state"]
        assert not {"state_message", "state_since", "consents_lost"} & found.document.keys()


def test_still_the_consent_that_a_call_was_refused_for() -> None:
    refused = account(PCE, state=OAUTH_OUTDATED, state_message="refused", state_since="x")
    found = check(refused, right())
    assert found == Finding(refused)
    assert check(refused, right(state="obsolete"), right(id="u-new")).restored


def test_a_refusal_without_a_reason_counts_for_less_than_the_list() -> None:
    error = http_error(403, "<html>blocked</html>", account="a", what="x")
    assert isinstance(error, ConsentLost)
    assert error.unexplained
    refused = with_state(account(PCE), error.state, str(error), since=NOW, unexplained=True)
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
        assert check_consents(document, [], now=NOW, today=TODAY, warn_days=30) is None


def test_an_odd_account() -> None:
    with pytest.raises(BadAccount):
        check_consents({"_id": "a", "account_type": "x"}, [], now=NOW, today=TODAY, warn_days=30)


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
        assert [meter.pce for meter in after.meters] == [PCE, OTHER]
        if found.lost:
            assert after.state in (OAUTH_OUTDATED, PERMISSIONS_CHANGED)
            assert after.partial == (len(found.lost) == 1)
            assert document["state_since"]
        assert bool(found.ends) == ("consent_ends" in document)
        assert not (found.restored and after.state)
        assert document["_id"] == "a"
