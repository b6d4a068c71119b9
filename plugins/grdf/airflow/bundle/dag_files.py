"""Where the project's DAG files lie in the DAG folder."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

log = logging.getLogger(__name__)

SEARCH_EVERY = 60.0
"""Seconds between two searches for a file that is not there."""


class DagFiles:
    """Finds DAG files by their names, as Airflow does: in folders at any depth, also behind links.

    :param folder: the bundle's folder
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found: dict[str, str] = {}
        self._search_at = 0.0
        self._missed: set[str] = set()

    def path(self, name: str) -> str | None:
        """Return a file's path in the folder; ``None`` if there is none, which is said once.

        :param name: the file's name
        """
        if (self.folder / name).is_file():
            return name
        found = self._found.get(name)
        if found is None or not self.is_there(found):
            found = self._searched(name)
        if found is None and name not in self._missed:
            self._missed.add(name)
            log.warning(
                "There is no file %s below %s. The DAGs in it change only when Airflow reads it.", name, self.folder
            )
        return found

    def is_there(self, path: str) -> bool:
        """Return whether there is a file of that path in the folder."""
        return (self.folder / path).is_file()

    def _searched(self, name: str) -> str | None:
        if time.monotonic() >= self._search_at:
            self._search_at = time.monotonic() + SEARCH_EVERY
            self._found, seen = {}, set[str]()
            for place, folders, names in os.walk(self.folder, followlinks=True):
                real = os.path.realpath(place)
                if real in seen:
                    folders.clear()  # a link that leads back
                    continue
                seen.add(real)
                folders.sort()
                for each in names:
                    if each.startswith("grdf_"):
                        self._found.setdefault(each, Path(place, each).relative_to(self.folder).as_posix())
        return self._found.get(name)
