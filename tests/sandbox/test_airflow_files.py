"""What the local Airflow's files and messages give away, above all of a database with a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.processes import ProcessError

PASSWORD = "pass-Word-9"


def test_files_that_were_there_are_the_owner_s_alone(tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    names = ("passwords.json", "stack-secrets.json", "stack.env")
    for name in names:
        (home / name).write_text("{}")
        (home / name).chmod(0o644)
    AirflowStack(home, 0, {}).keep_environment()
    assert {path.name: path.stat().st_mode & 0o777 for path in home.iterdir()} == dict.fromkeys(names, 0o600)
    assert home.stat().st_mode & 0o777 == 0o700


def test_a_database_that_cannot_be_used_is_told_without_its_password(tmp_path: Path) -> None:
    """Its driver takes a password with an "@" for the host, and quotes it."""
    url = f"postgresql+psycopg://u:a@{PASSWORD}@127.0.0.1:1/x"
    env = {f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{kind}": url for kind in ("", "_ASYNC")}
    with pytest.raises(ProcessError, match="database could not be prepared") as caught:
        AirflowStack(tmp_path, 0, env).migrate()
    assert "failed to resolve host" in str(caught.value)
    assert PASSWORD not in str(caught.value)
