"""The script ``./grdf``: its messages, what it refuses, and the environment of its commands. Nothing is installed here.

The script runs in a copy whose folder has a space in its name. Where a test needs a different Python, a small shell
script changes what the real one reports.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the parts of the project that the script needs."""
    house = tmp_path / "a house"
    house.mkdir()
    for name in ("grdf", "requirements-dev.txt", "airflow.env"):
        shutil.copy(ROOT / name, house)
    return house


@pytest.fixture
def run(house: Path) -> Run:
    """Run the copy's ``./grdf``, without the variables that this test run got from ``./grdf test``."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "GRDF_", "PYTHON", "VIRTUAL_ENV"))
    }

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(house / "grdf"), *arguments],
            env=inherited | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def pretending(folder: Path, statement: str) -> str:
    """A Python that runs ``statement`` before the program passed with ``-c``."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -c "{statement}\n$3"\n')
    python.chmod(0o755)
    return str(python)


def only_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("grdf: ")
    return line


def test_help_lists_every_command(run: Run) -> None:
    result = run("help")
    assert result.returncode == 0
    for command in ("demo", "test", "up", "sandbox", "airflow", "check", "bench"):
        assert f"\n  {command} " in result.stdout


def test_unknown_command(run: Run) -> None:
    result = run("dmeo")
    assert result.returncode == 2
    assert "no command 'dmeo'" in only_line(result)


@pytest.mark.parametrize("version", ["(2, 7, 18)", "(3, 10, 13)", "(3, 14, 0)"])
def test_wrong_python(run: Run, house: Path, version: str) -> None:
    python = pretending(house, f"import sys; sys.version_info = {version}")
    result = run("test", GRDF_PYTHON=python)
    assert result.returncode == 3
    major, minor, _ = version.strip("()").split(", ")
    assert f"needs Python 3.11, 3.12 or 3.13, found only: {python} ({major}.{minor})" in only_line(result)
    assert not (house / ".venv").exists()


def test_python_without_venv_names_the_package(run: Run, house: Path) -> None:
    python = pretending(house, "import sys; sys.modules['ensurepip'] = None")
    result = run("test", GRDF_PYTHON=python)
    assert result.returncode == 3
    assert "run 'apt-get install python3-venv'" in only_line(result)


def test_no_network_leaves_nothing(run: Run, house: Path) -> None:
    # Port 9 (discard) on loopback refuses connections at once.
    closed = "http://127.0.0.1:9/simple"
    result = run(
        "test", GRDF_PYTHON=sys.executable, PIP_INDEX_URL=closed, PIP_NO_CACHE_DIR="1", PIP_CONFIG_FILE=os.devnull
    )
    assert result.returncode == 4, result.stderr
    assert "cannot reach the Python package index" in result.stderr.splitlines()[-1]
    assert not (house / ".venv").exists()


def test_a_folder_that_is_not_ours_is_left_alone(run: Run, house: Path) -> None:
    kept = house / ".venv" / "somebody's file"
    kept.parent.mkdir()
    kept.touch()
    result = run("test", GRDF_PYTHON=sys.executable)
    assert result.returncode == 4
    assert "was not created by ./grdf" in only_line(result)
    assert kept.exists()


@pytest.fixture
def ready(house: Path) -> Path:
    """An environment that looks complete. Its ``airflow`` and ``python -m`` print their arguments."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    binaries = house / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "airflow").write_text(
        '#!/bin/sh\necho "ARGS $*"; [ "$1" != db ] || : >"$AIRFLOW_HOME/airflow.db"; env\n'
    )
    (binaries / "python").write_text(
        f'#!/bin/sh\ncase $1 in -I) exec "{sys.executable}" "$@" ;; esac\necho "ARGS $*"; pwd; env\n'
    )
    for script in binaries.iterdir():
        script.chmod(0o755)
    lock = (house / "requirements-dev.txt").read_bytes()
    lock_sum = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode().strip()
    stamp = [lock_sum, version, sys.executable, str(house / ".venv")]
    (house / ".venv" / ".grdf-ready").write_text("\n".join(stamp) + "\n")
    return house


def variables(result: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert result.returncode == 0, result.stderr
    return dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)


def test_a_command_gets_the_project_environment(run: Run, ready: Path) -> None:
    result = run("airflow", "version", "an argument")
    assert result.stdout.startswith("ARGS version an argument\n")
    assert result.stderr == ""
    env = variables(result)
    assert env["PYTHONPATH"] == f"{ready}:{ready}/plugins"
    assert env["AIRFLOW_HOME"] == f"{ready}/.grdf/airflow"
    assert env["AIRFLOW__CORE__DAGS_FOLDER"] == f"{ready}/dags"
    assert env["AIRFLOW__CORE__PLUGINS_FOLDER"] == f"{ready}/plugins"
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert env["PATH"].startswith(f"{ready}/.venv/bin:")


def test_what_the_caller_set_wins(run: Run, ready: Path, tmp_path: Path) -> None:
    mine = {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": "",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "True",
        "AIRFLOW_CONN_COUCHDB": '{"password": "a $(b) `c` \'d\'"}',
    }
    env = variables(run("airflow", "version", **mine, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST_CMD="echo []"))
    assert {name: env[name] for name in mine} == mine
    assert "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST" not in env


def test_the_database_is_prepared_once(run: Run, ready: Path) -> None:
    first, second = run("airflow", "dags", "list"), run("airflow", "dags", "list")
    assert "preparing Airflow's database" in only_line_of(first.stderr)
    assert second.stderr == ""
    assert second.stdout.startswith("ARGS dags list\n")
    log = ready / ".grdf" / "airflow" / ".grdf-migrate.log"
    assert log.read_text().startswith("ARGS db migrate\n")


@pytest.fixture
def stack(ready: Path) -> Path:
    """The files that ``./grdf up`` leaves for its Airflow."""
    home = ready / ".grdf" / "up" / "airflow"
    home.mkdir(parents=True)
    lines = {
        "AIRFLOW_HOME": home,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW_CONN_COUCHDB": KEPT,
    }
    (home / "stack.env").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
    return home


KEPT = '{"host": "127.0.0.1", "password": "a $(b) `c` \'d\' = e"}'


def test_airflow_is_that_of_up(run: Run, ready: Path, stack: Path) -> None:
    result = run("airflow", "dags", "trigger", "grdf_published")
    assert only_line_of(result.stderr) == f"grdf: using the Airflow of ./grdf up in {stack}"
    assert result.stdout.startswith("ARGS dags trigger grdf_published\n"), "nothing else was called, no migration"
    env = variables(result)
    assert env["AIRFLOW_HOME"] == str(stack)
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == f"sqlite:///{stack}/airflow.db?timeout=60"
    assert env["AIRFLOW_CONN_COUCHDB"] == KEPT
    assert env["AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL"] == "10"
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert env["AIRFLOW__CORE__DAGS_FOLDER"] == f"{ready}/dags"
    assert env["PYTHONPATH"] == f"{ready}:{ready}/plugins"


def test_airflow_is_the_callers_where_he_names_one(run: Run, stack: Path, tmp_path: Path) -> None:
    for mine in (
        {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://nowhere/airflow"},
        {"AIRFLOW_HOME": str(tmp_path / "home")},
        {"AIRFLOW_CONFIG": str(tmp_path / "airflow.cfg")},
    ):
        result = run("airflow", "version", **mine)
        env = variables(result)
        assert mine.items() <= env.items()
        assert (result.stderr, "AIRFLOW_CONN_COUCHDB" in env) == ("", False)
        assert env["AIRFLOW_HOME"] != str(stack)


def only_line_of(text: str) -> str:
    (line,) = text.splitlines()
    return line
