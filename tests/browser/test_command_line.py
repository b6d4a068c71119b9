"""The commands in the README for use with ``./grdf up`` reach that Airflow."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from tests.browser.up import ROOT

if TYPE_CHECKING:
    from tests.browser.up import Up

DAG = "grdf_account__real-household"


def airflow(up: Up, *arguments: str) -> str:
    """Run ``./grdf airflow`` as a person does, without the environment variables of this test run."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [str(ROOT / "grdf"), "airflow", *arguments],
        env=inherited | {"AIRFLOW_HOME": str(up.home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_run_and_a_backfill_are_started(up: Up) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "./grdf airflow dags trigger grdf_published --conf" in readme
    airflow(up, "dags", "trigger", "grdf_published", "--conf", '{"accounts": ["real-household"]}')
    assert {"accounts": ["real-household"]} in [run["conf"] for run in up.runs("grdf_published")]
    assert "./grdf airflow backfill create --dag-id grdf_account__ID --from-date" in readme
    airflow(up, "backfill", "create", "--dag-id", DAG, "--from-date", "2026-03-01", "--to-date", "2026-03-02")
    assert "backfill" in [run["run_type"] for run in up.runs(DAG)]


def test_up_says_how(up: Up) -> None:
    said = (up.home.parent / "up.log").read_text(encoding="utf-8")
    assert re.search(rf"Command line   (AIRFLOW_HOME={up.home} )?\./grdf airflow", said)
    assert (up.home / "stack.env").stat().st_mode & 0o077 == 0
