"""What a rule has found, and where."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Finding(NamedTuple):
    """A broken rule: what is wrong, and what to do."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Write it as editors understand it."""
        return f"{self.file}:{self.line} {self.text}"


def read(root: Path, file: str) -> str:
    """Return a file's text."""
    return (root / file).read_text(encoding="utf-8")


def at(root: Path, file: str, piece: str, text: str) -> Finding:
    """Return a finding on the first line with a piece of text, or the file's first."""
    lines = read(root, file).splitlines()
    return Finding(file, next((n for n, line in enumerate(lines, 1) if piece in line), 1), text)
