"""The README's first command, as somebody types it after cloning: it must end well, twice."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.commands import commands
from tests.helpers import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
(TRY,) = commands(ROOT / "README.md")["Try it"]


def typed() -> str:
    (command,) = re.findall(r"(?m)^\./grdf demo\b", TRY)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "GRDF_", "PYTHON"))}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_it_says_that_all_is_as_grdf_says_and_finds_nothing_new_again() -> None:
    first = typed()
    assert "VERDICT: all stored figures are what GRDF says they should be" in first
    assert {"real-household", "two-meters", "consent-revoked"} <= set(re.findall(r"(?m)^[\w-]+", first))
    again = typed()
    assert "VERDICT: all stored figures are what GRDF says they should be" in again
    assert re.search("Nothing changed: the DAGs ran again|as GRDF has published more", again)
