"""Reading the files of a request, after it is known that their sender may send some."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import UploadFile

MOST_FILES = 10
"""More are not even read. Each page says how many it takes."""


async def read_uploads(request: Request) -> list[tuple[str, bytes]]:
    """Return the files of a form: their names on the sender's machine, which may name somebody, and their contents.

    FastAPI reads a form before it asks who has sent it, unless the route itself reads it, as with this function.

    :raises HTTPException: 400 if it is no form with files, 408 if it comes too slowly, 413 if it is too large
    """
    async with request.form(max_files=MOST_FILES, max_fields=MOST_FILES) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        found = [(file.filename or "", await file.read()) for file in files]
    return [file for file in found if any(file)]  # a field that was left empty is sent without a name
