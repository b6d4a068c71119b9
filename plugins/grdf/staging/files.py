"""Files that only their owner can read and that are written atomically."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(target: Path, content: str | bytes) -> None:
    """Write a file with mode 0600, flush it to disk, and then move it into place.

    :param target: the file's final name; folders that do not exist are created (0700)
    :param content: the contents; a text is written as UTF-8
    :raises OSError: if the folder or the file cannot be written; nothing is left behind then
    """
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
