"""An account of cozy-stack has no moment in its document: what Airflow shows of its runs tells whether it is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from include.gas.health.limits import Cause
from include.gas.health.sights import NOTHING_SEEN, Sight, unread
from include.gas.health.verdict import Verdict, judge
from include.gas.health.watched import watched

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
STRICT = dict.fromkeys(Cause, 0)
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


def verdict(document: dict[str, Any], sight: Sight | None = None) -> Verdict:
    return judge([watched(document, TODAY)], [], NOW, {"cozy": sight} if sight else NOTHING_SEEN, STRICT)


@pytest.mark.parametrize("document", [cozy(), cozy(**consents(PCE))], ids=["a code", "a meter"])
def test_it_is_silent_where_no_run_has_read_it(document: dict[str, Any]) -> None:
    assert verdict(document).findings == ()
    assert [each.cause for each in verdict(document, unread(2)).red] == [Cause.SILENT]
    assert [each.cause for each in verdict(document, Sight(had_runs=True)).red] == [Cause.SILENT]


def test_one_that_says_that_it_is_of_yesterday_is_new() -> None:
    dated = cozy(connected={"at": "2026-06-09T08:00:00.000000Z", "by": "x"})
    assert verdict(dated, unread(2)).findings == ()
    assert [each.cause for each in verdict(cozy(connected={"at": AHEAD, "by": "x"}), unread(2)).red] == [Cause.SILENT]


def test_what_is_stored_is_as_old_as_its_newest_day() -> None:
    stored = {PCE: {"2026": {"days": 1, "first": "2026-06-01", "last": "2026-06-01"}}}
    document = cozy(**consents(PCE, OTHER), stored=stored)
    assert watched(document, TODAY).age == 9
    assert {each.cause for each in verdict(document).red} == {Cause.SILENT, Cause.LATE}
