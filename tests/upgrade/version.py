"""A version of this project as somebody has installed it: its folders, the packages of its lock, its settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from include.sandbox.airflow_stack import AirflowStack

ROOT = Path(__file__).resolve().parents[2]
FIRST = "39fda69143e8de000250eccea146bbb0a8f5fbf5"
"""Before the first release: a version of November 2026, much of whose modules, settings and documents was different."""


def check_out(commit: str, folder: Path) -> None:
    """Put a former version into a folder, with an environment of its own.

    :param commit: what git knows it by
    :param folder: an empty folder
    """
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    # The links to environments and caches of the version that is tested would lead it there.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON", "GRDF_"))}
    done = subprocess.run(
        [folder / "grdf", "setup"], cwd=folder, env=env, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def settings_of(root: Path) -> dict[str, str]:
    """Return the settings of a version's ``airflow.env``."""
    lines = (root / "airflow.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Installation(AirflowStack):
    """An Airflow that runs one version of this project.

    :param root: the version's folder
    :param python: the interpreter of its environment
    :param home: Airflow's home, which stays at an upgrade
    :param env: connections and settings, which stay, too
    """

    def __init__(self, root: Path, python: str, home: Path, env: Mapping[str, str]) -> None:
        super().__init__(home, 0, {}, few=False)
        for name in settings_of(ROOT):
            self.env.pop(name, None)
        self.python = python
        self.env |= {
            **settings_of(root),
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (root, root / "plugins"))),
            "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1",
            **env,
        }


def former() -> str | None:
    """Return the version to upgrade from: the newest release before this commit, or the one that ``FIRST`` names.

    :return: a tag or commit; ``None`` if this clone does not have it
    """

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    asked = os.environ.get("GRDF_TEST_UPGRADE_FROM", "")
    released = git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^")
    return git("rev-parse", "--verify", "--quiet", f"{asked or released or FIRST}^{{commit}}") or None
