"""How old an account's newest day is: each meter counts for itself, and no wrong clock keeps an account young."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.health.limits import Cause
from include.gas.health.sights import Sight, unread
from include.gas.health.verdict import Verdict, judge
from include.gas.health.watched import watched

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TODAY = NOW.date()
READ, OTHER = "02201000000002", "02201000000003"
AT, AHEAD = "2025-08-14T08:00:00.000000Z", "2028-06-10T08:00:00.000000Z"
NONE: set[Cause] = set()
OLD = {Cause.SILENT, Cause.LATE}
NOT_DAILY = {"frequency": "6M", "daily_data": False}


def days_ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def year(age: int) -> dict[str, Any]:
    last = TODAY - timedelta(days=age)
    return {str(last.year): {"days": 1, "first": last.isoformat(), "last": last.isoformat()}}


def two(other: dict[str, Any] | None = None, *, stored: int | None = None, **more: Any) -> dict[str, Any]:
    """An account whose first meter is read every day.

    :param other: more about the consent of its second meter
    :param stored: age of the second meter's newest day; ``None`` if it has none
    """
    first, second = ({"pce": pce, "id_accreditation": pce} for pce in (READ, OTHER))
    history = {pce: {"id_accreditation": pce, "from": "2023-06-12", "read_at": AT} for pce in (READ, OTHER)}
    return {
        "_id": "home", "account_type": "grdfgrandlyon", "connected": {"at": AT, "by": "x"}, "history": history,
        "oauth_callback_results": {"consents": [first, second | (other or {})]},
        "stored": {READ: year(2)} | ({} if stored is None else {OTHER: year(stored)}), **more,
    }  # fmt: skip


def one(*, right: dict[str, Any] | None = None, read_at: str = AT, connected: str = AT, **more: Any) -> dict[str, Any]:
    """An account with one meter, whose newest day is 100 days old."""
    consent = {"pce": READ, "id_accreditation": "r"} | (right or {})
    return {
        "_id": "home", "account_type": "grdfgrandlyon", "oauth_callback_results": {"consents": [consent]},
        "connected": {"at": connected, "by": "x"},
        "history": {READ: {"id_accreditation": "r", "from": "2023-06-01", "read_at": read_at}},
        "stored": {READ: year(100)}, **more,
    }  # fmt: skip


def begins(days: int) -> dict[str, Any]:
    """An account of 20 days ago whose data begin in so many days."""
    right = {"first": (TODAY + timedelta(days=days)).isoformat(), "end": "2029-01-01", "calls_until": "2029-01-01"}
    return one(right=right, connected=days_ago(20), history={}, stored={})


def cozy(**more: Any) -> dict[str, Any]:
    """An account as cozy-stack leaves it: its code has not been used yet, and no moment is noted."""
    results = {"id_token": "a.b.c"}
    return {"_id": "home", "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": results, **more}


def verdict(document: dict[str, Any], sight: Sight | None = None) -> Verdict:
    return judge([watched(document, TODAY)], [], NOW, {"home": sight} if sight else {}, dict.fromkeys(Cause, 0))


CONSENTS = {"oauth_callback_results": {"consents": [{"pce": READ, "id_accreditation": "r"}]}}
ANSWERED = {"declaration": {"pce": OTHER, "declared": days_ago(40), "answered": days_ago(0)}}
DECLARED_AHEAD = {"pce": READ, "declared": AHEAD, "entered_at": AHEAD, "answered": AHEAD}
RUNS, SKIPPED = Sight(had_runs=True), unread(2)
CASES: dict[str, tuple[dict[str, Any], Sight | None, set[Cause]]] = {
    "a meter that cannot be daily": (two(stored=90, meter_facts={OTHER: NOT_DAILY}), None, NONE),
    "one that never gave a day": (two(), None, OLD),
    "one that lags beside one of today": (two({"brought": days_ago(0)}) | {"stored": {READ: year(30)}}, None, OLD),
    "one that was brought lately": (two({"brought": days_ago(3)}), None, NONE),
    "one that waits for its household": (two({"unusable": "was revoked"}, stored=90), None, {Cause.CONNECT}),
    "a declared right that was answered today": (two(history={}, **ANSWERED), None, NONE),
    "data begin later": (begins(40), None, NONE),
    "data begin later, runs": (begins(40), RUNS, NONE),
    "data begin later, skipped runs": (begins(40), SKIPPED, NONE),
    "data began lately": (begins(-3), None, NONE),
    "data began a while ago": (begins(-9), None, OLD),
    "connected by a clock ahead": (one(connected=AHEAD), SKIPPED, OLD),
    "brought by a clock ahead": (one(right={"brought": AHEAD}), SKIPPED, OLD),
    "read by a clock ahead": (one(read_at=AHEAD), SKIPPED, OLD),
    "declared by a clock ahead": (one(declaration=DECLARED_AHEAD), SKIPPED, OLD),
    "stored for a day ahead": (one(stored={READ: year(100) | year(-540)}), SKIPPED, OLD),
    "never read, connected by a clock ahead": (one(connected=AHEAD, history={}, stored={}), SKIPPED, {Cause.SILENT}),
    "a code": (cozy(), None, NONE),
    "a code, runs": (cozy(), RUNS, {Cause.SILENT}),
    "a meter, skipped runs": (cozy(**CONSENTS), SKIPPED, {Cause.SILENT}),
    "a code of yesterday": (cozy(connected={"at": days_ago(1), "by": "x"}), SKIPPED, NONE),
    "a code of a clock ahead": (cozy(connected={"at": AHEAD, "by": "x"}), SKIPPED, {Cause.SILENT}),
    "no moment, and days": (cozy(**CONSENTS, stored={READ: year(9)}), None, OLD),
}  # fmt: skip


@pytest.mark.parametrize(("document", "sight", "causes"), CASES.values(), ids=CASES)
def test_what_is_silent_and_late(document: dict[str, Any], sight: Sight | None, causes: set[Cause]) -> None:
    assert {each.cause for each in verdict(document, sight).findings} == causes


@pytest.mark.parametrize(("age", "red"), [(7, False), (8, True), (29, True), (30, False), (89, False)])
def test_a_meter_noted_as_not_daily_is_watched_while_it_has_days_of_the_last_30(age: int, red: bool) -> None:
    """The note may be wrong, and until then the days came: their end is told as that of any other meter."""
    beside = two(stored=age, meter_facts={OTHER: NOT_DAILY})
    alone = two(meter_facts=dict.fromkeys((READ, OTHER), NOT_DAILY)) | {"stored": {READ: year(age), OTHER: year(age)}}
    for document in (beside, alone):
        found = verdict(document)
        assert {each.cause for each in found.red} == (OLD if red else NONE)
        assert not red or f"nothing new for {age} days, and GRDF notes its meter as one" in found.red[0].line(1)


def test_a_meter_noted_as_not_daily_whose_days_come_is_read() -> None:
    facts = dict.fromkeys((READ, OTHER), NOT_DAILY)
    assert verdict(two(stored=2, meter_facts=facts)).expected == 1
    assert not watched(two(meter_facts=facts) | {"stored": {}}, TODAY).is_read


def test_a_moment_ahead_leaves_the_others_and_clocks_may_differ_by_a_day() -> None:
    seen = watched(one(right={"brought": AHEAD}, read_at="2026-06-01T08:00:00.000000Z", stored={}), TODAY)
    assert (seen.since, seen.age) == (date(2026, 6, 1), 9)
    seen = watched(one(connected="2026-06-11T08:00:00.000000Z"), TODAY)
    assert (seen.age, seen.is_new) == (0, True)
