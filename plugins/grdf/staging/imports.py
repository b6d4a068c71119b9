"""The folder with the files of households to import. They hold personal data, and are removed once worked off."""

from __future__ import annotations

from airflow.sdk import ObjectStoragePath

from grdf.staging.area import IMPORTS
from grdf.staging.entries import listed, read_start, write
from grdf.staging.failures import in_words
from include.gas.errors import BadRequest
from include.gas.importing.csv_file import MOST_BYTES, RESULT, check_name, is_name, read_lines


class Imports:
    """The files of imports: each household file with its result beside it.

    :param base_url: the staging folder, as for :class:`grdf.staging.area.Staging`
    """

    def __init__(self, base_url: str) -> None:
        self.folder = f"{base_url.rstrip('/')}/{IMPORTS}"

    def read(self, name: str) -> bytes | None:
        """Return a file, or a little more than an import may have of it; ``None`` if there is none.

        :param name: its name, checked
        """
        try:
            with in_words(self.folder, None, may_be_missing=True):
                return read_start(self._path(name), MOST_BYTES + 1)
        except FileNotFoundError:
            return None

    def put(self, name: str, text: str) -> None:
        """Store a file."""
        with in_words(self.folder, None):
            write(self._path(name), text)

    def upload(self, name: str, content: bytes) -> int:
        """Store a file with households that somebody uploads, and return the number of its lines.

        Only the format is checked here; the import checks the lines.

        :param name: the name that the file is to have
        :raises BadRequest: if name or format are not valid, or if there is a file of that name already
        """
        check_name(name)
        lines = len(read_lines(content))
        if self.read(name) is not None:
            raise BadRequest.about(
                None,
                f"there is a file {name} that was not worked off yet",
                "Nothing was stored. Import that one first, or choose another name.",
            )
        self.put(name, content.decode("utf-8-sig"))
        return lines

    def names(self, *, results: bool = False) -> list[str]:
        """Return the names of the files that wait, or of the results, in alphabetical order."""
        with in_words(self.folder, None):
            found = [path.name for path in listed(self._path("")) if is_name(path.name) and path.is_file()]
        return sorted(name for name in found if name.endswith(RESULT) is results)

    def remove(self, name: str) -> None:
        """Remove a file with households that is worked off. The result stays."""
        with in_words(self.folder, None):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> ObjectStoragePath:
        return ObjectStoragePath(f"{self.folder}/{name}")
