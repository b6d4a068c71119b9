"""A check that every form's texts can be stored, sent and shown again."""

from __future__ import annotations

from fastapi import HTTPException


def check_text(text: str) -> None:
    """Refuse half a character (a lone surrogate), which no encoding can write.

    :raises HTTPException: 422 if the text has one
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise HTTPException(422, "this is not what the page asks for") from None
