"""The wheel in an environment that knows nothing of this checkout: Airflow finds types, plugin and DAGs in it."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grdf import __version__
from include.sandbox.connect import AccountDocuments
from include.sandbox.local_world import LocalWorld
from tests.commands import commands
from tests.databases import empty_database

ROOT = Path(__file__).parents[2]
PAGE = commands(ROOT / "docs" / "install.md")
(INSTALL,) = PAGE["5,000 households: these too, in an Airflow of their own"]
_, SETTING = PAGE["An Airflow that you have"]
BUNDLES = SETTING.partition("=")[2].strip().strip("'")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = ("--no-deps", "--no-build-isolation", "--check-build-dependencies", "--no-index")  # by what is locked
    pip("wheel", *built, "--wheel-dir", str(folder), str(ROOT))
    (made,) = folder.iterdir()
    return made


def pip(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_has_one_package_and_the_plugin_and_every_file(wheel: Path) -> None:
    """A package called ``include`` would hide the folder of that name in the project that installs the wheel."""
    assert wheel.name == f"airflow_provider_grdf-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    tops = {name.split("/")[0] for name in texts}
    assert tops == {"grdf", "grdf_plugin.py", f"airflow_provider_grdf-{__version__}.dist-info"}
    wrong = re.compile(rb"\binclude(\.gas|\.sandbox| import)")
    assert [name for name, text in texts.items() if name.endswith(".py") and wrong.search(text)] == []
    for folder, there in (("plugins/grdf", "grdf"), ("include/gas", "grdf/gas"), ("dags", "grdf/dags")):
        tracked = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", folder],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert {f"{there}{name.removeprefix(folder)}" for name in tracked.stdout.splitlines()} - texts.keys() == set()


Airflow = Callable[..., str]
THEIRS = """from airflow.sdk import DAG
from include.helper import NAME

with DAG(NAME, schedule=None):
    pass
"""


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    pip_there = f"'{sys.executable}' -I -m pip --disable-pip-version-check --python '{python}'"
    ours = f'pip() {{ {pip_there} "$@" --no-index; }}'
    packages, this = INSTALL.splitlines()  # the Dockerfile installs the packages by the same command
    assert "--require-hashes -r requirements.txt" in packages
    done = subprocess.run(
        ["bash", "-euc", f"{ours}\n{this}"], cwd=wheel.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (libraries,) = place.glob("lib/python3*/site-packages")
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "airflow_provider_grdf" not in package.name and not (libraries / package.name).exists():
            (libraries / package.name).symlink_to(package)
    return place


@pytest.fixture(scope="module")
def airflow(world: LocalWorld, installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    home = tmp_path_factory.mktemp("project")
    shutil.copyfile(empty_database(), home / "airflow.db")
    for name, text in {
        "include/__init__.py": "",
        "include/helper.py": "NAME = 'theirs'\n",
        "dags/a.py": THEIRS,
    }.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    prefix = f"wheel{secrets.token_hex(4)}/"
    AccountDocuments(world.couch.url, world.couch.user, world.couch.password, prefix).save(
        {"_id": "wheel-household", "account_type": "grdfgrandlyon"}
    )
    couch = json.loads(world.connections()["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON", "GRDF"))}
    env = inherited | {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(home),  # as Astro's images set it
        "AIRFLOW_CONN_COUCHDB": json.dumps(couch),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": BUNDLES,
    }

    def airflow(*arguments: str, run: tuple[str, str] = ("-m", "airflow"), **more: str) -> str:
        done = subprocess.run(
            [str(installed / "bin" / "python"), "-W", "ignore", *run, *arguments],
            env=env | more, cwd=home, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return airflow


def test_airflow_lists_the_provider_and_loads_the_plugin_without_a_plugins_folder(airflow: Airflow) -> None:
    providers, hooks, plugins = (
        json.loads(airflow(*command, "-o", "json"))
        for command in (("providers", "list"), ("providers", "hooks"), ("plugins",))
    )
    (found,) = [each for each in providers if "grdf" in each["package_name"]]
    assert (found["package_name"], found["version"]) == ("airflow-provider-grdf", __version__)
    kinds = {each["connection_type"]: each["package_name"] for each in hooks}
    assert {kinds[kind] for kind in ("grdf", "grdfdelete", "couchdb")} == {"airflow-provider-grdf"}
    (plugin,) = [each for each in plugins if each["name"] == "grdf"]
    assert "airflow-provider-grdf" in plugin["source"]


def test_airflow_lists_our_dags_and_those_of_the_project(airflow: Airflow) -> None:
    airflow("dags", "reserialize")
    listed = {each["dag_id"] for each in json.loads(airflow("dags", "list", "-o", "json"))}
    assert {"theirs", "grdf_account__wheel-household", "grdf_history", "grdf_delete_account"} <= listed
    assert "No data found" in airflow("dags", "list-import-errors")
    assert "usage: ./grdf doctor" in airflow("--help", run=("-m", "grdf.doctor"))
