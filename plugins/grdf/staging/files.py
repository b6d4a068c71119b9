"""Files that only their owner reads, and that appear under their name only once they are whole."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(target: Path, text: str) -> None:
    """Write a file with mode 0600 and put it in place in one step, after it has reached the disk.

    :param target: the file's final name; its folder is made (0700) when it is missing
    :param text: what it holds, written as UTF-8
    :raises OSError: when the folder or the file cannot be written; nothing is left behind then
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
