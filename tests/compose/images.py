"""The images of the tests: the project's own, servers of others, and GRDF's stand-in."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from include.sandbox.couch.node import install_node_modules
from tests.compose.base import have_base
from tests.compose.engine import Engine

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "images"

AIRFLOW = "grdf-test-airflow"
SERVERS = "grdf-test-servers"
GRDF = "grdf-test-grdf"

SANDBOX_PACKAGES = ("authlib", "joserfc", "waitress")
"""What the sandbox imports and the project's image does not have."""


def build_images(engine: Engine, folder: Path) -> None:
    """Build all three; what has not changed comes from the engine's cache.

    :param folder: an empty one, for what is sent to the builds
    """
    have_base(engine)
    engine.build(AIRFLOW, ROOT)
    servers = folder / "servers"
    shutil.copytree(HERE / "servers", servers)
    couch = ROOT / "include" / "sandbox" / "couch"
    shutil.copytree(couch, servers / "couch", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copytree(install_node_modules() / "node_modules", servers / "couch" / "node_modules", symlinks=True)
    engine.build(SERVERS, servers)
    grdf = folder / "grdf"
    shutil.copytree(HERE / "grdf", grdf)
    shutil.copytree(ROOT / "include", grdf / "include", ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    (grdf / "requirements.txt").write_text(_locked(*SANDBOX_PACKAGES), encoding="utf-8")
    engine.build(GRDF, grdf, arguments=[f"AIRFLOW={AIRFLOW}"])


def _locked(*packages: str) -> str:
    """Return the lines of the lock for some packages, with their hashes."""
    lock = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")
    found = [re.search(rf"(?m)^{name}==(?:.*\\\n)*.*\n", lock) for name in packages]
    assert all(found), "the lock has all of them"
    return "".join(each[0] for each in found if each)
