"""``./grdf docs``: the documentation as a site. Links that lead nowhere, and pages that nothing leads to, stop it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A copy of what the site is made of."""
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


def built(docs: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(docs / "site")]
    return subprocess.run(command, cwd=docs, capture_output=True, text=True, check=False, timeout=300)


def test_it_is_built_and_loads_nothing_from_elsewhere(docs: Path) -> None:
    done = built(docs)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((docs / "site").rglob("*.html"))
    assert len(pages) >= len(list((docs / "docs").glob("*.md")))
    loaded = re.compile(r'<(?:script|img|iframe)[^>]*src="https?://|<link[^>]*rel="stylesheet"[^>]*href="https?://')
    assert [page.name for page in pages if loaded.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("text", ["[x](nowhere.md)", "[x](install.md#nowhere)", "![x](nowhere.png)"])
def test_a_link_that_leads_nowhere_stops_it(docs: Path, text: str) -> None:
    with (docs / "docs" / "past.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{text}\n")
    assert built(docs).returncode != 0
