"""Files that only their owner can read and that are written atomically, and folders in which no link is followed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def opened_folder(folder: Path, own: int) -> Iterator[int]:
    """Open a folder, and yield its descriptor: what is done with it is done there, whatever its path leads to by then.

    :param own: how many folders at the end of the path are ours, so that none of them may be a link
    :raises OSError: if there is no such folder, or one of ours is a link
    """
    number = os.open(folder.parents[own - 1] if own else folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in folder.parts[len(folder.parts) - own :]:
            parent, number = number, os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=number)
            os.close(parent)
        yield number
    finally:
        os.close(number)


def write_private(target: Path, content: str | bytes, *, replace: bool = True, own: int = 0) -> None:
    """Write a file with mode 0600, flush it to disk, and then move it into place.

    :param target: the file's final name; its folder is created (0700) if it does not exist
    :param content: the contents; a text is written as UTF-8
    :param replace: whether a file of that name may be there already
    :param own: as for :func:`opened_folder`
    :raises FileExistsError: if there is one and it may not be replaced
    :raises OSError: if the folder or the file cannot be written; nothing is left behind then
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = f".{target.name}.{secrets.token_hex(4)}"
    with opened_folder(target.parent, own) as folder:
        try:
            number = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
            with os.fdopen(number, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(draft, target.name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                os.link(draft, target.name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=folder)
