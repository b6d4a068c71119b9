"""Empty SQLite databases for the installed Airflow, created once per machine, because migrating takes ten seconds."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

KEPT = Path(__file__).resolve().parents[1] / ".grdf" / "airflow-test"
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


def empty_database(auth_manager: str | None = None) -> Path:
    package = "apache-airflow-providers-fab" if auth_manager == FAB else None
    made = KEPT / f"empty-{version('apache-airflow')}{f'-fab-{version(package)}' if package else ''}.db"
    made.parent.mkdir(parents=True, exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # groups of tests run in parallel
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=made.parent) as folder:
                draft = Path(folder) / "airflow.db"
                _migrate(draft, {"AIRFLOW__CORE__AUTH_MANAGER": auth_manager} if auth_manager else {})
                draft.replace(made)
    return made


def _migrate(draft: Path, settings: dict[str, str]) -> None:
    home = {"AIRFLOW_HOME": str(draft.parent), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{draft}"}
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    env = os.environ | home | settings
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=draft.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    with sqlite3.connect(draft) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
