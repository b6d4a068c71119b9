"""Lives of households with the project's code, compared with the truth on a page (``truth.py``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.leader import Life, lead
from tests.model.lives import any_life
from tests.model.rows import FOUND, ROWS, Was
from tests.model.truth import Untrue

NewTown = Callable[..., Any]


@pytest.mark.parametrize(("signs", "life", "was"), ROWS.values(), ids=ROWS)
def test_the_model_finds_what_was_mended(
    signs: str, life: Life, was: Was, new_town: NewTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead(life, new_town)  # with the fix, the life goes well
    was(monkeypatch)
    with pytest.raises(Untrue, match=signs):
        lead(life, new_town)


@pytest.mark.parametrize("what", FOUND)
def test_what_the_model_found_stays_mended(what: str, new_town: NewTown) -> None:
    lead(FOUND[what], new_town)


def test_what_households_allow_and_grdf_said_is_what_is_stored(batch: tuple[int, int], new_town: NewTown) -> None:
    number, lives = batch
    print(f"{lives} lives of seed {number}; again by: ./grdf test --lives {lives} --life-seed {number}")

    @seed(number)
    @settings(
        max_examples=lives, phases=[Phase.generate, Phase.shrink], database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(any_life)
    def led(life: Life) -> None:
        lead(life, new_town)

    led()
