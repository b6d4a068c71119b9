"""An account of cozy-stack has no moment in its document: what Airflow shows of its runs tells whether it is read."""

from __future__ import annotations

from typing import Any

import pytest

from include.gas.display.overview import overview
from include.gas.health.sights import NOTHING_SEEN, Sight, unread
from tests.gas.health.judged import TODAY, causes, judged

PCE, OTHER = "02201000000002", "02201000000003"
AT = "2026-01-01T08:00:00.000000Z"
AHEAD = "2028-06-10T08:00:00.000000Z"


def cozy(**more: Any) -> dict[str, Any]:
    """Return an account as cozy-stack makes it: its code has not been used yet, and no moment is noted."""
    return {
        "_id": "cozy",
        "account_type": "grdfgrandlyon",
        "oauth": {"access_token": "x"},
        "oauth_callback_results": {"id_token": "a.b.c"},
        **more,
    }


def consents(*pces: str) -> dict[str, Any]:
    return {"oauth_callback_results": {"consents": [{"pce": pce, "id_accreditation": f"r{pce}"} for pce in pces]}}


def wrong(document: dict[str, Any], sight: Sight | None = None) -> list[str]:
    return list(causes(judged(document, sights={"cozy": sight} if sight else NOTHING_SEEN)))


@pytest.mark.parametrize("document", [cozy(), cozy(**consents(PCE))], ids=["a code", "a meter"])
def test_it_is_silent_where_no_run_has_read_it(document: dict[str, Any]) -> None:
    assert wrong(document) == []
    assert wrong(document, unread()) == ["silent"]
    assert wrong(document, Sight(had_runs=True)) == ["silent"]


def test_one_that_says_that_it_is_of_yesterday_is_new() -> None:
    dated = cozy(connected={"at": "2026-06-09T08:00:00.000000Z", "by": "x"})
    assert wrong(dated, unread()) == []
    assert wrong(cozy(connected={"at": AHEAD, "by": "x"}), unread()) == ["silent"]


def test_what_is_stored_is_as_old_as_its_newest_day() -> None:
    stored = {PCE: {"2026": {"days": 1, "first": "2026-06-01", "last": "2026-06-01"}}}
    document = cozy(**consents(PCE, OTHER), stored=stored)
    assert overview(document).age(TODAY) == 9
    assert wrong(document) == ["silent", "late"]
