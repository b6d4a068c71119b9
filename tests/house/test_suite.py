"""``./grdf test`` runs every folder, fails if a test fails, and ends with a summary."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite.groups import groups

ROOT = Path(__file__).resolve().parents[2]
PASSING = "def test_one(): pass\n\n\ndef test_two(): pass\n"
WANTING = """
import pytest

def test_here(): pass

@pytest.mark.parametrize("number", [1, 2])
def test_of_redis(number): pytest.skip("Redis is not installed: apt-get install redis-server")

def test_elsewhere(): pytest.skip("another system")
"""
FAILING = 'def test_wrong():\n    print("what it printed")\n    assert 1 == 2, "this is wrong"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A separate project without tests."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = ['--import-mode=importlib']\n")
    return tmp_path


def put(project: Path, **files: str) -> None:
    """Write test files, given as ``folder__name`` and their text."""
    for name, text in files.items():
        folder, _, file = name.partition("__")
        (project / "tests" / folder).mkdir(exist_ok=True)
        (project / "tests" / folder / f"test_{file}.py").write_text(text)


def run(project: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from tests.suite.__main__ import Path, Suite; sys.exit(Suite(Path(sys.argv[1]), 2).run())"
    return subprocess.run(
        [sys.executable, "-c", code, str(project)], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_every_test_file_is_in_one_group() -> None:
    files = {file.relative_to(ROOT).as_posix() for file in (ROOT / "tests").rglob("test_*.py")}
    run_by_groups = [path for group in groups(ROOT) for path in group.paths]
    assert sorted(run_by_groups) == sorted(files)
    assert {"tests/rights", "tests/gas"} <= {group.name for group in groups(ROOT)}


def test_what_passed_is_a_line_for_each_group_and_one_for_all(project: Path) -> None:
    put(project, one__a=PASSING, one__b=WANTING, two__c=PASSING)
    done = run(project)
    assert done.returncode == 0, done.stdout + done.stderr
    first, *told, last = done.stdout.splitlines()
    assert first.startswith("grdf: 2 groups of tests, 2 at a time")
    assert sorted(" ".join(line.split()[0:1] + line.split()[3:]) for line in told) == [
        "tests/one 3 passed, 3 skipped", "tests/two 2 passed",
    ]  # fmt: skip
    assert last.partition(" s: ")[2] == (
        "5 passed; 2 skipped for want of redis-server; 1 skipped: another system; "
        "run 'apt-get install redis-server' as root for the whole suite"
    )


def test_what_fails_is_shown_whole(project: Path) -> None:
    put(
        project, bad__a=FAILING, good__b=PASSING, worse__c="import no_such_module\n", gone__d="import os; os._exit(0)\n"
    )
    done = run(project)
    assert done.returncode == 1
    assert "what it printed" in done.stdout
    assert "this is wrong" in done.stdout
    assert "no_such_module" in done.stdout
    assert "3 passed" not in done.stdout
    *_, counts, failed = done.stdout.splitlines()
    assert counts.partition(" s: ")[2] == "2 passed, 1 failed, 1 error"
    assert sorted(failed.removeprefix("grdf: tests failed in: ").split(", ")) == [
        "tests/bad", "tests/gone", "tests/worse",
    ]  # fmt: skip
