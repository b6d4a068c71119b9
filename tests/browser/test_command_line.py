"""The commands of the documentation for use with ``./grdf up`` reach that Airflow."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.browser.up import ROOT

if TYPE_CHECKING:
    from tests.browser.up import Up

ACCOUNTS = ("real-household", "two-meters")  # which ``up`` connects
LOCKED = "database is locked"
"""What Airflow's commands say now and then on a busy machine with SQLite, as in ``./grdf up`` (tests/stacks.py)."""


def airflow(up: Up, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``./grdf airflow`` as a person does, without the environment variables of this test run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return subprocess.run(
        [str(ROOT / "grdf"), "airflow", *arguments],
        env=inherited | {"AIRFLOW_HOME": str(up.home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def one_works(up: Up, *commands: tuple[str, ...]) -> tuple[str, ...]:
    """Run commands until one of them does not find the database locked, and return that one, which must work."""
    for command in commands:
        done = airflow(up, *command)
        if LOCKED not in done.stderr + done.stdout:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    return command


def test_a_run_and_a_backfill_are_started(up: Up) -> None:
    page = (ROOT / "docs" / "past.md").read_text(encoding="utf-8")
    assert "./grdf airflow dags trigger grdf_published --conf" in page
    trigger = ("dags", "trigger", "grdf_published", "--conf", '{"accounts": ["real-household"]}')
    one_works(up, *[trigger] * 3)
    assert {"accounts": ["real-household"]} in [run["conf"] for run in up.runs("grdf_published")]
    assert "./grdf airflow backfill create --dag-id grdf_account__ID --from-date" in page
    # Each time another account's, since Airflow commits a backfill before its runs and then calls it already running.
    days = ("--from-date", "2026-03-01", "--to-date", "2026-03-02")
    backfills = [("backfill", "create", "--dag-id", f"grdf_account__{account}", *days) for account in ACCOUNTS]
    dag = one_works(up, *backfills)[3]
    assert "backfill" in [run["run_type"] for run in up.runs(dag)]


def test_up_says_how(up: Up) -> None:
    said = (up.home.parent / "up.log").read_text(encoding="utf-8")
    assert re.search(rf"Command line   (AIRFLOW_HOME={up.home} )?\./grdf airflow", said)
    assert (up.home / "stack.env").stat().st_mode & 0o077 == 0
