"""A wrong setting never stops the DAG that is to tell of it: ``grdf_health`` takes the default, the check names it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.dags.parsing import PARSE, ROOT, forked, run_python
from tests.forks import Forks

FILE = str(ROOT / "dags" / "grdf_health.py")
READ_AND_PARSE = """
import json, runpy, sys
from grdf.settings import SETTINGS
from include.gas.errors import BadSettings
runpy.run_path(sys.argv[1])
try:
    SETTINGS[sys.argv[2]]()
    said = ""
except BadSettings as error:
    said = str(error)
print("RESULT" + json.dumps(said))
"""


def health(parser: Forks, **settings: str) -> dict[str, Any]:
    """Return ``grdf_health`` and its task as Airflow keeps them."""
    env = {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in settings.items()}
    found = json.loads(forked(parser, PARSE, FILE, env=env))
    assert found["errors"] == {}
    dag: dict[str, Any] = found["dags"]["grdf_health"]["dag"]
    (task,) = dag["tasks"]
    return {"dag": dag, "task": task["__var"]}


def test_a_run_that_does_not_end_is_red_before_the_next_day_s(parser: Forks) -> None:
    """In a missing pool its task never starts. It must also end on the day in March that has 23 hours."""
    dag = health(parser)["dag"]
    assert dag["dagrun_timeout"] == timedelta(hours=23).total_seconds()
    assert dag["max_active_runs"] == 1, "the next one could not begin before"


def test_right_retries_count(parser: Forks) -> None:
    task = health(parser, retries="7", retry_seconds="30")["task"]
    assert (task["retries"], task["retry_delay"]) == (7, 30.0)


@pytest.mark.parametrize("line", ["retries = 3%", "first_hour = 8 %"])
def test_a_lone_percent_sign_in_airflow_cfg_is_a_wrong_setting(tmp_path: Path, line: str) -> None:
    """Airflow's parser raises an error of its own for it."""
    name = line.partition(" ")[0]
    (tmp_path / "airflow.cfg").write_text(f"[grdf]\n{line}\n")
    env = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONFIG": str(tmp_path / "airflow.cfg")}
    said = json.loads(run_python(READ_AND_PARSE, FILE, name, env=env))
    assert f"[grdf] {name} cannot be read" in said
    assert "%%" in said
