"""The base of all sections of the account document: tolerant reading, and writing that keeps what others wrote.

Any program may have written to an account document: an entry that cannot be read counts as absent, and the good entries
next to it still count. Writing one entry removes none of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import msgspec

from include.gas.documents.gas_days import Document

T = TypeVar("T", bound=msgspec.Struct)


class Section(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the account document.

    Its fields are stored under the same names. A field with its default value is left out of the document.
    """

    key: ClassVar[str] = ""
    """The section's key in the account document."""


def members(value: object) -> Mapping[str, Any]:
    """Return a JSON value if it is an object; otherwise an empty object."""
    return value if isinstance(value, Mapping) else {}


def copied(document: Mapping[str, Any]) -> Document:
    """Return a deep copy, so that changes do not reach the caller's document.

    :param document: the account document, or an entry in it
    """
    return copy.deepcopy(dict(document))


def put(document: Mapping[str, Any], key: str, value: object) -> Document:
    """Return a copy of the account document with another value under a key.

    :param value: a JSON value; ``None`` removes the key
    """
    changed = copied(document)
    if value is None:
        changed.pop(key, None)
        return changed
    return changed | {key: copy.deepcopy(value)}


UNREADABLE = (msgspec.ValidationError, UnicodeError)
"""What msgspec raises. The latter is for half a surrogate pair, which Python's ``json`` reads, in place of a number."""


def read(kind: type[T], value: object) -> T | None:
    """Return an entry. Unknown keys are ignored.

    :param kind: the class of the entry
    :param value: a JSON value
    :return: ``None`` if any field cannot be read
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except UNREADABLE:
        return None


def written(entry: msgspec.Struct) -> dict[str, Any]:
    """Return an entry as JSON."""
    return dict(msgspec.json.decode(msgspec.json.encode(entry)))  # as it is read back: tuples are lists there
