"""An account with several meters: each counts for itself, by how often GRDF reads it, and the one that lags decides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.gas.display.overview import overview
from include.gas.rights.meter_rights import Held
from tests.gas.health.judged import NOW, TODAY, causes, held, judged, with_held
from tests.readings import with_billing, with_reading

READ, OTHER = "02201000000002", "02201000000003"
LONG_AGO = "2025-08-14T08:00:00.000000Z"


def days_ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def year(age: int) -> dict[str, Any]:
    last = TODAY - timedelta(days=age)
    return {str(last.year): {"first": last.isoformat(), "last": last.isoformat()}}


def account(other: Held | None = None, *, stored: int | None = None, **more: Any) -> dict[str, Any]:
    """An account whose first meter is read every day.

    :param other: what it has of its second meter
    :param stored: age of the second meter's newest day; ``None`` if it has none
    """
    document = {"_id": "two", "account_type": "grdfgrandlyon", "connected": {"at": LONG_AGO, "by": "x"}, **more}
    document = with_held(document, held(READ), other or held(OTHER))
    document = with_reading(document, READ, year(2), since=None)
    return with_reading(document, OTHER, None if stored is None else year(stored), since=None)


@pytest.mark.parametrize(
    ("frequency", "age", "silent"),
    [("1M", 5, False), ("1M", 6, True), ("MM", 55, False), ("MM", 56, True), ("6M", 90, False), ("JJ", 90, False)],
)
def test_a_meter_is_silent_by_how_often_grdf_reads_it(frequency: str, age: int, silent: bool) -> None:
    told = {"alone": ["two"]} if silent else {}
    assert causes(judged(with_billing(account(stored=age), OTHER, frequency))) == told
    never = account(held(OTHER, since=days_ago(age)), connected=None)
    assert causes(judged(with_billing(never, OTHER, frequency))) == told, "its right is as old"


def test_a_meter_that_cannot_be_daily_and_is_not_billed_any_more_is_told() -> None:
    found = judged(with_billing(account(), OTHER, "JJ", until="2026-05-01"))
    assert causes(found) == {"alone": ["two"]}


def test_a_meter_that_has_never_given_a_day_counts_beside_one_that_is_read() -> None:
    assert causes(judged(account())) == {"alone": ["two"]}


def test_a_meter_that_lags_counts_though_the_other_was_brought_today() -> None:
    found = judged(with_reading(account(held(OTHER, since=days_ago(0))), READ, year(30), since=None))
    assert causes(found) == {"alone": ["two"]}
    assert "newest day 2026-05-11" in found.findings[0].named[0].why


def test_what_is_known_of_one_meter_does_not_hide_another() -> None:
    document = account(stored=60, silence_known={"at": days_ago(20), "by": "x"})
    assert causes(judged(document)) == {}
    assert causes(judged(with_reading(document, READ, year(6), since=None))) == {"alone": ["two"]}
    assert overview(account(stored=60)).is_silent_for_long(TODAY)


def test_a_meter_that_is_over_beside_one_that_is_read_is_history() -> None:
    end = TODAY - timedelta(days=90)
    assert judged(account(held(OTHER, "over", end=end, day=end), stored=91)).findings == ()
