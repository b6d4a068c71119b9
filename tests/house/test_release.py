"""What is published with a tag: only a version that code and changelog know. And what development adds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deploy.release_notes import main, notes
from grdf import __version__

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = "# Changelog\n\n## 0.2.0 (2027-01-02)\n\n* New.\n\n### Page\n\n* Newer.\n\n## 0.1.0\n\n* First.\n"


def test_the_notes_are_what_the_changelog_says_of_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert notes("v0.2.0", CHANGELOG, '__version__ = "0.2.0"\n') == "* New.\n\n### Page\n\n* Newer.\n"
    assert main([f"v{__version__}"]) == 0, "today's version could be released"
    assert main(["v99.0.0"]) == 1
    assert capsys.readouterr().out, "the notes"


@pytest.mark.parametrize(
    ("tag", "changelog", "refused"),
    [
        ("v0.3.0", CHANGELOG, "0.2.0"), ("v0.2.0", "# Changelog\n\n## Unreleased\n\n* New.\n", "no section"),
        ("v0.2.0", "## 0.2.0\n\n## 0.1.0\n\n* Old.\n", "no section"),
    ],
)  # fmt: skip
def test_nothing_else_is_released(tag: str, changelog: str, refused: str) -> None:
    with pytest.raises(ValueError, match=refused):
        notes(tag, changelog, '__version__ = "0.2.0"\n')


def test_airflow_loads_nothing_here_that_production_lacks() -> None:
    """A tool for development can slow Airflow down: one made each of its processes parse a grammar for 0.7 s."""
    code = "import json, sys; import airflow.sdk; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=600)
    loaded, brought_by = set(json.loads(done.stdout.splitlines()[-1])), packages_distributions()
    packages = {re.sub(r"[._]", "-", name).lower() for module in loaded for name in brought_by.get(module, ())}
    production = {*re.findall(r"(?m)^([a-z0-9-]+)[\[=]", (ROOT / "requirements.txt").read_text())}
    assert {"apache-airflow-core"} <= packages <= production | {"coverage"}  # which measures this
