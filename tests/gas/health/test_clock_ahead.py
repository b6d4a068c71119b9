"""What a clock that was ahead has written does not keep an account young until its time is over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from include.gas.display.overview import overview
from include.gas.health.sights import unread
from tests.gas.health.judged import TODAY, causes, judged

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
    seen = overview(document)
    assert (seen.age(TODAY), seen.is_new(TODAY)) == (100, False)
    assert set(causes(judged(document, sights={"home": unread()}))) == {"silent", "late"}


def test_a_moment_ahead_leaves_the_others() -> None:
    document = account(brought=AHEAD, connected="2026-06-01T08:00:00.000000Z", stored={})
    seen = overview(document)
    assert (seen.came(TODAY), seen.age(TODAY)) == (date(2026, 6, 1), 9)


def test_one_that_was_never_read_and_came_in_the_future_is_not_new() -> None:
    document = account(connected=AHEAD, history={}, stored={})
    assert set(causes(judged(document, sights={"home": unread()}))) == {"silent"}


def test_clocks_may_differ_by_a_day() -> None:
    seen = overview(account(connected=TOMORROW))
    assert (seen.age(TODAY), seen.is_new(TODAY)) == (0, True)
