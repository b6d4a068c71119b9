"""A right whose data begin on a later day: until then nothing can be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.gas.health.sights import Sight, unread
from tests.gas.health.judged import TODAY, causes, judged

PCE = "02201000000005"


def wrong(first: int, sight: Sight) -> set[str]:
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
    return set(causes(judged(document, sights={"home": sight})))


@pytest.mark.parametrize("sight", [Sight(), Sight(had_runs=True), unread()], ids=["unknown", "runs", "skipped"])
def test_it_is_neither_silent_nor_late_before_its_data_begin(sight: Sight) -> None:
    assert wrong(40, sight) == set()


def test_its_age_counts_from_the_day_on_which_its_data_begin() -> None:
    assert wrong(-3, Sight()) == set()
    assert wrong(-9, Sight()) == {"late", "silent"}
