"""Somebody else's Airflow, with and without this project: there is no difference but what belongs to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.databases import empty_database

HOUSE = Path(__file__).parent / "house"
ROOT = Path(__file__).resolve().parents[2]
MODES = ("with", "without")


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    homes = {mode: tmp_path_factory.mktemp(mode) for mode in MODES}

    def look(mode: str) -> Any:
        home = homes[mode]
        shutil.copyfile(empty_database(), home / "airflow.db")
        env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        env |= {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(HOUSE / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(HOUSE / "plugins"),
            "AIRFLOW__CORE__FERNET_KEY": os.environ["AIRFLOW__CORE__FERNET_KEY"],
            "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of somebody else's Airflow",
            "AIRFLOW_CONN_THEIRS": json.dumps(
                {"conn_type": "http", "host": "127.0.0.1", "port": 9, "password": "their-word"}
            ),
            "PYTHONPATH": str(ROOT) if mode == "without" else os.pathsep.join((str(ROOT), str(ROOT / "plugins"))),
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.guest.probe", mode],
            env=env, cwd=home, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        (line,) = [each for each in done.stdout.splitlines() if each.startswith("SEEN ")] or [done.stderr[-5000:]]
        assert line.startswith("SEEN "), line
        return json.loads(line.removeprefix("SEEN "))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MODES, pool.map(look, MODES), strict=True))


@pytest.mark.parametrize("what", ["requests", "parts", "log lines", "loggers"])
def test_nothing_of_theirs_is_different(looks: dict[str, Any], what: str) -> None:
    assert looks["with"][what] == looks["without"][what]


def test_it_was_looked_at(looks: dict[str, Any]) -> None:
    there, gone = looks["with"], looks["without"]
    assert (there["ours"], gone["ours"]) == (401, 200), "Airflow's UI itself answers for a page that is not there"
    answers = there["requests"]
    assert answers["their test  /x/connections/test"] == [200, {"bytes": 2_000_000}, 0]
    assert answers["websocket"]["query"].startswith("token=abc&state=s")
    assert [answers[f"{test} admin /api/v2/connections/test"][0] for test in ("Enabled", "Disabled")] == [200, 403]
    assert answers["write admin"] == [404, 1], "who asks is found out once"
    assert any("barcode=1" in line for line in answers["access log"])
    assert any("/api/v2/variables/team=a" in line for line in answers["access log"])
    assert there["log lines"].count("GET /orders/12345678901234?invoice=12345678901234") == 5
