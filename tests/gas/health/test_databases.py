"""Databases that are missing, or hold fewer days than the accounts say."""

from __future__ import annotations

import pytest

from include.gas.display.overview import overview
from include.gas.documents.doctypes import AUDIT, DAY, MONTH, YEAR
from include.gas.health.causes import Cause
from include.gas.health.databases import incomplete
from include.gas.health.verdict import judge
from tests.gas.health.judged import NOW


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
def test_a_tenth_less_may_be_what_a_deletion_removes_meanwhile(days: int, lost: bool) -> None:
    assert found({DAY: days, MONTH: 108, YEAR: 12}, 1095, 1095, 1095) == ([DAY] if lost else [])


def test_the_verdict_names_the_databases_in_the_log_and_in_the_alert() -> None:
    account = overview({"_id": "a", "account_type": "grdfgrandlyon"})
    named = judge([account], [], NOW, databases=([("com-grandlyon-grdf-day", "is missing")], 9))
    (finding,) = named.red
    assert finding.cause == Cause.DATABASE
    assert "1 of 9 databases are missing in CouchDB, or have lost documents" in named.headline()
    assert "com-grandlyon-grdf-day (is missing)" in named.message()
    assert "operations.md" in named.message()
