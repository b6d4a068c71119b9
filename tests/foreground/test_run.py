"""``./grdf run``: what cron gets from one account, in the foreground, against GRDF's stand-in and CouchDB."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grdf import foreground
from grdf.hooks.couchdb import CouchDBHook
from include.gas.documents.doctypes import DAY
from include.sandbox.airflow_stack import AirflowStack
from include.sandbox.local_world import LocalWorld
from tests.databases import empty_database
from tests.helpers import known_account, lose, yesterday

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(clean: LocalWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", f"sqlite:///{tmp_path / 'airflow.db'}")
    monkeypatch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "WARNING")
    monkeypatch.setattr(foreground, "TOKENS", {})

    def ran(*arguments: str) -> tuple[int, dict[str, Any], str]:
        code = foreground.main([*arguments, "--json", "--no-wait"])
        said = capsys.readouterr()
        return code, json.loads(said.out), said.err

    return ran


def test_a_first_launch_and_a_day_with_nothing_new(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, run: Run
) -> None:
    known_account(clean, account_id, history=False)
    code, output, shown = run(account_id)
    assert (code, output["exit"], [step["outcome"] for step in output["steps"]]) == (0, 0, ["done"] * 4), shown
    stored = couchdb.range(DAY, f"{account_id}:", f"{account_id};")
    assert output["steps"][-1]["result"]["new"] == len(stored) > 300
    assert f"{len(stored)} new" in shown
    code, output, shown = run(account_id)
    assert (code, output["steps"][-1]["result"]["new"]) == (0, 0)


def test_connections_that_were_typed_into_airflow(clean: LocalWorld, account_id: str, tmp_path: Path) -> None:
    known_account(clean, account_id)
    known = clean.connections()
    shutil.copyfile(empty_database(), tmp_path / "airflow.db")
    stack = AirflowStack(tmp_path, 0, {})
    stack.put_connections({name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(known[name]) for name in known})
    env = {name: value for name, value in os.environ.items() if name not in known and "__LOGGING" not in name}
    env |= {name: stack.env[name] for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__FERNET_KEY")}
    command = [sys.executable, "-P", "-m", "grdf.foreground", account_id, "--json"]
    done = subprocess.run(
        command, env=env | {"AIRFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [step["outcome"] for step in json.loads(done.stdout)["steps"]] == ["done"] * 4
    assert "outside of the Task Runner" not in done.stderr


def test_a_past_range_is_read_once(clean: LocalWorld, account_id: str, run: Run) -> None:
    known_account(clean, account_id)
    end = yesterday(clean) - timedelta(days=100)
    range_ = ("--from", str(end - timedelta(days=10)), "--to", str(end))
    code, output, shown = run(account_id, *range_)
    assert (code, [step["task"] for step in output["steps"]]) == (0, ["acquire_token", "rescope_token", "read"]), shown
    assert output["steps"][-1]["result"]["new"] == 10
    code, output, _ = run(account_id, *range_)
    assert (code, output["steps"][-1]["outcome"]) == (3, "skipped")
    assert "all 10 days that can be asked for are stored as definitive" in output["steps"][-1]["says"]
    code, output, _ = run(account_id, *range_[:3], str(end + timedelta(days=400)))  # a part can be asked
    assert (code, output["steps"][-1]["result"]["calls"]) == (0, 1)


def test_what_fails_for_good_or_for_now(clean: LocalWorld, account_id: str, run: Run) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.fault("/donnees_consos", status=503, times=None)
    code, output, _ = run(account_id)
    assert (code, output["steps"][-1]["task"], output["steps"][-1]["outcome"]) == (4, "extract", "later")
    clean.control.set(faults=[])
    lose(clean, pce)
    code, output, shown = run(account_id)
    assert (code in (1, 3), "consent" in output["steps"][-1]["says"], pce in shown) == (True, True, False)
    code, output, shown = run("unknown-74700")
    assert (code, output["steps"][-1]["outcome"], "Account unknown-74700: " in shown) == (1, "failed", True)
