"""Lives of households with the project's code, compared with the truth on a page (``truth.py``)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.leader import Life, lead, told
from tests.model.lives import any_life
from tests.model.rows import FOUND, ROWS, Row
from tests.model.smaller import smaller
from tests.model.truth import Untrue


class Found(Exception):
    """A life went wrong, and hypothesis must stop."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life


def first_wrong(number: int, lives: int, staging: Path) -> tuple[Life | None, int]:
    """Lead a number of lives, which only depend on that number, up to the first that goes wrong.

    :return: that life, and how many were led
    """
    led = 0

    @seed(number)
    @settings(
        max_examples=lives, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(any_life())
    def each(life: Life) -> None:
        nonlocal led
        led += 1
        if how_wrong(life, staging):
            raise Found(life)

    try:
        each()
    except Found as found:
        return found.life, led - 1  # hypothesis repeats the last one to be sure
    return None, led


def how_wrong(life: Life, staging: Path) -> str:
    """Lead a life, and return which sentence of the truth it breaks, ``""`` if it breaks none."""
    try:
        lead(life, staging)
    except Untrue as untrue:
        return re.sub(r"alder|birch|cedar|[0-9-]{2,}|…\w+", "", str(untrue).partition(";")[0].partition("\n")[0])
    except Exception as error:  # noqa: BLE001 - what no task may raise is as wrong
        return type(error).__name__
    return ""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row-{row.number}")
def test_the_model_finds_what_was_mended(row: Row, staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lead(row.life, staging)  # with the fix, the life goes well
    row.was(monkeypatch)
    with pytest.raises(Untrue, match=row.signs):
        lead(row.life, staging)


@pytest.mark.parametrize("what", FOUND)
def test_what_the_model_found_stays_mended(what: str, staging: Path) -> None:
    lead(FOUND[what], staging)


def test_what_households_allow_and_grdf_said_is_what_is_stored(batch: tuple[int, int], staging: Path) -> None:
    number, lives = batch
    print(f"{lives} lives of seed {number}; again by: ./grdf test --lives {lives} --life-seed {number}")
    life, led = first_wrong(number, lives, staging)
    if life is not None:
        short = smaller(life, lambda each: how_wrong(each, staging))
        print(f"Number {led} went wrong.\n{told(short)}")
        lead(short, staging)
        pytest.fail(f"The same life went wrong before, and now it does not:\n{told(life)}")
