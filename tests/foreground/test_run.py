"""``./grdf run``: what cron gets from one account, in the foreground, against GRDF's stand-in and CouchDB."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.databases import empty_database
from tests.helpers import known_account, lose, yesterday
from tests.stacks import Prepared

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def run(clean: LocalWorld, tmp_path: Path) -> Run:
    """Run the command as a process, in an Airflow home of its own without a database."""

    def ran(*arguments: str, typed: bool = False) -> tuple[int, dict[str, Any], str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__LOGGING")}
        known = clean.connections()
        if typed:  # into Airflow's forms, in place of its environment
            shutil.copyfile(empty_database(), tmp_path / "airflow.db")
            named = {name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(text) for name, text in known.items()}
            stack = Prepared(tmp_path, 0, {})
            stack.put_connections(named)
            env = {name: value for name, value in env.items() if name not in known}
            known = {
                name: stack.env[name] for name in ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__CORE__FERNET_KEY")
            }
        env |= known | {"AIRFLOW_HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "grdf.foreground", *arguments, "--json"],
            env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    return ran


def days(couchdb: CouchDBHook, account: str) -> list[dict[str, Any]]:
    return couchdb.range("com.grandlyon.grdf.day", f"{account}:", f"{account};")


def test_a_first_launch_and_a_day_with_nothing_new(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, run: Run
) -> None:
    known_account(clean, account_id, history=False)
    code, told, shown = run(account_id)
    assert (code, told["exit"], [step["outcome"] for step in told["steps"]]) == (0, 0, ["done"] * 4), shown
    load = told["steps"][-1]["result"]
    stored = days(couchdb, account_id)
    assert load["new"] == len(stored) > 300
    assert "load           done" in shown
    assert f"{len(stored)} new" in shown
    assert "outside of the Task Runner" not in shown

    code, told, shown = run(account_id)
    assert (code, told["steps"][-1]["result"]["new"]) == (0, 0)


def test_connections_that_were_typed_into_airflow(clean: LocalWorld, account_id: str, run: Run) -> None:
    known_account(clean, account_id)
    code, told, shown = run(account_id, typed=True)
    assert (code, [step["outcome"] for step in told["steps"]]) == (0, ["done"] * 4), shown


def test_a_past_range(clean: LocalWorld, account_id: str, couchdb: CouchDBHook, run: Run) -> None:
    known_account(clean, account_id)
    end = yesterday(clean) - timedelta(days=100)
    code, told, shown = run(account_id, "--from", str(end - timedelta(days=10)), "--to", str(end))
    assert (code, [step["task"] for step in told["steps"]]) == (0, ["acquire_token", "rescope_token", "read"]), shown
    assert len(days(couchdb, account_id)) == told["steps"][-1]["result"]["new"] == 10


def test_a_past_range_of_which_nothing_can_be_asked(clean: LocalWorld, account_id: str, run: Run) -> None:
    """Cron gets 3, and the text says why: these days are not over, or before what the household or GRDF allows."""
    today = yesterday(clean) + timedelta(days=1)
    begin = today - timedelta(days=200)
    (pce,) = known_account(clean, account_id, conso_debut=begin.isoformat())
    for first, days, why in (
        (today, 3, "are not over yet"),
        (begin - timedelta(days=9), 9, f"consent starts with {begin}"),
        (date(1, 1, 1), 1, "GRDF keeps 3 years"),
    ):
        code, told, shown = run(account_id, "--from", first.isoformat(), "--to", str(first + timedelta(days=days)))
        step = told["steps"][-1]
        assert (code, step["task"], step["outcome"], step["result"]["calls"]) == (3, "read", "skipped", 0), shown
        assert f"Account {account_id}: GRDF was asked for no day. Meter " in step["says"]
        assert why in step["says"]
        assert step["says"] in shown
        assert pce not in shown


def test_a_past_range_that_is_definitive_already(clean: LocalWorld, account_id: str, run: Run) -> None:
    known_account(clean, account_id)
    end = yesterday(clean) - timedelta(days=100)
    range_ = ("--from", str(end - timedelta(days=5)), "--to", str(end))
    assert run(account_id, *range_)[0] == 0
    code, told, _ = run(account_id, *range_)
    assert (code, told["steps"][-1]["outcome"]) == (3, "skipped")
    assert "all 5 days that can be asked for are stored as definitive" in told["steps"][-1]["says"]
    later = ("--from", str(end - timedelta(days=5)), "--to", str(end + timedelta(days=400)))  # a part can be asked
    code, told, _ = run(account_id, *later)
    assert (code, told["steps"][-1]["result"]["calls"]) == (0, 1)


def test_a_household_that_must_consent_again(clean: LocalWorld, account_id: str, run: Run) -> None:
    (pce,) = known_account(clean, account_id)
    lose(clean, pce)
    code, told, shown = run(account_id, "--no-wait")
    assert code in (1, 3)
    assert "consent" in told["steps"][-1]["says"]
    assert pce not in shown


def test_grdf_that_does_not_answer_now(clean: LocalWorld, account_id: str, run: Run) -> None:
    known_account(clean, account_id)
    clean.control.fault("/donnees_consos", status=503, times=None)
    code, told, _ = run(account_id, "--no-wait")
    assert (code, told["steps"][-1]["task"], told["steps"][-1]["outcome"]) == (4, "extract", "later")


def test_an_account_that_is_not_there(run: Run) -> None:
    code, told, shown = run("nobody-74700")
    assert (code, told["steps"][-1]["outcome"]) == (1, "failed")
    assert "Account nobody-74700: there is no such account" in shown


@pytest.mark.parametrize(
    "arguments",
    [["a", "--from", "2026-01-01"], ["a", "--from", "2026-02-01", "--to", "2026-02-01"], ["a", "--from", "x"]],
)
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    code, _, shown = run(*arguments)
    assert code == 2
    assert "usage: ./grdf run" in shown
