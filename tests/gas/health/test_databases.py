"""Databases that are missing, or hold fewer days than the accounts say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from include.gas.display.overview import overview
from include.gas.documents.doctypes import AUDIT, DAY, MONTH, YEAR
from include.gas.health.causes import Cause
from include.gas.health.databases import incomplete
from include.gas.health.verdict import judge
from tests.gas.health.judged import NOW, judged

PCE, OTHER = "02201000000002", "02201000000003"


def found(held: dict[str, int | None], *stored: int) -> list[str]:
    return [doctype for doctype, _ in incomplete(held, stored)]


def test_one_that_is_missing_is_told_also_without_accounts() -> None:
    assert list(incomplete({DAY: 0, MONTH: 0, YEAR: 0, AUDIT: None}, [])) == [(AUDIT, "is missing")]
    assert found({DAY: None, MONTH: 40, YEAR: 4}, 1095) == [DAY]


def test_one_that_was_made_anew_holds_nothing() -> None:
    """But for its indexes, which are documents, too."""
    told = dict(incomplete({DAY: 3, MONTH: 3, YEAR: 3, AUDIT: 0}, [1095, 1095, 1095]))
    assert list(told) == [DAY, MONTH, YEAR]
    assert told[DAY] == "holds 3 documents, and the accounts' days make 3285 at least"


@pytest.mark.parametrize(("days", "lost"), [(3285, False), (2957, False), (2956, True), (0, True)])
def test_a_tenth_is_left_to_what_each_load_notes(days: int, lost: bool) -> None:
    assert found({DAY: days, MONTH: 108, YEAR: 12}, 1095, 1095, 1095) == ([DAY] if lost else [])


def account(name: str, **more: Any) -> dict[str, Any]:
    last = (NOW.date() - timedelta(days=2)).isoformat()
    return {
        "_id": name,
        "account_type": "grdfgrandlyon",
        "oauth_callback_results": {
            "consents": [{"pce": PCE, "id_accreditation": "r1"}, {"pce": OTHER, "id_accreditation": "r2"}]
        },
        "stored": {pce: {"2026": {"days": 1, "first": last, "last": last}} for pce in (PCE, OTHER)},
        **more,
    }


LOST = {"lost_days": {PCE: {"read_again": True, "years": {"2025": 365, "2026": 159}}, OTHER: {"years": {"2026": 9}}}}


def test_accounts_whose_days_were_lost_are_named_with_the_years() -> None:
    (days,) = judged(account("a", **LOST), account("b")).red
    assert (days.cause, days.named) == (Cause.LOST_DAYS, (("a", "of 2025, 2026"),))
    assert "1 of 2 accounts have lost stored days" in days.says()
    assert "operations.md" in days.line(1)
    assert "lost_days" in days.line(1)


def test_days_that_are_back_or_of_one_that_leaves_are_not_told() -> None:
    assert judged(account("a", lost_days={PCE: {"read_again": True}})).findings == ()
    assert judged(account("a", leaving={"run": "r", "by": "x", "since": str(date(2026, 6, 1))}, **LOST)).findings == ()


def test_the_verdict_names_the_databases_in_the_log_and_in_the_alert() -> None:
    named = judge([overview(account("a"))], [], NOW, databases=([("com-grandlyon-grdf-day", "is missing")], 9))
    (finding,) = named.red
    assert finding.cause == Cause.DATABASE
    assert "1 of 9 databases are missing in CouchDB, or have lost documents" in named.headline()
    assert "com-grandlyon-grdf-day (is missing)" in named.message()
    assert "operations.md" in named.message()
