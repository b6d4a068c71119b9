"""``./grdf test`` runs every folder, fails if a test fails, and ends with a summary."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PASSING = "def test_one(): pass\n\n\ndef test_two(): pass\n"
WANTING = """
import pytest

def test_here(): pass

@pytest.mark.parametrize("number", [1, 2])
def test_of_redis(number): pytest.skip("Redis is not installed: apt-get install redis-server")

def test_elsewhere(): pytest.skip("another system")
"""
MIXED = "import pytest\n\ndef test_town(): pass\n\n@pytest.mark.stack\ndef test_stack(): pass\n"
FAILING = 'def test_wrong():\n    print("what it printed")\n    assert 1 == 2, "this is wrong"\n'
RUN = """
import sys
from tests.suite.__main__ import LEVELS, Path, Suite
levels = [each for each in LEVELS if "--all" in sys.argv or not each.only_all]
sys.exit(Suite(Path(sys.argv[1])).run(levels, 2))
"""


def run(project: Path, files: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    marks = "markers = ['stack']"
    (project / "pyproject.toml").write_text(
        f"[tool.pytest.ini_options]\naddopts = ['--import-mode=importlib']\n{marks}"
    )
    for name, text in files.items():
        file = project / "tests" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return subprocess.run(
        [sys.executable, "-c", RUN, str(project), *options], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize(("options", "more"), [((), []), (("--all",), ["compose 2 passed"])])
def test_each_level_is_a_line_and_all_are_one(tmp_path: Path, options: tuple[str, ...], more: list[str]) -> None:
    files = {
        "gas/test_a": PASSING, "any/test_b": WANTING, "other/test_c": PASSING, "promises/test_d": MIXED,
        "compose/test_e": PASSING,
    }  # fmt: skip
    done = run(tmp_path, files, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    _, *levels, last = done.stdout.splitlines()
    assert sorted(" ".join(line.split()[0:1] + line.split()[3:]) for line in levels) == sorted(
        ["pure 2 passed", "servers 3 passed, 3 skipped", "stack 1 passed", "towns 1 passed", *more]
    )
    assert last.partition(" s: ")[2] == (
        f"{7 + 2 * len(more)} passed; 2 skipped for want of redis-server; 1 skipped: another system; "
        "run 'apt-get install redis-server' as root for the whole suite"
    )


def test_what_fails_is_shown_whole(tmp_path: Path) -> None:
    files = {"gas/test_a": FAILING, "any/test_b": "import no_such_module\n", "model/test_c": "import os; os._exit(0)\n"}
    done = run(tmp_path, files)
    assert done.returncode == 1
    assert all(words in done.stdout for words in ("what it printed", "this is wrong", "no_such_module"))
    *_, counts, failed = done.stdout.splitlines()
    assert counts.partition(" s: ")[2] == "0 passed, 1 failed, 1 in error"
    assert sorted(failed.removeprefix("grdf: tests failed in: ").split(", ")) == ["pure", "servers", "towns"]
