"""Whether a right rests on a record: never "no" while GRDF may ask for its proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.rights.sent_declarations import with_sent
from include.gas.days.gas_day import utc_text
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from include.gas.proof.record_use import in_doubt, may_rest_on, of_its_household

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
PCE, OTHER = "09999999900001", "09999999900002"
ASKED = Declaration(pce=PCE, name="Martin", postcode="69001", email="m@invented.example", perimeters=["informatives"])


def record(days: float = 40, pce: str = PCE) -> ConsentRecord:
    return new_record("a", msgspec.structs.replace(ASKED, pce=pce), NOW - timedelta(days=days), by=HOUSEHOLD)


def account(brought: object = "", pce: str = PCE, **more: Any) -> dict[str, Any]:
    entry = {"pce": pce, "id_accreditation": "r", "brought": brought}
    results = {"oauth_callback_results": {"consents": [entry]}}
    return {"_id": "a", "account_type": "grdfgrandlyon", **results, **more}


def days_ago(days: float) -> str:
    return utc_text(NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("document", "rests"),
    [
        (None, False),
        ({"_id": "a", "account_type": "grdfgrandlyon"}, False),
        (account(days_ago(39)), True),
        (account(utc_text(NOW - timedelta(days=40, seconds=5))), True),  # a clock was put back meanwhile
        (account(days_ago(40.5)), True),  # a clock was wrong
        (account(days_ago(42)), False),
        (account(""), True),
        (account(days_ago(39), OTHER), False),
        (account(7), True),  # nobody can tell
        ({"_id": "a", "account_type": "grdfgrandlyon", "oauth_callback_results": 3}, True),
    ],
)
def test_it_rests_on_what_is_not_younger(document: dict[str, Any] | None, rests: bool) -> None:
    assert may_rest_on(document, record(), NOW) is rests


def test_it_does_not_rest_on_what_was_recorded_long_after_it() -> None:
    assert not may_rest_on(account(""), record(days=0.1), NOW)


def test_a_declaration_without_an_answer_may_still_become_a_right_of_that_person() -> None:
    sent = with_sent({"_id": "a", "account_type": "grdfgrandlyon"}, ASKED, NOW - timedelta(days=40))
    assert may_rest_on(sent, record(), NOW)
    assert not may_rest_on(sent, record(pce=OTHER), NOW)
    assert not may_rest_on(sent, record(), NOW + timedelta(days=21))
    for change in ({"email": "p@invented.example"}, {"email": ""}):
        other = with_sent({"_id": "a", "account_type": "grdfgrandlyon"}, Declaration(pce=PCE, **change), NOW)
        assert not may_rest_on(other, record(), NOW)


def nothing_stored() -> bool:
    return False


@pytest.mark.parametrize(
    ("document", "records"),
    [
        (None, [record()]),
        (account(days_ago(39)), []),
        (account(days_ago(39)), [record(pce=OTHER)]),
        (account(days_ago(39), OTHER), [record()]),
        (account(days_ago(39)), [record(days=20)]),  # of a form that was refused
        (with_sent({"_id": "a", "account_type": "grdfgrandlyon"}, ASKED, NOW), [record()]),
    ],
)
def test_without_a_right_on_a_record_nobody_was_there(
    document: dict[str, Any] | None, records: list[ConsentRecord]
) -> None:
    assert of_its_household(document, records, NOW, nothing_stored) == []


def test_the_newest_record_decides() -> None:
    petit = msgspec.structs.replace(ASKED, pce=OTHER, name="Petit", email="p@invented.example")
    later = new_record("a", petit, NOW - timedelta(days=39.5), by=HOUSEHOLD)
    document = account(days_ago(39))
    document["oauth_callback_results"]["consents"] += account(days_ago(39), OTHER)["oauth_callback_results"]["consents"]
    assert of_its_household(document, [later, record()], NOW, nothing_stored) == [later]


@pytest.mark.parametrize("document", [None, {"_id": "a", "account_type": "grdfgrandlyon", "declaration": {"pce": PCE}}])
def test_days_without_a_right_may_be_of_each_record(document: dict[str, Any] | None) -> None:
    """The account was lost, or an older one restored."""
    records = [record(20), record()]
    assert of_its_household(document, records, NOW, lambda: True) == records
    assert of_its_household(document, [], NOW, lambda: True) == []


@pytest.mark.parametrize(
    ("document", "records", "has_data", "doubtful"),
    [
        (account(days_ago(50)), [record(20)], True, True),  # or a backup from before it was restored
        (account(days_ago(50), OTHER), [record(20)], True, True),
        (account(days_ago(50)), [record(20)], False, False),
        (account(days_ago(50)), [], True, False),
        (None, [record(20)], True, False),
        ({"_id": "a", "oauth_callback_results": 3}, [record(20)], True, False),
        ({"_id": "a", "oauth_callback_results": {"consents": [{"pce": PCE}]}}, [record(20)], True, False),
    ],
)
def test_data_beside_an_older_right_may_be_of_each_record(
    document: dict[str, Any] | None, records: list[ConsentRecord], has_data: bool, doubtful: bool
) -> None:
    assert in_doubt(document, records, lambda: has_data) == (records if doubtful else [])


@pytest.mark.parametrize("results", [None, {}, {"scope": "openid"}, {"pce_id": PCE}, {"consents": [{"pce": PCE}]}])
def test_an_account_that_was_made_again_has_no_right(results: object) -> None:
    document = {"_id": "a", "account_type": "grdfgrandlyon", "oauth_callback_results": results}
    mine = record()
    assert of_its_household(document, [mine], NOW, lambda: True) == [mine]
