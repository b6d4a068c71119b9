"""The states of a day over time: absent, provisional, corrected, definitive."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytestmark = pytest.mark.usefixtures("reset")
PARIS = ZoneInfo("Europe/Paris")
PCE = "09999990000600"
REAL = "09999999900017"


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE, REAL], droit_debut="2020-01-01")


def at(adict: Any, year: int, month: int, day: int, hour: int = 9) -> None:
    adict.control.set_clock(datetime(year, month, day, hour, tzinfo=PARIS))


def states(adict: Any, first: str, end: str) -> set[str]:
    return {line["consommation"]["statut_conso"] for line in adict.daily_lines(PCE, first, end)}


def test_every_day_appears_within_three_days_and_stays(adict):
    delays: Counter[int] = Counter()
    seen: set[str] = set()
    for number in range(40):
        today = date(2026, 4, 1) + timedelta(days=number)
        at(adict, today.year, today.month, today.day)
        now = set(adict.control.expected(PCE, "2026-04-01", today))
        assert seen <= now
        delays.update((today - date.fromisoformat(day)).days for day in now - seen)
        seen = now
    assert set(delays) == {1, 2, 3}
    assert delays[1] > delays[2] > delays[3]


def test_a_month_is_definitive_from_the_third_of_the_next(adict):
    adict.control.set_clock("2026-06-03T07:59:00+02:00")
    assert states(adict, "2026-05-01", "2026-06-03") == {"Provisoire"}
    adict.control.set_clock("2026-06-03T08:01:00+02:00")
    assert states(adict, "2026-05-01", "2026-06-01") == {"Définitive"}


def test_some_days_change_until_they_are_definitive_and_none_afterwards(adict):
    changed = 0
    for month in range(1, 7):
        window = (f"2026-{month:02}-01", f"2026-{month:02}-28")
        at(adict, 2026, month, 28)
        first = adict.control.expected(PCE, *window)
        at(adict, 2026, 7, 10)
        last = adict.control.expected(PCE, *window)
        at(adict, 2026, 9, 10)
        assert adict.control.expected(PCE, *window) == last
        changed += sum(first[day] != last[day] for day in first)
        assert all(abs(first[day] - last[day]) <= 40 for day in first)
    assert 5 < changed < 120


def test_corrections(adict):
    for told, text in ((12.5, '"energie":12.5,'), (12, '"energie":12,'), (None, '"energie":null,')):
        adict.control.correct(PCE, "2025-03-04", told)
        answer = adict.daily(PCE, "2025-03-04", "2025-03-05").text
        assert text in answer
        assert ("Absence de Données" if told is None else "Corrigé") in answer
        wanted = {} if told is None else {"2025-03-04": told}
        assert adict.control.expected(PCE, "2025-03-04", "2025-03-05") == wanted
    adict.control.uncorrect(PCE)
    assert "Mesuré" in adict.daily(PCE, "2025-03-04", "2025-03-05").text
    adict.control.correct(PCE, "2026-06-20", 7)  # a day that is not told yet
    assert adict.control.expected(PCE, "2026-06-20", "2026-06-21") == {}
    at(adict, 2026, 6, 23)
    assert adict.control.expected(PCE, "2026-06-20", "2026-06-21") == {"2026-06-20": 7}
    adict.control.uncorrect(PCE)
