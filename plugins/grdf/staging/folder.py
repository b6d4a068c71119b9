"""A folder on a disk or in an object store. It may contain anything that people put there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath

from grdf.staging.files import write_private
from include.gas.errors import BadSettings, GasError, StoreBusy
from include.gas.redact import redact

_WRONG = (
    PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError, ImportError, ValueError
)  # fmt: skip
"""Errors of a wrong place; others may pass, such as a full disk."""


class Folder:
    """A folder below the place that a setting names, by default ``[grdf] staging_url``."""

    setting, holds, for_group = "staging_url", "GRDF's answers", False

    def __init__(self, base_url: str, name: str = "", account: str | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.url = f"{self.base_url}/{name}".rstrip("/")
        self._account = account

    def read(self, name: str, most: int = -1) -> bytes | None:
        """Return the content of a file, up to ``most`` bytes; ``None`` if there is none."""
        with self.failures(), suppress(FileNotFoundError):
            with self._file(name).open("rb") as file:
                content: bytes = file.read(most)
            return content
        return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file atomically."""
        with self.failures():
            if isinstance(file := self._file(name), Path):
                write_private(file, content, for_group=self.for_group)
            else:
                file.write_bytes(content)

    def open(self, name: str) -> Any:
        """Open a file for reading, within :meth:`failures`."""
        return self._file(name).open("rb")

    def paths(self) -> list[str]:
        """Return the paths of all files at any depth, also hidden ones, sorted."""
        with self.failures():
            base = f"{self._path().path}/"
            return sorted(path.path.removeprefix(base) for path in _within(self._path()))

    def names(self) -> list[str]:
        """Return the names of files that are not hidden, sorted."""
        with self.failures():
            return sorted(path.name for path in self._entries() if path.name[0] != "." and path.is_file())

    def remove(self, *names: str) -> None:
        """Remove files. Missing ones are fine."""
        with self.failures():
            for name in names:
                self._file(name).unlink(missing_ok=True)

    def count(self) -> int:
        """Return how many files lie here at any depth, also hidden ones."""
        with self.failures():
            return len(_within(self._path()))

    def remove_all(self) -> int:
        """Remove the folder with its content, and return the number of files. Targets of links stay."""
        with self.failures():
            found, path = len(_within(self._path())), self._path()
            with suppress(FileNotFoundError):  # there is none
                path.fs.rm(path.path, recursive=True)
            return found

    def remove_old(self, before: datetime, *, keep: str, name: str = "") -> int:
        """Remove files unchanged since a moment, at any depth, perhaps of one name, and return how many."""
        removed, base = 0, self._path()
        with self.failures():
            for path in _within(base):
                with suppress(FileNotFoundError):  # it has just gone
                    is_kept = path.path.startswith(f"{base.path}/{keep}/") or (name and path.name != name)
                    if not is_kept and _changed(path) < before.timestamp():
                        path.unlink()
                        removed += 1
        return removed

    def _file(self, name: str) -> Path | ObjectStoragePath:
        """Return where a file is; on a disk without Airflow's class, which imports all providers' file systems."""
        local = local_path(self.url)
        return local / name if local else self._path(name)

    def _path(self, name: str = "") -> ObjectStoragePath:
        return ObjectStoragePath(f"{self.url}/{name}".rstrip("/"))

    def _entries(self) -> list[ObjectStoragePath]:
        path = self._path()
        path.fs.invalidate_cache()
        try:  # without details, for which fsspec looks at each file, and some vanish
            return [self._path(name.rstrip("/").rpartition("/")[2]) for name in path.fs.ls(path.path, detail=False)]
        except FileNotFoundError:
            return []

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn a failure in the block into an error: ``StoreBusy`` if it may pass, otherwise ``BadSettings``."""
        try:
            yield
        except GasError:
            raise
        except Exception as error:  # noqa: BLE001 - the clients of the object stores share no base class
            kind = BadSettings if isinstance(error, _WRONG) else StoreBusy
            # Without its cause: the message of an object store's client may contain a signed address.
            raise kind.about(
                self._account,
                f"the storage for {self.holds}, {self.base_url}, cannot be used ({_words_of(error)})",
                f"{'It is tried again. If this continues, check' if kind is StoreBusy else 'Check'} that the setting "
                f"[grdf] {self.setting} names a place to which all workers can write and, for an object store, its "
                "bucket and the Airflow connection before its @ (s3://connection@bucket/folder), whose provider is "
                "installed on every worker (such as apache-airflow-providers-amazon[s3fs]).",
            ) from None


def local_path(url: str) -> Path | None:
    """Return the path of a place on a local disk; ``None`` in an object store."""
    return Path(url.removeprefix("file://")) if url.startswith("file://") else None


def _changed(path: ObjectStoragePath) -> float:
    """Return when a file was last put there or changed, epoch seconds; a copy may have its original's time."""
    local = local_path(str(path))
    moment: float = os.lstat(local).st_ctime if local else path.fs.modified(path.path).timestamp()
    return moment


def _within(path: ObjectStoragePath) -> list[ObjectStoragePath]:
    """Return the files in a folder at any depth, or the file itself; ``OSError`` if a folder is unreadable."""
    path.fs.invalidate_cache()  # another process may have written
    strict = {"on_error": _raise} if local_path(str(path)) else {}
    names: list[str] = path.fs.find(path.path, **strict)
    return [ObjectStoragePath(path.fs.unstrip_protocol(name), conn_id=path.conn_id) for name in names]


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # it has just gone
        raise error


def _words_of(error: Exception) -> str:
    """Return the message of a disk or import error, otherwise the class: a client may quote an address."""
    if type(error).__module__ != "builtins" or not isinstance(error, OSError | ImportError):
        return type(error).__name__
    return redact(getattr(error, "strerror", None) or str(error)).rstrip(". ") or type(error).__name__
