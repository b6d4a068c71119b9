"""An account without a moment in its document waits since the check has seen it for the first time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.health.limits import Cause, Limits
from include.gas.health.sights import NOTHING_SEEN, Sight, unread
from include.gas.health.verdict import Verdict, judge
from include.gas.health.watched import watched

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY, SOON = NOW.date(), timedelta(days=30)
STRICT = Limits(percent=dict.fromkeys(Cause, 0))
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


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def verdict(document: dict[str, Any], seen: date | None, sight: Sight | None = None) -> Verdict:
    sights = {"cozy": sight} if sight else NOTHING_SEEN
    return judge([watched(document, TODAY, SOON, seen)], [], STRICT, NOW, sights)


@pytest.mark.parametrize("document", [cozy(), cozy(**consents(PCE))], ids=["a code", "a meter"])
@pytest.mark.parametrize(("days", "red"), [(0, False), (7, False), (8, True), (60, True)])
def test_one_that_is_never_read_is_silent_after_the_same_days_as_others(
    document: dict[str, Any], days: int, red: bool
) -> None:
    found = verdict(document, days_ago(days))
    assert {each.cause for each in found.red} == ({Cause.SILENT, Cause.LATE} if red else set())
    dated = document | {"connected": {"at": f"{days_ago(days)}T08:00:00.000000Z", "by": "x"}}
    assert {each.cause for each in verdict(dated, None).red} == {each.cause for each in found.red}
    if red:
        assert f"no day yet, first seen {days_ago(days)}" in next(
            each.line(1) for each in found.red if each.cause == Cause.LATE
        )


@pytest.mark.parametrize(("days", "red"), [(None, False), (0, False), (1, False), (2, True)])
def test_where_airflow_shows_its_runs_it_is_silent_after_the_same_days_as_others(days: int | None, red: bool) -> None:
    found = verdict(cozy(), None if days is None else days_ago(days), unread(2))
    assert [each.cause for each in found.red] == ([Cause.SILENT] if red else [])


def test_a_meter_without_a_moment_counts_beside_one_that_is_read() -> None:
    stored = {PCE: {"2026": {"days": 1, "first": str(days_ago(2)), "last": str(days_ago(2))}}}
    history = {PCE: {"id_accreditation": f"r{PCE}", "from": "2023-06-12", "read_at": AT}}
    document = cozy(**consents(PCE, OTHER), stored=stored, history=history)
    seen = watched(document, TODAY, SOON, days_ago(3))
    assert (seen.undated, seen.age) == (True, 3)
    assert verdict(document, days_ago(3)).findings == ()
    assert {each.cause for each in verdict(document, days_ago(30)).red} == {Cause.SILENT, Cause.LATE}


def test_what_the_document_says_counts_more() -> None:
    dated = cozy(connected={"at": "2026-06-08T08:00:00.000000Z", "by": "x"})
    seen = watched(dated, TODAY, SOON, days_ago(60))
    assert (seen.undated, seen.age, seen.since) == (False, 2, days_ago(2))


def test_days_that_are_stored_need_no_moment() -> None:
    stored = {PCE: {"2026": {"days": 1, "first": str(days_ago(2)), "last": str(days_ago(2))}}}
    assert not watched(cozy(**consents(PCE), stored=stored), TODAY, SOON).undated


def test_one_that_is_not_to_be_read_does_not_wait_yet() -> None:
    """Its time begins when its household has connected, or the check would call a person on that day."""
    asks = cozy(state="USER_ACTION_NEEDED.OAUTH_OUTDATED", **consents(PCE))
    assert not watched(asks, TODAY, SOON).undated
    later = {"pce": PCE, "id_accreditation": "r", "first": "2026-07-01", "end": "2027-07-01"}
    assert not watched(cozy(oauth_callback_results={"consents": [later]}), TODAY, SOON).undated
    assert not watched(cozy(leaving={"run": "r", "by": "x", "since": AT}), TODAY, SOON).undated


def test_one_that_a_clock_ahead_has_dated_is_not_new_again() -> None:
    ahead = cozy(**consents(PCE), connected={"at": AHEAD, "by": "x"})
    seen = watched(ahead, TODAY, SOON, TODAY)
    assert (seen.undated, seen.is_new) == (True, False)
    assert {each.cause for each in verdict(ahead, days_ago(8)).red} == {Cause.SILENT, Cause.LATE}
