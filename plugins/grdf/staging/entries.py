"""What lies in a folder of the staging store: at any depth to count and to remove, but only ordinary files to read.

People put files there by hand, so there may be sub-folders, links to files of others, or pipes that nobody ever fills.
Links are never followed below the folder that the settings name, not even one that has just taken a folder's place.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from airflow.sdk import ObjectStoragePath

from grdf.staging.files import opened_folder


class NotAFile(ValueError):
    """Something other than an ordinary file. The text is a clause that follows its name or place."""


def local_path(reference: str) -> Path | None:
    """Return the path of a place on a local disk; ``None`` for one in an object store."""
    return Path(reference.removeprefix("file://")) if reference.startswith("file://") else None


def read_ordinary(path: ObjectStoragePath, most: int = -1, *, own: int = 1) -> bytes:
    """Return the content of a file.

    :param path: a file of an object store, or an ordinary one on a disk
    :param most: bytes to read at most; -1 for all
    :param own: how many of the folders above it are ours, so that none of them may be a link
    :raises NotAFile: if it is a folder, a link, a pipe or a device, or lies in a folder that is a link
    :raises FileNotFoundError: if there is none
    """
    local = local_path(str(path))
    if local is None:
        if path.is_dir():
            raise NotAFile("is a folder")
        with path.open("rb") as file:  # type: ignore[no-untyped-call]  # untyped in Airflow
            content: bytes = file.read(most)
        return content
    if said := _said(local):
        raise NotAFile(said)

    def only_ordinary(name: str, flags: int) -> int:
        # It may have been replaced since. A link is not followed, and nobody is waited for who would fill a pipe.
        number = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        if stat.S_ISREG(os.fstat(number).st_mode):
            return number
        os.close(number)
        raise NotAFile("is no ordinary file")

    with _folder_of(local, own) as folder, open(local.name, "rb", opener=only_ordinary) as file:
        return file.read(most)


def remove_file(path: ObjectStoragePath, *, own: int = 1) -> None:
    """Remove a file, if it is there.

    :param own: as for :func:`read_ordinary`
    :raises NotAFile: if it lies in a folder that is a link; nothing is removed then
    """
    local = local_path(str(path))
    if local is None:
        path.unlink(missing_ok=True)
        return
    with suppress(FileNotFoundError), _folder_of(local, own) as folder:
        os.unlink(local.name, dir_fd=folder)


@contextmanager
def _folder_of(local: Path, own: int) -> Iterator[int]:
    """Open the folder of a file."""
    try:
        opened = ExitStack()
        folder = opened.enter_context(opened_folder(local.parent, own))
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):  # Linux says ENOTDIR of a link that should be a folder
            raise NotAFile("is in a folder that is a link") from None
        raise
    with opened:
        yield folder


def oddness(path: ObjectStoragePath) -> str:
    """Return what is wrong with an entry of a folder, as a clause; empty for an ordinary file."""
    local = local_path(str(path))
    if local is None:
        return "is a folder" if path.is_dir() else ""
    return _said(local)


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

    On a disk, a copy may have the time of its original, and a scanner may date a file in the future. So what counts is
    when the disk last noted anything about it: that moves with every change, and nobody can set it.

    :raises FileNotFoundError: if there is none
    """
    local = local_path(str(path))
    if local is None:
        moment: datetime = path.fs.modified(path.path)
        return moment.timestamp()
    return os.lstat(local).st_ctime


def changed_in(path: ObjectStoragePath) -> float:
    """Return when something was last put into a folder at any depth, or changed there, epoch seconds; 0 if never."""
    local = local_path(str(path))
    if local is None:
        moments: list[datetime] = [path.fs.modified(each) for each in _objects(path)]
        return max((moment.timestamp() for moment in moments), default=0.0)
    if local.is_symlink() or not local.is_dir():
        return changed(path) if os.path.lexists(local) else 0.0
    found = [os.lstat(local)]
    for folder, leaves, folders in _walk(local):
        for each in (*leaves, *folders):
            with suppress(FileNotFoundError):  # it has just gone
                found.append(os.lstat(folder / each))
    return max(status.st_ctime for status in found)


def count(path: ObjectStoragePath) -> int:
    """Return how many files lie in a folder at any depth, or 1 if it is none. Links and pipes count, folders do not."""
    local = local_path(str(path))
    if local is None:
        return len(_objects(path))
    if local.is_symlink() or not local.is_dir():
        return int(os.path.lexists(local))
    return sum(len(leaves) for _, leaves, _ in _walk(local))


def remove(path: ObjectStoragePath) -> int:
    """Remove a folder with all that lies in it, and return how many files that were. What a link leads to stays."""
    local = local_path(str(path))
    if local is None:
        objects = _objects(path)
        if objects:
            path.fs.rm(objects)
        return len(objects)
    if local.is_symlink() or not local.is_dir():
        present = os.path.lexists(local)
        local.unlink(missing_ok=True)
        return int(present)
    removed = 0
    for _, folders, files, number in os.fwalk(local, topdown=False, onerror=_raise):
        for name in (*files, *folders):
            with suppress(FileNotFoundError):  # it has just gone
                if stat.S_ISDIR(os.stat(name, dir_fd=number, follow_symlinks=False).st_mode):
                    _remove_empty(name, number)
                else:
                    os.unlink(name, dir_fd=number)
                    removed += 1
    _remove_empty(local)
    return removed


def remove_if_empty(path: ObjectStoragePath) -> None:
    """Remove a folder if nothing is in it. An object store has no folders."""
    local = local_path(str(path))
    if local is not None and local.is_dir() and not local.is_symlink():
        _remove_empty(local)


def _remove_empty(folder: str | Path, within: int | None = None) -> None:
    with suppress(FileNotFoundError):
        try:
            os.rmdir(folder, dir_fd=within)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # somebody has just put something there
                raise


def _walk(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder, innermost first, with the names of what is no folder, and those of its folders."""
    for folder, folders, files in os.walk(top, topdown=False, onerror=_raise):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield Path(folder), [*files, *links], [name for name in folders if name not in links]


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _objects(path: ObjectStoragePath) -> list[str]:
    path.fs.invalidate_cache()  # another process may have written
    find: Callable[[str], list[str]] = path.fs.find
    return sorted(find(path.path))


def _said(local: Path) -> str:
    mode = os.lstat(local).st_mode
    if stat.S_ISREG(mode):
        return ""
    return "is a link" if stat.S_ISLNK(mode) else "is a folder" if stat.S_ISDIR(mode) else "is no ordinary file"
