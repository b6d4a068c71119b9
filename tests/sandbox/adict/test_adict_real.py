"""The figures of the real household and the synthetic meters are the same everywhere and add up."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from include.sandbox.adict.meter_data import real, synthetic


def test_shift_puts_the_newest_day_in_the_past_year():
    for today in (date(2026, 1, 1) + timedelta(days=n) for n in range(0, 1500, 7)):
        days = real.real_days(real.shift_for(today))
        assert days[-1].day < today <= days[-1].day.replace(year=days[-1].day.year + 1)
        assert days[0].day > today.replace(year=today.year - 3, day=min(today.day, 28)) + timedelta(days=2)


@pytest.mark.parametrize(("shift", "days"), [(0, 711), (4, 711), (5, 710), (6, 710), (8, 711)])
def test_only_a_29_february_without_a_place_is_dropped(shift, days):
    moved = real.real_days(shift)
    assert len(moved) == days
    assert sum(row.energy for row in real.file_days()) - sum(row.energy for row in moved) == 135 * (711 - days)


def test_where_it_goes_on_each_day_is_that_of_a_year_before():
    days = real.continued_days(5, date(2030, 1, 1))
    assert days[:710] == real.real_days(5)
    known = {row.day: row for row in days}
    for row in days[710:]:
        former = known[row.day.replace(year=row.day.year - 1)]
        assert (row.energy, row.volume, row.coefficient) == (former.energy, former.volume, former.coefficient)
    assert all(one.index_end == other.index_start for one, other in pairwise(days[708:]))
    absent = {days[0].day + timedelta(days=n) for n in range((days[-1].day - days[0].day).days)} - {*known}
    assert absent == {date(2028, 2, 29)}
    assert real.continued_days(5, date(2020, 1, 1)) == real.real_days(5)


def year(pce: str) -> list[synthetic.FinalDay]:
    return [synthetic.final_day(pce, date(2025, 1, 1) + timedelta(days=n)) for n in range(365)]


def test_a_known_day_never_changes():
    """Figures must be the same on every machine and in every version."""
    day = synthetic.final_day("09999990000042", date(2025, 1, 15))
    assert (day.volume, day.coefficient, day.energy) == (35, 11.131, 38)
    before = synthetic.final_day("09999990000042", date(2024, 12, 31))
    assert before.index_end == synthetic.final_day("09999990000042", date(2025, 1, 1)).index_start


def test_fleet_is_plausible():
    uses, fleet = [], []
    for number in range(60):
        pce = f"0999999{number:07}"
        days = year(pce)
        energies = [day.energy for day in days]
        use = sum(energies)
        assert 0.75 * synthetic.yearly_use(pce) < use < 1.25 * synthetic.yearly_use(pce)
        assert all(10.9 <= day.coefficient <= 11.4 for day in days)
        assert all(abs((day.index_end - day.index_start) - day.volume / 10) <= 0.9001 for day in days)
        assert all(after.index_start == before.index_end for before, after in pairwise(days))
        assert 0.6 < (sum(energies[:90]) + sum(energies[304:])) / use < 0.9
        uses.append(use)
        fleet += days
    assert min(uses) < 1_800 < 14_000 < max(uses)
    assert 0.01 < sum(day.volume == 0 for day in fleet) / len(fleet) < 0.06
    assert 0.0005 < sum(not day.measured for day in fleet) / len(fleet) < 0.003
