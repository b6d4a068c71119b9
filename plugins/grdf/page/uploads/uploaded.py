"""Reading the files of a request, after it is known that their sender may send some."""

from __future__ import annotations

from dataclasses import dataclass, field

from fastapi import Request
from starlette.datastructures import UploadFile

MOST_FILES = 10
"""More are not even read. Each page says how many it takes."""


@dataclass(frozen=True)
class Uploaded:
    """A file.

    :param name: its name on the sender's machine, which may name somebody; browsers send no folder
    :param content: its content
    """

    name: str = field(repr=False)
    content: bytes = field(repr=False)


async def uploaded(request: Request) -> list[Uploaded]:
    """Return the files of a form.

    FastAPI reads a form before it asks who has sent it, unless the route itself reads it, as with this function.

    :raises HTTPException: 400 if it is no form with files, 408 if it comes too slowly, 413 if it is too large
    """
    async with request.form(max_files=MOST_FILES, max_fields=MOST_FILES) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        found = [Uploaded(file.filename or "", await file.read()) for file in files]
    return [file for file in found if file.name or file.content]  # a field that was left empty is sent without a name
