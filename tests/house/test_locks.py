"""The lock files are complete, have hashes, contain no addresses, and agree with each other."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.txt", "requirements-dev.txt", "deploy/requirements-build.txt"]


def entries(lock: str) -> dict[str, str]:
    """Return a lock's entries with their hashes, by ``name==version ; marker``.

    A package may occur twice, with versions for different Pythons.
    """
    text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {block.split(" \\\n")[0].strip(): block for block in blocks}


def wanted(source: str) -> set[str]:
    names = re.findall(r"^([a-z][a-z0-9-]*)", (ROOT / source).read_text(), flags=re.MULTILINE)
    return set(names)


@pytest.mark.parametrize("lock", LOCKS)
def test_no_address_and_no_option(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert not re.search(r"^-", text, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_asked_for_is_locked(lock: str) -> None:
    locked = {re.split(r"[\[=]", head)[0] for head in entries(lock)}
    assert wanted(lock.removesuffix("txt") + "in") <= locked


def test_development_runs_on_the_versions_of_production() -> None:
    production, development = entries("requirements.txt"), entries("requirements-dev.txt")
    assert {without_marker(head) for head in production} <= {without_marker(head) for head in development}


def test_airflow_loads_nothing_here_that_production_lacks() -> None:
    """A tool for development can slow Airflow down: one made each of its processes parse a grammar for 0.7 s."""
    code = "import json, sys; import airflow.sdk; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=600)
    loaded, brought_by = set(json.loads(done.stdout.splitlines()[-1])), packages_distributions()
    packages = {re.sub(r"[._]", "-", name).lower() for module in loaded for name in brought_by.get(module, ())}
    production = {re.split(r"[\[=]", head)[0] for head in entries("requirements.txt")}
    assert {"apache-airflow-core", "jsonschema"} <= packages
    assert packages <= production, packages - production


def without_marker(head: str) -> str:
    return re.sub(r"\[.*\]", "", head.split(" ;")[0])
