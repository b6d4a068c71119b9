"""``python3 deploy/release_notes.py v0.1.0``: print a tagged version's part of ``CHANGELOG.md``.

It fails, and nothing is published, unless the tag names the code's version and the changelog has it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r'(?m)^__version__ = "([^"]+)"$')


def notes(tag: str, changelog: str, code: str) -> str:
    """Return the notes of a tag; ``ValueError`` if the code has another version, or the changelog none."""
    version = tag.removeprefix("v")
    (ours,) = VERSION.findall(code)
    if version != ours:
        raise ValueError(f"the tag is {tag}, but plugins/grdf/__init__.py says {ours}. Correct one of them.")
    section = re.search(rf"(?ms)^## {re.escape(version)}( \(\d{{4}}-\d\d-\d\d\))?\n(.*?)(?=^## |\Z)", changelog)
    if section is None or not section[2].strip():
        raise ValueError(f"CHANGELOG.md has no section '## {version} (YYYY-MM-DD)'. Name the newest changes so.")
    return section[2].strip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print the notes of the tag that the command line names."""
    (tag,) = arguments
    texts = (ROOT / name for name in ("CHANGELOG.md", "plugins/grdf/__init__.py"))
    try:
        changelog, code = (path.read_text(encoding="utf-8") for path in texts)
        print(notes(tag, changelog, code), end="")
    except ValueError as error:
        print(f"Nothing is released: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
