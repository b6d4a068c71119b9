"""What the checks find in planted faults, and that they find nothing in 711 days of a real household.

Its figures stand in the sandbox's data, see SOURCE.md there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from include.gas.documents.day_checks import ENERGY, INDEX, JUMP, ZEROS, doubts_about
from include.gas.documents.gas_days import is_day

PCE = "09900000000017"
CAR = 22_300
Days = dict[str, dict[str, Any]]


def number(text: str) -> float | int:
    value = float(text)
    return int(value) if value == int(value) else value


def real(*, whole: bool = False, starts: bool = False) -> Days:
    """Return the days of the household as ours store them.

    :param whole: with volumes in whole m³, as GRDF's example has them
    :param starts: with the index at the start of each day, which GRDF's example leaves out
    """
    with files("include.sandbox.data").joinpath("real-daily-gas.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    days: Days = {}
    for row in rows:
        day = date.fromisoformat(row["gas_day"])
        volume = float(row["volume_m3"])
        days[row["gas_day"]] = {
            "_id": f"a:{PCE}:{day}", "year": day.year, "month": day.month, "day": day.day,
            "load": number(row["energy_kwh"]), "volume": round(volume) if whole else number(row["volume_m3"]),
            "coefficient": float(row["coefficient_kwh_per_m3"]), "index_end": number(row["index_end_m3"]),
            **({"index_start": number(row["index_start_m3"])} if starts else {}),
        }  # fmt: skip
    return days


def found(days: Days, car: float | None = CAR) -> dict[str, list[str]]:
    told = doubts_about(filter(is_day, days.values()), car)
    return {key.rpartition(":")[2]: words for key, words in told.items()}


@pytest.mark.parametrize("car", [CAR, None])
@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_no_false_alarm_in_two_years_of_a_real_household(whole: bool, starts: bool, car: float | None) -> None:
    days = real(whole=whole, starts=starts)
    assert len(days) == 711
    assert found(days, car) == {}


def plant(day: str, **change: Any) -> Callable[[Days], None]:
    def planted(days: Days) -> None:
        days[day] |= change

    return planted


def lose_index(days: Days) -> None:
    """The meter is exchanged: from that day on it counts from 3."""
    base = days["2020-03-14"]["index_end"] - 3
    for key, day in days.items():
        if key >= "2020-03-15":
            day["index_end"] -= base


def away(days: Days, first: str, length: int) -> None:
    """Let nobody use gas, and the index stand still."""
    start = date.fromisoformat(first)
    keys = [(start + timedelta(days=number)).isoformat() for number in range(length)]
    stands = days[(start - timedelta(days=1)).isoformat()]["index_end"]
    shift = days[keys[-1]]["index_end"] - stands
    for key, day in days.items():
        if key in keys:
            day |= {"load": 0, "volume": 0, "index_end": stands}
        elif key > keys[-1]:
            day["index_end"] -= shift


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (plant("2020-01-10", load=9100, volume=812.5, coefficient=11.2), {"2020-01-10": [INDEX, JUMP]}),
        (plant("2020-01-10", load=9100), {"2020-01-10": [ENERGY, JUMP]}),
        (plant("2020-07-10", load=700, volume=62.5, coefficient=11.2), {"2020-07-10": [INDEX, JUMP]}),
        (plant("2020-05-05", coefficient=1.1), {"2020-05-05": [ENERGY]}),
        (plant("2020-12-24", load=0), {"2020-12-24": [ENERGY]}),
        (plant("2020-12-24", index_end=1), {"2020-12-24": [INDEX], "2020-12-25": [INDEX]}),
        (lose_index, {"2020-03-15": [INDEX]}),
        (lambda days: away(days, "2020-01-05", 14), {f"2020-01-{day:02}": [ZEROS] for day in range(5, 19)}),
        (lambda days: away(days, "2020-01-05", 13), {}),
        (lambda days: away(days, "2020-07-05", 40), {}),
    ],
    ids=[
        "energy and volume of a flat's year in a day", "its energy alone", "in summer", "another factor",
        "a zero that burnt gas", "a wrong index", "another meter", "two weeks without gas in January",
        "a day less", "a summer away",
    ],
)  # fmt: skip
def test_what_is_planted_is_found_and_nothing_else(change: Callable[[Days], None], expected: dict[str, Any]) -> None:
    days = real()
    change(days)
    assert found(days) == expected


def test_a_jump_is_found_by_the_history_or_by_the_contract_alone() -> None:
    days = real()
    plant("2020-01-10", load=9100, volume=816.0)(days)
    assert JUMP in found(days, car=None)["2020-01-10"]
    few = {key: day for key, day in days.items() if "2020-01-01" <= key <= "2020-01-20"}
    assert JUMP in found(few)["2020-01-10"]
    assert JUMP not in found(few, car=None)["2020-01-10"]  # nobody can say yet what it uses in winter


def test_a_meter_may_go_through_zero() -> None:
    days = real()
    for day in days.values():
        day["index_end"] = (day["index_end"] + 90_000) % 100_000 if day["index_end"] else 0
    assert min(day["index_end"] for day in days.values()) < 10
    assert found(days) == {}


@pytest.mark.parametrize("odd", ["x", None, [], {}, True, float("nan"), 10**400], ids=lambda odd: repr(odd)[:9])
def test_odd_values_are_no_doubts(odd: Any) -> None:
    days = real()
    for name in ("volume", "coefficient", "index_end", "doubts", "converted_volume", "pcs", "index_start"):
        days["2020-01-10"][name] = odd
    assert found(days) == {}
    days["2020-01-10"]["load"] = odd
    assert found(days) == {}


def test_each_year_is_looked_at_by_itself() -> None:
    """So the doubts of a day do not depend on the years that a load happens to read."""
    days = real()
    away(days, "2019-12-20", 40)
    whole = found(days)
    assert whole == {(date(2020, 1, 1) + timedelta(days=number)).isoformat(): [ZEROS] for number in range(28)}
    for year in (2019, 2020):
        part = {key: day for key, day in days.items() if day["year"] == year}
        assert found(part) == {key: words for key, words in whole.items() if key in part}


def test_a_converter_counts_too() -> None:
    day = {"_id": "a:1:2020-01-10", "year": 2020, "month": 1, "day": 10, "load": 1140, "volume": 50, "pcs": 11.4}
    assert found({"x": day | {"coefficient": 22.8}}) == {}
    assert found({"x": day | {"coefficient": 11.2, "converted_volume": 100.0}}) == {}
    assert found({"x": day | {"coefficient": 11.2, "converted_volume": 90.0}}) == {"2020-01-10": [ENERGY]}


def winter(loads: dict[int, float], usual: float, days: int = 90) -> Days:
    """Return the days from 1 January on, whose volumes and indexes fit."""
    made: Days = {}
    index = 100.0
    for number in range(days):
        day, load = date(2021, 1, 1) + timedelta(days=number), loads.get(number, usual)
        index += load / 11.2
        made[str(day)] = {
            "_id": f"a:{PCE}:{day}", "year": day.year, "month": day.month, "day": day.day, "load": load,
            "volume": round(load / 11.2, 1), "coefficient": 11.2, "index_end": int(index),
        }  # fmt: skip
    return made


@pytest.mark.parametrize("car", [None, 2000, CAR])
@pytest.mark.parametrize(
    "days",
    [
        winter({}, 0),
        winter(dict.fromkeys(range(0, 90, 7), 90), 0),
        winter({24: 160, 25: 160, 26: 160}, 15),
        winter(dict.fromkeys(range(50, 57), 150), 0),
        winter({}, 12),
        winter({day: 90 for day in range(40, 90) if day % 7 in (5, 6)}, 0),
    ],
    ids=[
        "off all winter", "used on Sundays", "kept from freezing, lived in for three days", "a week of holidays",
        "cooks", "used at weekends from February on",
    ],
)  # fmt: skip
def test_ordinary_households_have_no_doubtful_days(days: Days, car: float | None) -> None:
    assert found(days, car) == {}


@pytest.mark.parametrize("volume", [150.5, 400.5, 2000.5])
def test_a_factor_with_two_decimals_fits_large_meters(volume: float) -> None:
    day = {"_id": "a:1:2020-01-10", "year": 2020, "month": 1, "day": 10, "coefficient": 11.16, "volume": volume}
    assert found({"x": day | {"load": int(volume * 11.1649)}}, None) == {}
    assert found({"x": day | {"load": int(volume * 11.4)}}, None) == {"2020-01-10": [ENERGY]}
