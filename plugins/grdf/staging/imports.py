"""The folder with files of households to import (personal data, removed after the import) and of buildings."""

from __future__ import annotations

from grdf.staging.folder import Folder
from grdf.staging.staged_answers import IMPORTS
from include.gas.errors import BadRequest
from include.gas.importing.csv_file import MOST_BYTES, RESULT, check_name, is_name, kind_of, read_lines


class Imports(Folder):
    """The files of imports, each with its result beside it."""

    def __init__(self, base_url: str) -> None:
        super().__init__(base_url, IMPORTS)

    def content(self, name: str) -> bytes | None:
        """Return a file, or a little more than an import may have of it; ``None`` if there is none."""
        return self.read(name, MOST_BYTES + 1)

    def upload(self, name: str, content: bytes) -> int:
        """Store an uploaded file, and return its number of lines; ``BadRequest`` if name or format are wrong."""
        check_name(name)
        lines = len(read_lines(content, kind_of(content)))
        if self.content(name) is not None:
            raise BadRequest.about(
                None,
                f"there is a file {name} that was not worked off yet",
                "Nothing was stored. Import that one first, or choose another name.",
            )
        self.write(name, content.decode("utf-8-sig").encode())
        return lines

    def waiting(self, *, results: bool = False) -> list[str]:
        """Return the names of waiting files, or of the results, sorted."""
        return [name for name in self.names() if is_name(name) and name.endswith(RESULT) is results]
