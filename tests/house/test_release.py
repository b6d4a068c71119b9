"""What is published with a tag: only a version that the code and the changelog know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.release_notes import notes

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = "# Changelog\n\n## 0.2.0 (2027-01-02)\n\n* New.\n\n### Page\n\n* Newer.\n\n## 0.1.0\n\n* First.\n"
CODE = '__version__ = "{}"\n'


def test_a_tag_that_is_not_the_code_s_version_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the tag is v0.3.0, but plugins/grdf/__init__.py says 0.2.0"):
        notes("v0.3.0", CHANGELOG, CODE.format("0.2.0"))


@pytest.mark.parametrize("changelog", ["# Changelog\n\n## Unreleased\n\n* New.\n", "## 0.3.0\n\n## 0.2.0\n\n* Old.\n"])
def test_a_version_of_which_nothing_is_said_is_refused(changelog: str) -> None:
    with pytest.raises(ValueError, match=r"no section '## 0.3.0 \(YYYY-MM-DD\)'"):
        notes("v0.3.0", changelog, CODE.format("0.3.0"))


def test_today_s_version_could_be_released() -> None:
    version = subprocess.run(
        [sys.executable, "-c", "import grdf; print(grdf.__version__)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    done = subprocess.run(
        [sys.executable, "-I", ROOT / "deploy" / "release_notes.py", f"v{version}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
