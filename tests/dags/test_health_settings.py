"""A wrong setting never stops the DAG that is to tell of it: ``grdf_health`` takes the default, the check names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dags.parsing import PARSE, ROOT, forked
from tests.forks import Forks

FILE = str(ROOT / "dags" / "grdf_health.py")


def health(parser: Forks, **settings: str) -> dict[str, Any]:
    """Return ``grdf_health`` and its task as Airflow keeps them."""
    env = {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in settings.items()}
    found = json.loads(forked(parser, PARSE, FILE, env=env))
    assert found["errors"] == {}
    dag: dict[str, Any] = found["dags"]["grdf_health"]["dag"]
    (task,) = dag["tasks"]
    return {"dag": dag, "task": task["__var"]}


@pytest.mark.parametrize("wrong", [{"retries": "three"}, {"retry_seconds": "10m"}])
def test_wrong_retries_become_the_defaults(parser: Forks, wrong: dict[str, str]) -> None:
    usual, task = health(parser)["task"], health(parser, **wrong)["task"]
    for field in ("retries", "retry_delay"):
        assert task[field] == usual[field]


def test_right_retries_count(parser: Forks) -> None:
    task = health(parser, retries="7", retry_seconds="30")["task"]
    assert (task["retries"], task["retry_delay"]) == (7, 30.0)
