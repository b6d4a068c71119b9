"""Which tests run together in one process: a folder's, or a file that asks for a process of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ALONE = re.compile(r"^RUNS_ALONE = True\b", re.MULTILINE)
"""The line by which a test file asks for it: most of its time goes into an Airflow that its folder does not share."""

LONG = (
    "compose",
    "promises",
    "machines",
    "browser",
    "runs",
    "leaving",
    "connect",
    "plugins",
    "history",
    "dags",
    "house",
    "model",
)
"""Folders that take longest, which start first; files that run alone come after the first, and other folders last."""


@dataclass(frozen=True)
class Group:
    """Tests that one pytest runs.

    :param name: such as ``tests/gas``
    :param paths: test files, relative to the project
    """

    name: str
    paths: tuple[str, ...]

    @property
    def busy(self) -> bool:
        """Whether it keeps a whole Airflow running, which takes a core by itself: one such group runs at a time."""
        return (self.name.endswith(".py") and bool(self.folder)) or self.folder in ("browser", "compose", "promises")

    @property
    def folder(self) -> str:
        """The folder directly below ``tests``; empty for files that lie in ``tests`` itself."""
        parts = Path(self.name).parts
        return parts[1] if len(parts) > 1 and not parts[1].endswith(".py") else ""


def groups(root: Path) -> list[Group]:
    """Find all test files below ``tests`` and group them, those that take longest first.

    The list comes from the file system, so that no folder can be forgotten.

    :param root: the project's folder
    """
    found: dict[str, list[str]] = {}
    for file in sorted((root / "tests").rglob("test_*.py")):
        path = file.relative_to(root)
        alone = ALONE.search(file.read_text(encoding="utf-8"))
        name = path if alone or len(path.parts) == 2 else Path(*path.parts[:2])
        found.setdefault(name.as_posix(), []).append(path.as_posix())
    return sorted((Group(name, tuple(paths)) for name, paths in found.items()), key=_order)


def _order(group: Group) -> tuple[int, str]:
    place = LONG.index(group.folder) if group.folder in LONG else len(LONG)
    return (1 if group.busy else place), group.name


def named(groups: Iterable[Group]) -> str:
    """Return the names of groups in one line."""
    return ", ".join(group.name for group in groups)
