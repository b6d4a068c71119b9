"""The states of a day over time: absent, provisional, corrected, definitive."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

PARIS = ZoneInfo("Europe/Paris")
PCE = "09999990000600"
REAL = "09999999900017"


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE, REAL, "09999990000601"], droit_debut="2020-01-01")


@pytest.fixture(autouse=True)
def same_clock(adict: Any) -> Any:
    before = adict.control.now()
    yield
    adict.control.set_clock(before)


def told(adict: Any, first: str, end: str) -> dict[str, dict[str, Any]]:
    return {row["day"]: row for row in adict.control.days(PCE, first, end) if row["energie"] is not None}


def test_every_day_appears_within_three_days_and_stays(adict):
    delays: Counter[int] = Counter()
    seen: set[str] = set()
    for number in range(40):
        today = date(2026, 4, 1) + timedelta(days=number)
        adict.control.set_clock(datetime(today.year, today.month, today.day, 9, tzinfo=PARIS))
        now = set(told(adict, "2026-04-01", (today + timedelta(days=1)).isoformat()))
        assert seen <= now
        for day in now - seen:
            delays[(today - date.fromisoformat(day)).days] += 1
        seen = now
    assert set(delays) == {1, 2, 3}
    assert delays[1] > delays[2] > delays[3]


def test_a_month_is_definitive_from_the_third_of_the_next(adict):
    adict.control.set_clock("2026-06-03T07:59:00+02:00")
    before = told(adict, "2026-05-01", "2026-06-03")
    assert {row["statut_conso"] for row in before.values()} == {"Provisoire"}
    adict.control.set_clock("2026-06-03T08:01:00+02:00")
    after = told(adict, "2026-05-01", "2026-06-03")
    assert {row["statut_conso"] for day, row in after.items() if day < "2026-06"} == {"Définitive"}
    assert {row["statut_conso"] for day, row in after.items() if day >= "2026-06"} <= {"Provisoire"}


def test_some_days_change_until_they_are_definitive_and_none_afterwards(adict):
    changed = 0
    for month in range(1, 7):
        adict.control.set_clock(datetime(2026, month, 28, 9, tzinfo=PARIS))
        first = told(adict, f"2026-{month:02}-01", f"2026-{month:02}-28")
        adict.control.set_clock("2026-07-10T09:00:00+02:00")
        last = told(adict, f"2026-{month:02}-01", f"2026-{month:02}-28")
        adict.control.set_clock("2026-09-10T09:00:00+02:00")
        assert told(adict, f"2026-{month:02}-01", f"2026-{month:02}-28") == last
        changed += sum(first[day]["energie"] != last[day]["energie"] for day in first)
        assert all(abs(first[day]["energie"] - last[day]["energie"]) <= 40 for day in first)
    assert 5 < changed < 120


def test_real_household_does_not_ripen(adict):
    rows = adict.control.days(REAL, "2025-01-01", "2025-03-01")
    assert all(row["present"] and row["statut_conso"] == "Définitive" for row in rows)
    adict.control.set_clock("2025-02-01T00:10:00+01:00")
    rows = adict.control.days(REAL, "2025-01-01", "2025-03-01")
    assert [row["day"] for row in rows if row["present"]][-1] == "2025-01-31"


def test_correction_restates_a_day(adict):
    adict.control.correct(PCE, "2025-03-04", 12.5)
    (row,) = adict.control.days(PCE, "2025-03-04", "2025-03-05")
    assert (row["energie"], row["type_qualif_conso"], row["statut_conso"]) == (12.5, "Corrigé", "Définitive")
    (line,) = adict.daily_lines(PCE, "2025-03-04", "2025-03-05")
    assert line["consommation"]["energie"] == 12.5
    adict.control.correct(PCE, "2025-03-04", 12)
    assert '"energie":12,' in adict.daily(PCE, "2025-03-04", "2025-03-05").text
    adict.control.uncorrect(PCE)
    assert adict.daily_lines(PCE, "2025-03-04", "2025-03-05")[0]["consommation"]["type_qualif_conso"] == "Mesuré"


def test_correction_to_nothing_withdraws_a_day(adict):
    adict.control.correct(PCE, "2025-03-05", None)
    (line,) = adict.daily_lines(PCE, "2025-03-05", "2025-03-06")
    assert line["consommation"]["energie"] is None
    assert line["consommation"]["type_qualif_conso"] == "Absence de Données"
    assert adict.control.expected(PCE, "2025-03-05", "2025-03-06") == {}


def test_correction_of_a_day_not_yet_told_waits(adict):
    adict.control.correct(PCE, "2026-06-20", 7)
    assert adict.control.expected(PCE, "2026-06-20", "2026-06-21") == {}
    adict.control.set_clock("2026-06-23T09:00:00+02:00")
    assert adict.control.expected(PCE, "2026-06-20", "2026-06-21") == {"2026-06-20": 7}


def test_monthly_meter_shows_a_month_between_the_10th_and_the_20th(adict):
    pce = "09999990000601"
    adict.control.set_quirks(pce, frequency="MM")
    adict.control.set_clock("2026-06-09T23:00:00+02:00")
    assert adict.control.expected(pce, "2026-05-01", "2026-06-01") == {}
    adict.control.set_clock("2026-06-20T09:00:00+02:00")
    assert len(adict.control.expected(pce, "2026-05-01", "2026-06-01")) == 31


def test_expected_is_what_a_call_gives(adict):
    adict.control.uncorrect(PCE)
    lines = adict.daily_lines(PCE, "2024-01-01", "2026-06-20")
    given = {li["consommation"]["journee_gaziere"]: li["consommation"]["energie"] for li in lines}
    assert adict.control.expected(PCE, "2024-01-01", "2026-06-21") == given
