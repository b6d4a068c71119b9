"""Weather taken out of a group's figures, and the effect of works that were planted."""

from __future__ import annotations

from datetime import date, timedelta
from math import cos, pi
from random import Random
from typing import Any

import msgspec
import pytest

from include.gas.city.figures import Figure, next_figures
from include.gas.city.groups import Groups
from include.gas.city.weather import Weather, length, read_weather
from include.gas.city.works import effect_of_works, fit_signature, normalised
from include.gas.errors import BadRequest

MONTHS = [date(2022 + place // 12, place % 12 + 1, 1) for place in range(48)]
WORKS = date(2024, 3, 1), date(2024, 4, 1)


def temperatures(random: Random) -> str:
    """Return the days of four years, each winter warmer or colder than the last."""
    lines, day = ["date;max;min"], MONTHS[0]
    while day < date(2026, 1, 1):
        middle = 12 - 9 * cos(2 * pi * (day.timetuple().tm_yday - 15) / 365) + (-2, 1.5, 0, 2)[day.year - 2022]
        middle += random.gauss(0, 2)
        lines.append(f"{day};{middle + 4:.1f};{middle - 4:.1f}".replace(".", ","))
        day += timedelta(days=1)
    return "\n".join(lines)


def figures(random: Random, weather: Weather, planted: float) -> dict[str, list[Figure]]:
    """Return what is published of a programme of 60 households, which saves ``planted`` after works, and of others."""
    homes = [Groups(f"h{n}", {"programme": "p"} if n < 60 else {"postcode": "a"}, f"t{n:03}") for n in range(260)]
    uses: dict[date, dict[str, Any]] = {month: {} for month in MONTHS}
    for home in homes:
        constant, slope = random.uniform(2, 8), random.uniform(1.5, 6)
        for month in MONTHS:
            saves = planted if month > WORKS[1] and "programme" in home.groups else 0.0
            own = (constant + slope * weather.by_month[month]) * random.gauss(1, 0.12) * length(month)
            uses[month][home.token] = round(max(own, 0) * (1 - saves))
    found: dict[str, list[Figure]] = {}
    for each in next_figures(homes, uses, {}, date(2026, 3, 1), 11):
        found.setdefault(each.dimension, []).append(each)
    return found


@pytest.mark.parametrize("planted", [0.2, 0.1, 0.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_planted_reduction_is_found_and_none_where_none_is(seed: int, planted: float) -> None:
    random = Random(seed)
    weather = read_weather(temperatures(random))
    found = figures(random, weather, planted)
    effect = effect_of_works(found["programme"], found["postcode"], weather, *WORKS)
    assert effect.lacks == ""
    assert effect.effect == pytest.approx(planted, abs=0.03)
    assert effect.others == pytest.approx(0, abs=0.03)
    alone = effect_of_works(found["programme"], (), weather, *WORKS)
    assert alone.effect == alone.saved == pytest.approx(planted, abs=0.04)


def test_figures_that_do_not_suffice() -> None:
    random = Random(1)
    weather = read_weather(temperatures(random))
    group = figures(random, weather, 0)["programme"]
    for known, first, last, lacks in (
        (group[16:], *WORKS, "before"), (group, date(2025, 3, 1), date(2025, 4, 1), "after"), ([], *WORKS, "before"),
    ):  # fmt: skip
        assert effect_of_works(known, (), weather, first, last).lacks == lacks
    fewer = [msgspec.structs.replace(each, households=each.households - 10 * (each.year == 2025)) for each in group]
    assert effect_of_works(fewer, (), weather, *WORKS).lacks == "households"
    flat = [msgspec.structs.replace(each, load=100 * length(each.first)) for each in group]
    assert effect_of_works(flat, (), weather, *WORKS).lacks == "heating"
    assert effect_of_works(flat, (), weather, *WORKS).effect is None


def test_a_group_that_only_heats() -> None:
    random = Random(1)
    weather = read_weather(temperatures(random))
    found = figures(random, weather, 0.2)
    heating = {kind: [each for each in found[kind] if weather.by_month[each.first]] for kind in found}
    assert len(heating["programme"]) < len(found["programme"])
    assert effect_of_works(heating["programme"], heating["postcode"], weather, *WORKS).effect == pytest.approx(
        0.2, abs=0.03
    )


def test_usual_weather() -> None:
    random = Random(2)
    weather = read_weather(temperatures(random))
    group = figures(random, weather, 0)["programme"]
    usual, signature = normalised(group, weather), fit_signature(group, weather)
    assert signature
    assert signature.slope == pytest.approx(3.75, abs=0.6)
    winters = [sum(usual[date(year, month, 1)] for month in (1, 2, 3, 11, 12)) for year in (2022, 2023, 2024, 2025)]
    told = [sum(each.load for each in group if each.year == year and each.month in (1, 2, 3, 11, 12))
            for year in (2022, 2023, 2024, 2025)]  # fmt: skip
    assert max(winters) / min(winters) < 1.06 < max(told) / min(told)
    assert normalised(group[:10], weather) == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [("2024-01-15,-2,4", 16), ("2024-06-15,10,12", 0), ("2024-10-01,15.5,17.5", 0.5), ("2024-05-31,20,25", 0)],
)
def test_a_day_s_degrees(line: str, found: float) -> None:
    day = date.fromisoformat(line[:10])
    lines = [line.replace(line[:10], str(day.replace(day=number))) for number in range(1, 29)]
    assert read_weather("\n".join(["date,min,max", *lines])).by_month == {day.replace(day=1): found}
    assert read_weather("\n".join(["date,min,max", *lines[:26]])).by_month == {}, "too few days"


def test_a_station_s_own_names_and_gaps() -> None:
    lines = [f"202401{day:02};-2,0;4" for day in range(1, 29)]
    found = read_weather("\n".join(["AAAAMMJJ;TN;TX", *lines, "20240129;;", "20240130;1;", ";;"]))
    assert found.by_month == {date(2024, 1, 1): 16}


def test_other_years_do_not_count() -> None:
    weather = read_weather(temperatures(Random(1)))
    found = figures(Random(1), weather, 0.2)
    early = [each for each in found["programme"] if each.year == 2022 or each.first > WORKS[1]]
    assert effect_of_works(early, (), weather, *WORKS).lacks == "before"
    others = [each for each in found["postcode"] if each.year == 2022 or each.first > WORKS[1]]
    assert effect_of_works(found["programme"], others, weather, *WORKS).lacks == "before"


def test_a_base_and_a_season_of_one_s_own() -> None:
    lines = "\n".join(["date,min,max", *(f"2024-06-{day:02},10,12" for day in range(1, 31))])
    assert read_weather(lines, 18, (1, 12)).by_month == {date(2024, 6, 1): 7}
    assert read_weather(lines, 18, (11, 3)).by_month == {date(2024, 6, 1): 0}


@pytest.mark.parametrize(
    "lines",
    ["date,tmin\n2024-01-01,1", *(f"date,min,max\n{line}" for line in ("soon,1,2", "2024-01-01,a,2", "2024-01-01,9,2",
                                                                      "2024-01-01,1,200",
                                                                      "2024-01-01,1,2\n2024-01-01,1,3"))],
)  # fmt: skip
def test_temperatures_that_are_none(lines: str) -> None:
    with pytest.raises(BadRequest, match="temperatures cannot be used"):
        read_weather(lines)
