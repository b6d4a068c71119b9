"""The log of a household that is away reads like that of one that is at home: it outlives the household's deletion."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from grdf.meters import saving
from grdf.meters.asking import ReadAnswer
from grdf.staging.area import StagedAnswer
from include.gas.answers.consumption.daily import Reading
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.gas_day import PARIS
from include.gas.days.windows import Window
from include.gas.documents.day_checks import ZEROS, is_doubted
from include.gas.documents.doctypes import DAY
from tests.gas.memory_store import MemoryStore

PCE = "09900000000017"
FIRST = date(2025, 9, 1)
DAYS = 160
AWAY = date(2025, 12, 10)


class Lines:
    """A task's log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, *args: Any) -> None:
        self.lines.append(f"info: {event % args}")

    def warning(self, event: str, *args: Any) -> None:
        self.lines.append(f"warning: {event % args}")


def used(day: date, away: date | None) -> int:
    return 0 if away and day >= away else 40 + day.toordinal() % 7


def log_of(store: MemoryStore, away: date | None, reread: int) -> list[str]:
    """Return the log of daily runs, each of which reads its gas day and some before it."""
    log = Lines()
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        days = [max(FIRST, day - timedelta(days=ago)) for ago in reversed(range(reread + 1))]
        window = Window(days[0], day + timedelta(days=1))
        read_at = datetime.combine(day + timedelta(days=2), time(9), PARIS).isoformat()
        rows = tuple(Reading(each, used(each, away)) for each in sorted(set(days)))
        staged = StagedAnswer(PCE, str(window.first), str(window.end), read_at, "")
        saving.store_answer(store, "away", ReadAnswer(staged, Answer("away", PCE, window, rows)), {}, log)  # type: ignore[arg-type]
    return log.lines


@pytest.mark.parametrize("reread", [0, 62])
@pytest.mark.parametrize("away", [AWAY, FIRST + timedelta(days=20)], ids=["in winter", "in autumn"])
def test_it_says_nothing_of_days_without_gas(away: date, reread: int) -> None:
    at_home, empty = MemoryStore(), MemoryStore()
    usual, told = log_of(at_home, None, reread), log_of(empty, away, reread)
    assert told == usual
    assert len(told) > DAYS
    doubted = [day for day in empty.docs[DAY].values() if is_doubted(day, ZEROS)]
    assert bool(doubted) == (away == AWAY), "they are marked all the same, where they can be forgotten"
