"""The seeds of lives."""

from __future__ import annotations

import random

import pytest

from tests.promises.conftest import new_town

__all__ = ["new_town"]

USUAL_SEED, USUAL_LIVES = 12, 60
"""Seeds used in every run of all tests. These are always the same lives, so that no run fails by chance."""
BATCH = 100


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "batch" not in metafunc.fixturenames:
        return
    lives, first = metafunc.config.getoption("lives"), metafunc.config.getoption("life_seed")
    if lives is None:
        batches = [(USUAL_SEED if first is None else first, USUAL_LIVES)]
    else:
        sizes = [min(BATCH, lives - at) for at in range(0, lives, BATCH)]
        seeds = random.SystemRandom()
        batches = [
            (first + number if first is not None else seeds.randrange(10**9), size)
            for number, size in enumerate(sizes)
        ]  # fmt: skip
    metafunc.parametrize("batch", batches, ids=[f"seed-{seed}" for seed, _ in batches])
