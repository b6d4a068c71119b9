"""A right whose data begin on a later day: until then nothing can be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.gas.health.limits import Cause
from include.gas.health.sights import Sight, unread
from include.gas.health.verdict import judge
from include.gas.health.watched import watched

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
PCE = "02201000000005"


def causes(first: int, sight: Sight) -> set[Cause]:
    """Return what is wrong with an account of 20 days ago whose data begin in so many days."""
    document: dict[str, Any] = {
        "_id": "home",
        "account_type": "grdfgrandlyon",
        "oauth_callback_results": {
            "consents": [
                {"pce": PCE, "id_accreditation": "r", "first": (TODAY + timedelta(days=first)).isoformat(),
                 "end": "2029-01-01", "calls_until": "2029-01-01"},
            ]
        },
        "connected": {"at": "2026-05-21T08:00:00.000000Z", "by": "x"},
    }  # fmt: skip
    fleet = [watched(document, TODAY)]
    return {each.cause for each in judge(fleet, [], NOW, {"home": sight}, dict.fromkeys(Cause, 0)).red}


@pytest.mark.parametrize("sight", [Sight(), Sight(had_runs=True), unread(2)], ids=["unknown", "runs", "skipped"])
def test_it_is_neither_silent_nor_late_before_its_data_begin(sight: Sight) -> None:
    assert causes(40, sight) == set()


def test_its_age_counts_from_the_day_on_which_its_data_begin() -> None:
    assert causes(-3, Sight()) == set()
    assert causes(-9, Sight()) == {Cause.LATE, Cause.SILENT}
