"""The age of an account with several meters: each meter counts for itself, and the one that lags most decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.gas.rights.meter_rights import Held
from tests.gas.health.judged import NOW, TODAY, causes, held, judged, with_held
from tests.readings import with_billing, with_reading

READ, OTHER = "02201000000002", "02201000000003"
LONG_AGO = "2025-08-14T08:00:00.000000Z"


def days_ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def year(age: int) -> dict[str, Any]:
    last = TODAY - timedelta(days=age)
    return {str(last.year): {"days": 1, "first": last.isoformat(), "last": last.isoformat()}}


def account(other: Held | None = None, *, stored: int | None = None, **more: Any) -> dict[str, Any]:
    """An account whose first meter is read every day.

    :param other: what it has of its second meter
    :param stored: age of the second meter's newest day; ``None`` if it has none
    """
    document = {"_id": "two", "account_type": "grdfgrandlyon", "connected": {"at": LONG_AGO, "by": "x"}, **more}
    document = with_held(document, held(READ), other or held(OTHER))
    document = with_reading(document, READ, year(2), since=None)
    return with_reading(document, OTHER, None if stored is None else year(stored), since=None)


@pytest.mark.parametrize("frequency", ["6M", "JJ"])
def test_a_meter_that_cannot_be_daily_does_not_make_the_account_late(frequency: str) -> None:
    assert judged(with_billing(account(stored=90), OTHER, frequency)).findings == ()
    assert judged(with_billing(account(), OTHER, frequency)).findings == ()


def test_a_meter_that_cannot_be_daily_and_is_not_billed_any_more_is_told() -> None:
    found = judged(with_billing(account(), OTHER, "JJ", until="2026-05-01"))
    assert list(causes(found)) == ["silent", "late"]


def test_a_meter_that_has_never_given_a_day_counts_beside_one_that_is_read() -> None:
    found = judged(account())
    assert list(causes(found)) == ["silent", "late"]
    assert "no day yet of one of its meters, connected 2025-08-14" in found.red[1].line(1)


def test_a_meter_that_lags_counts_though_the_other_was_brought_today() -> None:
    found = judged(with_reading(account(held(OTHER, since=days_ago(0))), READ, year(30), since=None))
    assert list(causes(found)) == ["silent", "late"]
    assert "newest day 2026-05-11" in found.red[1].line(1)


def test_a_meter_that_was_brought_lately_is_not_late() -> None:
    assert judged(account(held(OTHER, since=days_ago(3)))).findings == ()


def test_a_meter_that_is_over_beside_one_that_is_read_is_history() -> None:
    end = TODAY - timedelta(days=90)
    assert judged(account(held(OTHER, "over", end=end, day=end), stored=91)).findings == ()
