"""A year of households, judged by a truth of its own (``truth.py``)."""

from __future__ import annotations

import faulthandler
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.model.year.judging import report
from tests.model.year.simulation import Year

NewTown = Callable[..., Any]
USUAL_SEED = 7


def live(new_town: NewTown, start: date, seed: int, homes: int, days: int) -> None:
    year = new_town(start, Year)
    year.live(seed, homes, days)
    assert not year.wrong, report(year, seed, year.wrong)


def test_some_weeks_over_new_year(new_town: NewTown, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("year"):
        pytest.skip("the whole year is lived")
    live(new_town, date(2025, 11, 17), USUAL_SEED, homes=6, days=60)


def test_a_year_of_sixty_households(new_town: NewTown, request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("year"):
        pytest.skip("it takes minutes: ./grdf test --year")
    faulthandler.cancel_dump_traceback_later()  # it takes longer than pytest's limit for a test that hangs
    seed = request.config.getoption("life_seed")
    seed = USUAL_SEED if seed is None else seed
    print(f"a year of seed {seed}; again by: ./grdf test --year --life-seed {seed}")
    live(new_town, date(2025, 9, 20), seed, homes=48, days=400)
