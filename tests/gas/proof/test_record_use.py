"""Whether a right rests on a record: never "no" while GRDF may ask for its proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.rights.sent_declarations import with_sent
from include.gas.days.gas_day import utc_text
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.proof.consent_record import HOUSEHOLD, new_record
from include.gas.proof.record_use import may_rest_on, was_another_household

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


@pytest.mark.parametrize(
    ("entered", "another"),
    [
        ({}, False),
        ({"name": "  MÄRTIN ", "email": "new@invented.example"}, False),
        ({"name": "Petit", "email": "M@Invented.Example"}, False),
        ({"name": "", "company": "martin", "email": "new@invented.example"}, False),
        ({"name": "Petit", "email": "p@invented.example"}, True),
        ({"name": "", "company": "Petit SA", "email": "p@invented.example"}, True),
    ],
)
def test_whose_right_an_account_had_is_told_by_its_record(entered: dict[str, str], another: bool) -> None:
    asked = msgspec.structs.replace(ASKED, **entered)
    assert was_another_household(account(days_ago(39)), [record()], asked, NOW) is another


@pytest.mark.parametrize(
    ("document", "records"),
    [
        (None, [record()]),
        (account(days_ago(39)), []),
        (account(days_ago(39)), [record(pce=OTHER)]),
        (account(days_ago(39), OTHER), [record()]),
        (account(days_ago(39)), [record(days=20)]),  # of a form that was refused
    ],
)
def test_without_a_right_on_a_record_nobody_was_there(
    document: dict[str, Any] | None, records: list[ConsentRecord]
) -> None:
    other = msgspec.structs.replace(ASKED, name="Petit", email="p@invented.example")
    assert not was_another_household(document, records, other, NOW)


@pytest.mark.parametrize(
    "document",
    [account(days_ago(39)), with_sent({"_id": "a", "account_type": "grdfgrandlyon"}, ASKED, NOW)],
    ids=["a right", "a declaration that GRDF may have taken"],
)
def test_a_household_is_another_one_at_each_of_its_meters(document: dict[str, Any]) -> None:
    for pce in (PCE, OTHER):
        petit = Declaration(pce=pce, name="Petit", email="p@invented.example")
        assert was_another_household(document, [record()], petit, NOW)
        assert not was_another_household(document, [record()], msgspec.structs.replace(ASKED, pce=pce), NOW)


def test_the_newest_record_decides() -> None:
    petit = msgspec.structs.replace(ASKED, name="Petit", email="p@invented.example")
    later = new_record("a", petit, NOW - timedelta(days=39.5), by=HOUSEHOLD)
    document = account(days_ago(39))
    assert not was_another_household(document, [later, record()], petit, NOW)
    assert was_another_household(document, [later, record()], ASKED, NOW)
