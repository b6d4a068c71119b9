"""Lives of households with the project's code, compared with the truth on a page (``truth.py``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.model.leader import Life, Step, lead
from tests.model.lives import any_life

NewTown = Callable[..., Any]


def connect(account: str, *meters: int, back: int = 20, ahead: int = 400, calls: int = 400, more: str = "") -> Step:
    return ("connect", account, list(meters), "page", back, ahead, calls, more)


FOUND: dict[str, Life] = {
    "an id_token that was too old kept an account's other meters from being read": ("2026-04-20", [
        connect("alder", 0, 1), ("days", 1), ("revoke", 0, "alder", "TITULAIRE"), ("days", 1),
        ("between", "alder", ("connect", "alder", [0], "cozy", 20, 400, 400, "")),
    ]),
    "a right without daily data kept the last days of another one from being read": ("2026-01-03", [
        ("connect", "birch", [0], "page", 60, 400, 1100, "narrow"),
        ("connect", "birch", [0], "code", 60, 5, 400, "beside"),
    ]),
    "a day on which a household still lived there went to the next one, as its deletion had stopped": ("2026-04-20", [
        connect("alder", 0), ("leave", "alder", False, "revoke"), connect("alder", 0),
        ("meanwhile", 0, ("move", 0, "alder", "birch", "page")), ("days", 1),
    ]),
    "who came after a deletion had left nobody on the meter got the days before it": ("2026-04-20", [
        connect("alder", 0), ("leave", "alder", False, ""), connect("birch", 0),
    ]),
}  # fmt: skip
"""Lives that the model found by itself. They used to go wrong and now go well."""

FOUND |= {
    f"a monthly reading stored what belonged to who had come, after {after} requests": ("2026-04-20", [
        connect("alder", 0, back=300), ("days", 2), ("meanwhile", after, ("revoke", 0, "alder", "TITULAIRE")),
        ("meanwhile", after, connect("birch", 0, back=300, more="beside")), ("published",),
    ])
    for after in range(16)
}  # fmt: skip


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
