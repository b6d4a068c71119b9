"""Parts of the account document: tolerant reading, and writing that keeps what others wrote.

Any program may have written to an account document: an entry that cannot be read counts as absent, and the good entries
next to it still count. Writing one entry removes none of the others.
"""

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
    """Return a copy of the account document with another value under a key.

    :param value: a JSON value; ``None`` removes the key
    """
    changed = {name: each for name, each in document.items() if name != key}
    return changed if value is None else changed | {key: value}


def parse_entry(kind: type[T], value: object) -> T | None:
    """Return an entry. Unknown keys are ignored.

    :param kind: the class of the entry
    :param value: a JSON value
    :return: ``None`` if any field cannot be read
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.ValidationError, UnicodeError):  # half a surrogate pair, which Python's json reads, for a number
        return None


def entry_to_json(entry: msgspec.Struct) -> dict[str, Any]:
    """Return an entry as JSON."""
    return dict(msgspec.json.decode(msgspec.json.encode(entry)))  # as it is read back: tuples are lists there
