"""What the checks find in planted faults; they find nothing in 711 days of a real household (the sandbox's data)."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from include.gas.documents.day_checks import ENERGY, INDEX, JUMP, WORDS, ZEROS, find_doubts
from include.gas.documents.day_documents import is_day

CAR = 22_300
Days = dict[str, dict[str, Any]]


def stored(day: date, load: Any, **more: Any) -> dict[str, Any]:
    return {"_id": f"a:1:{day}", "year": day.year, "month": day.month, "day": day.day, "load": load} | more


def real(*, whole: bool = False, starts: bool = False) -> Days:
    """GRDF's example has ``whole`` m³; ``starts`` adds the index at the start of each day, which it leaves out."""

    def number(text: str) -> float | int:
        return int(float(text)) if float(text) == int(float(text)) else float(text)

    with files("include.sandbox.data").joinpath("real-daily-gas.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {
        row["gas_day"]: stored(
            date.fromisoformat(row["gas_day"]), number(row["energy_kwh"]),
            volume=round(float(row["volume_m3"])) if whole else number(row["volume_m3"]),
            coefficient=float(row["coefficient_kwh_per_m3"]), index_end=number(row["index_end_m3"]),
            **({"index_start": number(row["index_start_m3"])} if starts else {}),
        )
        for row in rows
    }  # fmt: skip


def found(days: Days, car: float | None = CAR) -> dict[str, list[str]]:
    doubts = find_doubts(filter(is_day, days.values()), car)
    return {key.rpartition(":")[2]: words for key, words in doubts.items()}


@pytest.mark.parametrize("car", [CAR, None])
@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_no_false_alarm_in_two_years_of_a_real_household(whole: bool, starts: bool, car: float | None) -> None:
    days = real(whole=whole, starts=starts)
    assert (len(days), found(days, car)) == (711, {})
    assert WORDS == ("index", "energy", "jump", "zeros"), "as they are stored"


def plant(day: str, **change: Any) -> Callable[[Days], None]:
    return lambda days: days[day].update(change)


def exchange(days: Days) -> None:
    base = days["2020-03-14"]["index_end"] - 3
    for key in (key for key in days if key >= "2020-03-15"):
        days[key]["index_end"] -= base


def go_through_zero(days: Days) -> None:
    for day in days.values():
        day["index_end"] = (day["index_end"] + 90_000) % 100_000 if day["index_end"] else 0
    assert min(day["index_end"] for day in days.values()) < 10


def away(first: str, length: int) -> Callable[[Days], None]:
    def planted(days: Days) -> None:
        start = date.fromisoformat(first)
        keys = [str(start + timedelta(days=number)) for number in range(length)]
        stands = days[str(start - timedelta(days=1))]["index_end"]
        shift = days[keys[-1]]["index_end"] - stands
        for key, day in days.items():
            if key in keys:
                day |= {"load": 0, "volume": 0, "index_end": stands}
            elif key > keys[-1]:
                day["index_end"] -= shift

    return planted


def zeros(first: date, length: int) -> dict[str, list[str]]:
    return {str(first + timedelta(days=number)): [ZEROS] for number in range(length)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (plant("2020-01-10", load=9100, volume=812.5, coefficient=11.2), {"2020-01-10": [INDEX, JUMP]}),
        (plant("2020-01-10", load=9100), {"2020-01-10": [ENERGY, JUMP]}),
        (plant("2020-07-10", load=700, volume=62.5, coefficient=11.2), {"2020-07-10": [INDEX, JUMP]}),
        (plant("2020-05-05", coefficient=1.1), {"2020-05-05": [ENERGY]}),
        (plant("2020-12-24", load=0), {"2020-12-24": [ENERGY]}),
        (plant("2020-12-24", index_end=1), {"2020-12-24": [INDEX], "2020-12-25": [INDEX]}),
        (exchange, {"2020-03-15": [INDEX]}), (go_through_zero, {}),
        (away("2020-01-05", 14), zeros(date(2020, 1, 5), 14)), (away("2020-01-05", 13), {}),
        (away("2020-07-05", 40), {}), (away("2019-12-20", 40), zeros(date(2020, 1, 1), 28)),  # each year by itself
    ],
)  # fmt: skip
def test_what_is_planted_is_found_and_nothing_else(change: Callable[[Days], None], expected: dict[str, Any]) -> None:
    days = real()
    change(days)
    assert found(days) == expected
    for year in ("2019", "2020"):  # the doubts of a day do not depend on the years that a load happens to read
        part = {key: day for key, day in days.items() if key[:4] == year}
        assert found(part) == {key: words for key, words in expected.items() if key[:4] == year}


def test_a_jump_is_found_by_the_history_or_by_the_contract_alone() -> None:
    days = real()
    plant("2020-01-10", load=9100, volume=816.0)(days)
    assert JUMP in found(days, car=None)["2020-01-10"]
    few = {key: day for key, day in days.items() if "2020-01-01" <= key <= "2020-01-20"}
    assert JUMP in found(few)["2020-01-10"]
    assert JUMP not in found(few, car=None)["2020-01-10"]  # its use in winter is not known yet
    assert [len(found({"x": stored(DAY, load)}, 1000)) for load in (300, 301)] == [0, 1], "never doubted"
    ends = [{"volume": 50, "index_start": 100, "index_end": end} for end in (151, 152)]
    assert [len(found({"x": stored(DAY, 5, **more)})) for more in ends] == [0, 1], "indexes are whole m³"


@pytest.mark.parametrize("odd", ["x", None, [], {}, True, float("nan"), 10**400], ids=lambda odd: repr(odd)[:9])
def test_odd_values_are_no_doubts(odd: Any) -> None:
    days = real()
    for name in ("volume", "coefficient", "index_end", "doubts", "converted_volume", "pcs", "index_start"):
        days["2020-01-10"][name] = odd
    assert found(days) == {}
    days["2020-01-10"]["load"] = odd
    assert found(days) == {}


DAY, BIG = date(2020, 1, 10), {"coefficient": 11.16, "volume": 2000.5}
CONVERTED = {"volume": 50, "pcs": 11.4}


@pytest.mark.parametrize(
    ("load", "more", "fits"),
    [
        (1140, CONVERTED | {"coefficient": 22.8}, True),
        (1140, CONVERTED | {"coefficient": 11.2, "converted_volume": 100.0}, True),
        (1140, CONVERTED | {"coefficient": 11.2, "converted_volume": 90.0}, False),
        *((load, {"volume": 100, "coefficient": 10.0}, load == 1011) for load in (1011, 1012)),
        # A factor with two decimals fits large meters.
        *((int(volume * 11.1649), BIG | {"volume": volume}, True) for volume in (150.5, 400.5, 2000.5)),
        *((int(volume * 11.4), BIG | {"volume": volume}, False) for volume in (150.5, 400.5, 2000.5)),
    ],
)
def test_an_energy_is_one_of_the_volumes_times_its_factor(load: int, more: dict[str, Any], fits: bool) -> None:
    assert found({"x": stored(DAY, load, **more)}, None) == ({} if fits else {"2020-01-10": [ENERGY]})


def winter(loads: dict[int, float], usual: float) -> Days:
    made, index = dict[str, dict[str, Any]](), 100.0
    for number in range(90):
        day, load = date(2021, 1, 1) + timedelta(days=number), loads.get(number, usual)
        index += load / 11.2
        made[str(day)] = stored(day, load, volume=round(load / 11.2, 1), coefficient=11.2, index_end=int(index))
    return made


@pytest.mark.parametrize("car", [None, 2000, CAR])
@pytest.mark.parametrize(
    "days",
    [
        winter({}, 0),  # off all winter
        winter(dict.fromkeys(range(0, 90, 7), 90), 0),  # used on Sundays
        winter({24: 160, 25: 160, 26: 160}, 15),  # kept from freezing, lived in for three days
        winter(dict.fromkeys(range(50, 57), 150), 0),  # a week of holidays
        winter({}, 12),  # cooks
        winter({day: 90 for day in range(40, 90) if day % 7 in (5, 6)}, 0),  # used at weekends from February on
    ],
)
def test_ordinary_households_have_no_doubtful_days(days: Days, car: float | None) -> None:
    assert found(days, car) == {}
