"""Parts of the account document, which other programs write, too: what cannot be read counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from include.gas.documents.day_documents import Document

T = TypeVar("T", bound=msgspec.Struct)


def object_or_empty(value: object) -> Mapping[str, Any]:
    """Return a JSON value if it is an object; otherwise an empty object."""
    return value if isinstance(value, Mapping) else {}


def with_value(document: Mapping[str, Any], key: str, value: object) -> Document:
    """Return a copy of the document with another value under a key; ``None`` removes the key."""
    changed = {name: each for name, each in document.items() if name != key}
    return changed if value is None else changed | {key: value}


def parse_entry(kind: type[T], value: object) -> T | None:
    """Return an entry, or ``None`` if a field cannot be read. Unknown keys are ignored."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, UnicodeError):  # the latter: half a surrogate pair in place of a number
        return None


def entry_to_json(entry: msgspec.Struct) -> dict[str, Any]:
    """Return an entry as JSON."""
    return dict(msgspec.json.decode(msgspec.json.encode(entry)))  # as it is read back, with lists for tuples
