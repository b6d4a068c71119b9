"""What a clock that was ahead has written does not keep an account young until its time is over."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from include.gas.health.limits import Cause
from include.gas.health.sights import unread
from include.gas.health.verdict import judge
from include.gas.health.watched import watched

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
PCE, AT = "02201000000004", "2026-01-01T08:00:00.000000Z"
AHEAD = "2028-06-10T08:00:00.000000Z"
TOMORROW = "2026-06-11T08:00:00.000000Z"
STORED = {"2026": {"days": 1, "first": "2026-03-02", "last": "2026-03-02"}}
LATER = {"2027": {"days": 1, "first": "2027-12-01", "last": "2027-12-01"}}


def account(*, brought: str = "", read_at: str = AT, connected: str = AT, **more: Any) -> dict[str, Any]:
    """An account whose newest day is 100 days old."""
    return {
        "_id": "home",
        "account_type": "grdfgrandlyon",
        "oauth_callback_results": {"consents": [{"pce": PCE, "id_accreditation": "r", "brought": brought}]},
        "connected": {"at": connected, "by": "x"},
        "history": {PCE: {"id_accreditation": "r", "from": "2023-06-01", "read_at": read_at}},
        "stored": {PCE: STORED},
        **more,
    }


@pytest.mark.parametrize(
    "document",
    [
        account(connected=AHEAD),
        account(brought=AHEAD),
        account(read_at=AHEAD),
        account(declaration={"pce": PCE, "declared": AHEAD, "entered_at": AHEAD, "answered": AHEAD}),
        account(stored={PCE: STORED | LATER}),
        account(connected=AHEAD, brought=AHEAD, read_at=AHEAD),
    ],
    ids=["connected", "brought", "read", "declared", "stored", "all"],
)
def test_an_account_that_is_silent_stays_so(document: dict[str, Any]) -> None:
    seen = watched(document, TODAY)
    assert (seen.age, seen.is_new) == (100, False)
    found = judge([seen], [], NOW, {"home": unread(2)}, dict.fromkeys(Cause, 0))
    assert {each.cause for each in found.red} == {Cause.SILENT, Cause.LATE}


def test_a_moment_ahead_leaves_the_others() -> None:
    seen = watched(account(brought=AHEAD, read_at="2026-06-01T08:00:00.000000Z", stored={}), TODAY)
    assert (seen.since, seen.age) == (date(2026, 6, 1), 9)


def test_one_that_was_never_read_and_came_in_the_future_is_not_new() -> None:
    seen = watched(account(connected=AHEAD, history={}, stored={}), TODAY)
    found = judge([seen], [], NOW, {"home": unread(2)}, dict.fromkeys(Cause, 0))
    assert [each.cause for each in found.red] == [Cause.SILENT]


def test_clocks_may_differ_by_a_day() -> None:
    seen = watched(account(connected=TOMORROW), TODAY)
    assert (seen.age, seen.is_new) == (0, True)
