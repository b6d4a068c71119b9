"""One installation for all tests of this folder, which change it in the order in which they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from include.sandbox.processes import Processes
from tests.compose.engine import ROOT, Engine, build_images, engine_missing
from tests.compose.installation import Installation


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if missing := engine_missing():
        reason = f"docker compose is not tried: this machine lacks {missing}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with Processes() as processes:
        engine = Engine(processes, ROOT / ".grdf" / "docker")
        build_images(engine, tmp_path_factory.mktemp("images"))
        yield engine


@pytest.fixture(scope="session")
def installation(images: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    here = Installation(images, tmp_path_factory.mktemp("installation"))
    try:
        here.up()
        yield here
    finally:
        here.remove()
