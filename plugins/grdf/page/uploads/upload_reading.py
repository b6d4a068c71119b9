"""Reads uploaded files, once their sender is known to be allowed."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import UploadFile

MOST_FILES = 10
"""More are not read; each page has its own limit."""


async def read_uploads(request: Request) -> list[tuple[str, bytes]]:
    """Return the files of a form, read after the login check; 400 without files, 408 if slow, 413 if too large."""
    async with request.form(max_files=MOST_FILES, max_fields=MOST_FILES) as form:
        files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        found = [(file.filename or "", await file.read()) for file in files]
    return [file for file in found if any(file)]  # an empty field comes without a name
