"""What lies in a folder of the staging store. People put files there by hand: there may be folders and pipes, too."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from grdf.staging.files import write_private


def local_path(reference: str) -> Path | None:
    """Return the path of a place on a local disk; ``None`` for one in an object store."""
    return Path(reference.removeprefix("file://")) if reference.startswith("file://") else None


def read_start(path: ObjectStoragePath, most: int) -> bytes:
    """Return the content of a file.

    :param most: bytes to read at most
    :raises FileNotFoundError: if there is none
    """
    with path.open("rb") as file:  # type: ignore[no-untyped-call]  # untyped in Airflow
        content: bytes = file.read(most)
    return content


def write(path: ObjectStoragePath, content: str | bytes) -> None:
    """Write a file that is seen only once it is complete, as objects of a store are."""
    local = local_path(str(path))
    if local is None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    else:
        write_private(local, content)


def listed(folder: ObjectStoragePath) -> list[ObjectStoragePath]:
    """Return what is in a folder, in any order; nothing if there is none. An entry may go at any moment."""
    local = local_path(str(folder))
    if local is None:
        return list(folder.iterdir()) if folder.exists() else []
    try:
        return [folder / each.name for each in local.iterdir()]  # fsspec looks at each file, and some last for a moment
    except FileNotFoundError:
        return []


def changed(path: ObjectStoragePath) -> float:
    """Return when a file was last put there or changed, epoch seconds.

    On a disk, a copy may have the time of its original. So what counts is when the disk last noted anything about it.

    :raises FileNotFoundError: if there is none
    """
    local = local_path(str(path))
    if local is not None:
        return os.lstat(local).st_ctime
    moment: datetime = path.fs.modified(path.path)
    return moment.timestamp()


def within(path: ObjectStoragePath) -> list[ObjectStoragePath]:
    """Return what lies in a folder at any depth, folders left out; the path itself if it is none.

    :raises OSError: if a folder on a disk may not be read, so that nobody takes it for empty
    """
    local = local_path(str(path))
    if local is None:
        path.fs.invalidate_cache()  # another process may have written
        names: list[str] = path.fs.find(path.path)
        return [ObjectStoragePath(path.fs.unstrip_protocol(each), conn_id=path.conn_id) for each in names]
    if local.is_symlink() or not local.is_dir():
        return [path] if os.path.lexists(local) else []
    found: list[Path] = []
    for folder, folders, files in os.walk(local, onerror=_raise):
        found += [Path(folder, name) for name in (*files, *folders) if name in files or Path(folder, name).is_symlink()]
    return [ObjectStoragePath(f"file://{each}") for each in found]


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # it has just gone
        raise error


def remove(path: ObjectStoragePath) -> int:
    """Remove a folder with all that lies in it, and return how many files that were. What a link leads to stays."""
    found = len(within(path))
    with suppress(FileNotFoundError):  # there is none
        path.fs.rm(path.path, recursive=True)
    return found
