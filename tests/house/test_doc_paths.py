"""The files and modules that the documentation names exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"(?<![\w/.:<])(?:dags|plugins|include|tests|docs|\.ci)/[\w./*{},-]*\w[*/]?")
MODULE = re.compile(r"(?<![\w/.-])(?:grdf|include\.gas)(?:\.[a-z_]+)+(?![\w/.-])")


def named(page: Path) -> Iterator[str]:
    """Return the files and modules that a page names in backticks."""
    for code in CODE.findall(page.read_text(encoding="utf-8")):
        yield from FILE.findall(code)
        yield from MODULE.findall(code)


def exists(name: str) -> bool:
    if "/" in name:
        return any(ROOT.glob(name.rstrip("/")))
    path = ROOT / ("plugins" if name.startswith("grdf.") else "")
    for part in name.split("."):
        if (path / f"{part}.py").is_file():
            return True  # what follows is a name in the module
        path /= part
    return path.is_dir()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_everything_named_is_there(page: Path) -> None:
    assert [name for name in sorted(set(named(page))) if not exists(name)] == []
