"""Fixtures for lives: the installed parts of the world, and the seeds to use."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model import tasks

USUAL_SEED, USUAL_LIVES = 12, 100
"""Seeds used in every run of all tests. These are always the same lives, so that no run fails by chance."""
BATCH = 100
"""Number of lives per seed."""


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


@pytest.fixture
def staging() -> Iterator[Path]:
    """Put the project's code into an in-memory world, and return the folder for staged answers."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="grdf-lives-", dir=place) as folder, pytest.MonkeyPatch.context() as patch:
        for name, value in tasks.environment(Path(folder) / "staging").items():
            patch.setenv(name, value)
        with tasks.installed():
            yield Path(folder) / "staging"
