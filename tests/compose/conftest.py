"""One installation for all tests of this folder, which change it in the order in which they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.sandbox.processes import Processes
from tests.compose.engine import Engine, engine_missing
from tests.compose.images import ROOT, build_images
from tests.compose.installation import Installation


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    if missing := engine_missing():
        told = f"docker compose is not tried: this machine lacks {missing}"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    with Processes() as processes:
        yield Engine(processes, ROOT / ".grdf" / "docker")


@pytest.fixture(scope="session")
def images(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    build_images(engine, tmp_path_factory.mktemp("images"))
    return engine


@pytest.fixture(scope="session")
def installation(images: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    here = Installation(images, folder)
    try:
        here.up()
        yield here
    finally:
        here.remove()
