"""The script ``./grdf``: what it refuses, its commands' environment, and ``./grdf env``. Nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

ROOT = Path(__file__).parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]
FILES = ("grdf", "requirements-dev.txt", "airflow.env", ".env.example", "deploy/environment.py")
CLOSED = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_NO_CACHE_DIR": "1", "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    house = tmp_path / "a house"
    for name in FILES:
        (house / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(ROOT / name, house / name)
    return house


@pytest.fixture
def run(house: Path) -> Run:
    ours = ("AIRFLOW", "GRDF_", "PYTHON", "VIRTUAL_ENV")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(house / "grdf"), *arguments], env=inherited | variables,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("command", "pretends", "code", "said"),
    [
        ("dmeo", "", 2, "no command 'dmeo'"),
        ("test", "sys.version_info = (3, 10, 13)", 3, "needs Python 3.11, 3.12 or 3.13, found only: PYTHON (3.10)"),
        ("test", "sys.version_info = (3, 14, 0)", 3, "found only: PYTHON (3.14)"),
        ("test", "sys.modules['ensurepip'] = None", 3, "apt-get install python3-venv"),
        ("test", "", 4, "cannot reach the Python package index"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing(
    run: Run, house: Path, tmp_path: Path, command: str, pretends: str, code: int, said: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -c "import sys; {pretends}\n$3"\n')
    python.chmod(0o755)
    done = run(command, GRDF_PYTHON=str(python) if pretends else sys.executable, **CLOSED)
    *_, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (code, "")
    assert last.startswith("grdf: ")
    assert said.replace("PYTHON", str(python)) in last
    assert not (house / ".venv").exists()


def test_a_folder_that_is_not_ours_is_left_alone(run: Run, house: Path) -> None:
    kept = house / ".venv" / "somebody's file"
    kept.parent.mkdir()
    kept.touch()
    done = run("test", GRDF_PYTHON=sys.executable)
    assert (done.returncode, "was not created by ./grdf" in done.stderr, kept.exists()) == (4, True, True)


@pytest.fixture
def ready(house: Path) -> Path:
    binaries = house / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "airflow").write_text(
        '#!/bin/sh\necho "ARGS $*"; [ "$1" != db ] || : >"$AIRFLOW_HOME/airflow.db"; env\n'
    )
    (binaries / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for script in binaries.iterdir():
        script.chmod(0o755)
    lock = (house / "requirements-dev.txt").read_bytes()
    lock_sum = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode().strip()
    stamp = (lock_sum, "{}.{}".format(*sys.version_info), sys.executable, str(house / ".venv"), "")
    (house / ".venv" / ".grdf-ready").write_text("\n".join(stamp))
    return house


def variables(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


KEPT = '{"host": "127.0.0.1", "password": "a $(b) `c` \'d\' = e"}'


def test_a_command_gets_the_project_s_environment_but_for_what_the_caller_has_set(run: Run, ready: Path) -> None:
    done = run("airflow", "version", "an argument")
    assert (done.stdout.partition("\n")[0], done.stderr) == ("ARGS version an argument", "")
    env = variables(done)
    assert env.items() >= {
        "PYTHONPATH": f"{ready}:{ready}/plugins", "AIRFLOW_HOME": f"{ready}/.grdf/airflow",
        "AIRFLOW__CORE__DAGS_FOLDER": f"{ready}/dags", "AIRFLOW__CORE__PLUGINS_FOLDER": f"{ready}/plugins",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }.items()  # fmt: skip
    assert env["PATH"].startswith(f"{ready}/.venv/bin:")
    mine = {
        "AIRFLOW_HOME": str(ready / "home"), "AIRFLOW__CORE__DAGS_FOLDER": "",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "True", "AIRFLOW_CONN_COUCHDB": KEPT,
    }  # fmt: skip
    env = variables(run("airflow", "version", **mine, AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST_CMD="echo []"))
    assert mine.items() <= env.items()
    assert "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST" not in env


def test_the_database_is_prepared_once(run: Run, ready: Path) -> None:
    first, second = run("airflow", "dags", "list"), run("airflow", "dags", "list")
    assert "preparing Airflow's database" in first.stderr
    assert (second.stderr, second.stdout.partition("\n")[0]) == ("", "ARGS dags list")
    assert (ready / ".grdf/airflow/.grdf-migrate.log").read_text().startswith("ARGS db migrate\n")


def test_airflow_is_that_of_up_unless_the_caller_names_one(run: Run, ready: Path) -> None:
    home = ready / ".grdf" / "up" / "airflow"
    home.mkdir(parents=True)
    left = {
        "AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10", "AIRFLOW_CONN_COUCHDB": KEPT,
    }  # fmt: skip
    (home / "stack.env").write_text("".join(f"{name}={value}\n" for name, value in left.items()))
    done = run("airflow", "dags", "trigger", "grdf_published")
    assert done.stderr == f"grdf: using the Airflow of ./grdf up in {home}\n"
    assert done.stdout.startswith("ARGS dags trigger grdf_published\n"), "nothing else was called, no migration"
    assert (left | {"AIRFLOW__CORE__DAGS_FOLDER": f"{ready}/dags"}).items() <= variables(done).items()
    for name, value in (
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://nowhere/airflow"),
        ("AIRFLOW_HOME", str(ready / "home")), ("AIRFLOW_CONFIG", str(ready / "airflow.cfg")),
    ):  # fmt: skip
        env = variables(run("airflow", "version", **{name: value}))
        assert (env[name], "AIRFLOW_CONN_COUCHDB" in env, env["AIRFLOW_HOME"] == str(home)) == (value, False, False)


YOURS = {
    *("GRDF_CLIENT_ID", "GRDF_CLIENT_SECRET", "GRDF_DELETE_CLIENT_ID", "GRDF_DELETE_CLIENT_SECRET"),
    "GRDF_REDIRECT_URI",
}


def test_a_new_form_has_all_secrets_that_can_be_made_and_is_its_owner_s_alone(house: Path) -> None:
    def lines(text: str) -> dict[str, str]:
        return dict(re.findall(r"(?m)^([A-Z_]+)=(.*)$", text))

    forms = []
    for _ in range(2):
        env, command = {"PATH": "/usr/bin:/bin"}, f"'{house}/grdf' env > '{house}/.env'"
        subprocess.run(["sh", "-c", command], env=env, capture_output=True, check=True, timeout=60)
        forms.append(lines((house / ".env").read_text(encoding="utf-8")))
    one, two = forms
    made = {
        name: value for name, value in one.items()
        if re.search("PASSWORD|SECRET|(?<!TLS)_KEY", name) and name not in YOURS
    }  # fmt: skip
    assert len(made) == len({*made.values()}) == 8
    assert all(len(value) >= 32 and value != two[name] for name, value in made.items())
    assert all(value.isalnum() for name, value in made.items() if name.endswith("PASSWORD")), "a part of addresses"
    Fernet(one["FERNET_KEY"].encode())
    assert one.keys() == lines((ROOT / ".env.example").read_text()).keys()
    assert {one[name] for name in YOURS} == {""}
    assert (house / ".env").stat().st_mode & 0o777 == 0o600
