"""Files that only their owner can read and that are written atomically."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_private(target: Path, content: str | bytes, *, replace: bool = True) -> None:
    """Write a file with mode 0600, flush it to disk, and then move it into place.

    :param target: the file's final name; its folder is created (0700) if it does not exist
    :param content: the contents; a text is written as UTF-8
    :param replace: whether a file of that name may be there already
    :raises FileExistsError: if there is one and it may not be replaced
    :raises OSError: if the folder or the file cannot be written; nothing is left behind then
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            draft.replace(target)
        else:
            target.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
