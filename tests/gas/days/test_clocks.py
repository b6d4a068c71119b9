"""Times written while a clock was ahead do not block anything."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from include.gas.account.turns import is_due
from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.published import Period
from include.gas.consents.consent import Consent
from include.gas.documents.billing.periods import merge_period, period_document
from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import day_document, day_id, is_stale, merge_day
from include.gas.documents.storing import load_answer
from tests.gas.memory_store import MemoryStore

NOW = datetime.now(UTC)
AHEAD = NOW + timedelta(days=400)
MARCH = date(2026, 3, 14)


def day(load: float, at: datetime) -> dict[str, Any]:
    return day_document("a", Reading(MARCH, load), "GI999042", at)


def test_a_day_that_was_read_in_the_future_takes_a_correction() -> None:
    assert not is_stale(day(5, AHEAD), day(6, NOW))
    merged = merge_day(day(5, AHEAD) | {"_rev": "1-a"}, day(6, NOW))
    assert merged is not None
    assert (merged["load"], merged["read_at"]) == (6, day(6, NOW)["read_at"])


def test_a_day_that_says_the_same_gets_its_moment_mended() -> None:
    merged = merge_day(day(5, AHEAD) | {"_rev": "1-a"}, day(5, NOW))
    assert merged is not None
    assert merged["read_at"] == day(5, NOW)["read_at"]
    assert "changes" not in merged
    assert merge_day(day(5, NOW), day(5, NOW + timedelta(hours=1))) is None


@pytest.mark.parametrize("seconds", [1, 500])
def test_clocks_that_differ_a_little_are_both_believed(seconds: int) -> None:
    assert is_stale(day(5, NOW + timedelta(seconds=seconds)), day(6, NOW - timedelta(seconds=1)))


def test_what_a_load_is_told_was_read_in_the_future_counts_as_read_now() -> None:
    store = MemoryStore()
    load_answer(store, "a", "GI999042", [Reading(MARCH, 5)], AHEAD)
    stored = store.docs[DAY][day_id("a", "GI999042", MARCH)]
    assert stored["read_at"] < (NOW + timedelta(hours=1)).isoformat()
    report = load_answer(store, "a", "GI999042", [Reading(MARCH, 6)], datetime.now(UTC))
    assert (report.corrected, report.stale) == (1, 0)


def test_a_published_period_that_was_read_in_the_future_takes_a_correction() -> None:
    old, new = Period(MARCH, date(2026, 4, 14), 500), Period(MARCH, date(2026, 4, 14), 510)
    stored = period_document("a", "GI999042", old, AHEAD) | {"_rev": "1-a"}
    merged = merge_period(stored, period_document("a", "GI999042", new, NOW))
    assert merged is not None
    assert merged["load"] == 510


def test_a_monthly_reading_that_was_made_in_the_future_is_due() -> None:
    entry = {"read_at": AHEAD.isoformat(), "id_accreditation": "x"}
    assert is_due(entry, Consent("GI999042", "x"), account="a", today=NOW.date())
