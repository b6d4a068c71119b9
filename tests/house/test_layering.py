"""``./grdf check`` fails if a layering rule in pyproject.toml is broken. Each rule is tested on a small tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CLEAN = {
    "include/__init__.py": "",
    "include/gas/__init__.py": "import datetime\nimport jwt\n",
    "include/gas/answers/scan.py": "from include.gas.days import gas_day\nimport json, re, zoneinfo\n",
    "include/gas/days/gas_day.py": "",
    "include/sandbox/__init__.py": "import flask, os, requests\nfrom include.gas import days\n",
    "plugins/grdf/__init__.py": "",
    "plugins/grdf/hooks/couch_server.py": "from cloudant.client import CouchDB\nfrom include.gas.answers import scan\n",
    "plugins/grdf/operators/load.py": "import requests\nfrom grdf.hooks import couchdb\n",
    "dags/accounts.py": "from airflow.sdk import DAG\nfrom grdf.operators.load import Load\n",
}


def rooms() -> dict[str, str]:
    """All folders that pyproject.toml orders, as empty packages."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return {
        f"{place.replace('.', '/')}/{room}/__init__.py": ""
        for contract in settings["contracts"]
        for container in contract.get("containers", ())
        for place in (f"plugins/{container}" if container.startswith("grdf") else container,)
        for layer in contract["layers"]
        for room in layer.split(" : ")
    }


def lint(folder: Path, changes: dict[str, str]) -> subprocess.CompletedProcess[str]:
    for name, text in (rooms() | CLEAN | changes).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}:{folder}/plugins", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tree_as_designed_is_clean(tmp_path: Path) -> None:
    result = lint(tmp_path, {})
    assert result.returncode == 0, result.stdout
    assert "Contracts: 9 kept, 0 broken." in result.stdout


@pytest.mark.parametrize(
    ("rule", "file", "text"),
    [
        ("Imports run one way", "plugins/grdf/operators/load.py", "import dags.accounts"),
        ("Imports run one way", "include/gas/answers/scan.py", "from grdf.hooks import couchdb"),
        ("Folders of include.gas", "include/gas/days/gas_day.py", "from include.gas.answers import scan"),
        ("Folders of include.gas", "include/gas/another/__init__.py", ""),
        ("Folders of grdf import", "plugins/grdf/hooks/couchdb.py", "from grdf.operators import load"),
        ("Folders of grdf import", "plugins/grdf/another.py", ""),
        ("Folders of grdf.page", "plugins/grdf/page/html/chart.py", "from grdf.page import list"),
        ("Nothing imports in a circle", "include/gas/days/gas_day.py", "from include.gas.answers import scan"),
        ("include.gas imports no Airflow", "include/gas/days/gas_day.py", "from airflow.sdk import timezone"),
        ("include.gas imports no Airflow", "include/gas/days/gas_day.py", "def day():\n    from pathlib import Path"),
        ("include.gas imports no Airflow", "include/gas/days/gas_day.py", "from urllib.request import urlopen"),
        ("include.gas imports no Airflow", "include/gas/days/gas_day.py", "import include.clients"),
        ("Only tests and the command line", "dags/accounts.py", "import include.sandbox"),
        ("Only tests and the command line", "plugins/grdf/operators/load.py", "from include import sandbox"),
        ("Only tests and the command line", "plugins/grdf/operators/load.py", "import tests.conftest"),
        ("Only grdf.hooks.couch_server", "plugins/grdf/operators/load.py", "import cloudant"),
        ("Only grdf.hooks.couch_server", "include/sandbox/__init__.py", "import cloudant"),
        ("DAG files do no HTTP", "dags/accounts.py", "import requests"),
        ("DAG files do no HTTP", "dags/accounts.py", "import urllib.request"),
    ],
)
def test_each_rule_bites(tmp_path: Path, rule: str, file: str, text: str) -> None:
    result = lint(tmp_path, {"include/clients.py": "import requests\n", file: text})
    assert result.returncode != 0
    (broken,) = [line for line in result.stdout.splitlines() if line.startswith(rule) and " BROKEN" in line]
    assert broken


def test_the_linter_refuses_what_airflow_3_removed() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--no-cache", "-"],
        input="from airflow.operators.python import PythonOperator\n\nPythonOperator(task_id='a')\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "AIR3" in result.stdout
