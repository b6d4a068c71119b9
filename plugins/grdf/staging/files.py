"""Files that few can read, written atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(target: Path, content: str | bytes, *, for_group: bool = False) -> None:
    """Write a file that its owner can read, or its group, too, flushed to disk; ``OSError`` leaves nothing behind."""
    for folder in reversed([each for each in target.parents if not each.exists()]):
        folder.mkdir(mode=0o750 if for_group else 0o700, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        if for_group:
            draft.chmod(0o640)
        with os.fdopen(number, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
