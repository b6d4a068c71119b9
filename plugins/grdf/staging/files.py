"""Files that only their owner can read, written atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(target: Path, content: str | bytes) -> None:
    """Write a file (0600, folders 0700), flushed to disk; ``OSError`` leaves nothing behind."""
    for folder in reversed([each for each in target.parents if not each.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
