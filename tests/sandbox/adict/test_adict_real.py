"""The figures of the real household and the synthetic meters are the same everywhere and add up."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from include.sandbox.adict.meter_data import real, synthetic


def test_shift_puts_the_newest_day_in_the_past_year():
    for today in (date(2026, 1, 1) + timedelta(days=n) for n in range(0, 1500, 7)):
        shift = real.shift_for(today)
        newest, oldest = real.real_days(shift)[-1].day, real.real_days(shift)[0].day
        assert newest < today <= newest.replace(year=newest.year + 1)
        assert oldest > today.replace(year=today.year - 3, day=min(today.day, 28)) + timedelta(days=2)


@pytest.mark.parametrize(("shift", "days"), [(0, 711), (4, 711), (5, 710), (6, 710), (8, 711)])
def test_only_a_29_february_without_a_place_is_dropped(shift, days):
    assert len(real.real_days(shift)) == days


def test_sums_of_moved_months_are_the_sums_of_the_file():
    sums: Counter[str] = Counter()
    with real.CSV_FILE.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["gas_day"] != "2020-02-29":
                year, month, _ = row["gas_day"].split("-")
                sums[f"{int(year) + 5}-{month}"] += int(float(row["energy_kwh"]))
                sums[str(int(year) + 5)] += int(float(row["energy_kwh"]))
    assert real.real_sums(5) == dict(sums)


def test_where_it_goes_on_each_day_is_that_of_a_year_before():
    end = date(2026, 11, 28)
    days = real.continued_days(5, end)
    assert days[:710] == real.real_days(5)
    assert (days[-1].day, days[710].day) == (end - timedelta(days=1), date(2026, 4, 19))
    known = {row.day: row for row in days}
    for row in days[710:]:
        former = known[row.day.replace(year=row.day.year - 1)]
        assert (row.energy, row.volume, row.coefficient) == (former.energy, former.volume, former.coefficient)
    assert all(one.index_end == other.index_start for one, other in pairwise(days[708:]))
    assert real.continued_days(5, date(2020, 1, 1)) == real.real_days(5)


def test_it_goes_on_for_years_without_a_29_february():
    days = [row.day for row in real.continued_days(5, date(2030, 1, 1))]
    absent = {date(2024, 5, 9) + timedelta(days=n) for n in range((days[-1] - days[0]).days)} - {*days}
    assert absent == {date(2028, 2, 29)}
    assert days == sorted(days)
    sums = real.real_sums(5, date(2030, 1, 1))
    assert sums["2029"] == sums["2028"] == sums["2027"]


def test_zero_days_are_real_and_one_row_is_estimated():
    assert sum(row.energy == 0 for row in real.file_days()) == 27
    assert sum(not row.measured for row in real.file_days()) == 1


def year(pce: str, number: int = 2025) -> list[synthetic.SyntheticDay]:
    first = date(number, 1, 1)
    days = [synthetic.final_day(pce, first + timedelta(days=n)) for n in range(365)]
    return [day for day in days if day is not None]


def test_a_known_day_never_changes():
    """Figures must be the same on every machine and in every version."""
    day = synthetic.final_day("09999990000042", date(2025, 1, 15))
    assert day is not None
    assert (day.volume, day.coefficient, synthetic.energy_of(day.volume, day.coefficient)) == (35, 11.131, 38)


def test_fleet_is_plausible():
    winter_shares, uses = [], []
    for number in range(60):
        pce = f"0999999{number:07}"
        days = year(pce)
        energies = [synthetic.energy_of(day.volume, day.coefficient) for day in days]
        use = sum(energies)
        assert 0.75 * synthetic.yearly_use(pce) < use < 1.25 * synthetic.yearly_use(pce)
        assert all(10.9 <= day.coefficient <= 11.4 for day in days)
        assert all(abs((day.index_end - day.index_start) - day.volume / 10) <= 0.9001 for day in days)
        assert all(after.index_start == before.index_end for before, after in pairwise(days))
        winter_shares.append((sum(energies[:90]) + sum(energies[304:])) / use)
        uses.append(use)
    assert 0.70 < sum(winter_shares) / 60 < 0.80
    assert min(uses) < 1_800
    assert max(uses) > 14_000


def test_index_goes_on_over_new_year():
    pce = "09999990000042"
    before, after = synthetic.final_day(pce, date(2024, 12, 31)), synthetic.final_day(pce, date(2025, 1, 1))
    assert before is not None
    assert after is not None
    assert before.index_end == after.index_start


def test_there_are_exact_zeros_and_estimates():
    days = [day for number in range(40) for day in year(f"0999999{number:07}")]
    assert 0.01 < sum(day.volume == 0 for day in days) / len(days) < 0.06
    assert 0.0005 < sum(not day.measured for day in days) / len(days) < 0.003


@pytest.mark.parametrize(
    ("pce", "exists"),
    [("09999990000000", True), ("GI999000", True), ("GI000042", False), ("09900000000017", False), ("0999999", False)],
)
def test_which_meters_exist(pce, exists):
    assert synthetic.exists(pce) is exists
