"""What all sections of the account document share: reading forgivingly, and writing beside what others have noted.

Anybody may have written into an account document. So a section never trusts what it finds: an entry that it cannot read
counts as absent, the good ones beside it count, and neither is removed by writing another one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Self, TypeVar

import msgspec

from include.gas.documents.gas_days import Document

T = TypeVar("T", bound=msgspec.Struct)


class Section(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the account document.

    Its fields are what is stored, under the same names. A field that has its default is left out of the document.
    """

    key: ClassVar[str] = ""
    """Key of the account document."""
    written_by: ClassVar[str] = ""
    """Which tasks write it, and when it changes, for ``docs/documents.md``."""
    shape: ClassVar[str] = "an object"
    """What the key holds, for ``docs/documents.md``."""
    entry: ClassVar[type[msgspec.Struct] | None] = None
    """The class of its entries, where that is not the section itself."""
    has_table: ClassVar[bool] = True
    """Whether it has keys of its own."""


class MeterSection(Section, frozen=True):
    """What a section says of one meter: its key holds an object of such entries by meter."""

    shape: ClassVar[str] = "an object by meter"

    @classmethod
    def holds(cls, document: Mapping[str, Any], pce: str) -> bool:
        """Return whether there is an entry of a meter, be it empty.

        :param document: the account document
        :param pce: the meter
        """
        return isinstance(members(document.get(cls.key)).get(pce), Mapping)

    @classmethod
    def raw(cls, document: Mapping[str, Any], pce: str) -> Mapping[str, Any]:
        """Return a meter's entry as it is stored; an empty one when there is none or it is no object.

        :param document: the account document
        :param pce: the meter
        """
        return members(members(document.get(cls.key)).get(pce))

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> Self | None:
        """Return what is noted of a meter, None when nothing is or it cannot be read.

        :param document: the account document
        :param pce: the meter
        """
        entry = cls.raw(document, pce)
        return read_fields(cls, entry) if entry else None

    @classmethod
    def put(cls, document: Mapping[str, Any], pce: str, entry: Mapping[str, Any] | None) -> Document:
        """Replace what is noted of a meter.

        :param document: the account document
        :param pce: the meter
        :param entry: what is stored now; None takes the entry out, and the key with the last of them
        :return: a new document
        """
        meters = {**members(document.get(cls.key)), pce: entry}
        if entry is None:
            del meters[pce]
        return put(document, cls.key, meters or None)

    def noted(self, document: Mapping[str, Any], pce: str) -> Document:
        """Note this of a meter, in place of what was noted.

        :param document: the account document
        :param pce: the meter
        :return: a new document
        """
        return self.put(document, pce, written(self))


class Names(Section, frozen=True):
    """A list of meters."""

    shape: ClassVar[str] = "a list of meters"
    has_table: ClassVar[bool] = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> list[str]:
        """Return the meters that are noted, in order; an entry that is no text is left out.

        :param document: the account document
        """
        found = document.get(cls.key)
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    @classmethod
    def noted(cls, document: Mapping[str, Any], meters: Iterable[str]) -> Document:
        """Note meters in place of those that were noted; none of them takes the key out.

        :param document: the account document
        :param meters: the meters, in the order in which they are to be named
        :return: a new document
        """
        return put(document, cls.key, list(meters) or None)


class Text(Section, frozen=True):
    """A single text: a day, a moment."""

    shape: ClassVar[str] = "a text"
    has_table: ClassVar[bool] = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> str:
        """Return what is noted, "" when it is no text or there is nothing.

        :param document: the account document
        """
        found = document.get(cls.key)
        return found if isinstance(found, str) else ""

    @classmethod
    def noted(cls, document: Mapping[str, Any], text: str | None) -> Document:
        """Note a text.

        :param document: the account document
        :param text: what to note; None takes the key out
        :return: a new document
        """
        return put(document, cls.key, text)


def members(value: object) -> Mapping[str, Any]:
    """Return an object's members; none of anything that is no object.

    :param value: a JSON value
    """
    return value if isinstance(value, Mapping) else {}


def copied(document: Mapping[str, Any]) -> Document:
    """Return a copy that shares nothing with the original, so that nobody changes what was handed in.

    :param document: the account document, or an entry of it
    """
    return copy.deepcopy(dict(document))


def put(document: Mapping[str, Any], key: str, value: object) -> Document:
    """Return a new document with another value under a key.

    :param document: the account document
    :param key: the key
    :param value: a JSON value; None takes the key out
    """
    changed = copied(document)
    if value is None:
        changed.pop(key, None)
        return changed
    return changed | {key: copy.deepcopy(value)}


def read(kind: type[T], value: object) -> T | None:
    """Read an entry; keys of other people are passed over.

    :param kind: the class of the entry
    :param value: a JSON value
    :return: the entry; None when any field cannot be read
    """
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return None


def read_fields(kind: type[T], value: object) -> T | None:
    """Read an entry of which each field counts for itself: one that cannot be read counts as absent.

    :param kind: the class of the entry
    :param value: a JSON value
    :return: the entry; None when it is no object, or a field that it cannot do without is missing
    """
    found = read(kind, value)
    return found if found is not None or not isinstance(value, Mapping) else _each_for_itself(kind, value)


def written(entry: msgspec.Struct) -> dict[str, Any]:
    """Return an entry as JSON.

    :param entry: the entry
    """
    return dict(msgspec.to_builtins(entry))


_EMPTY: tuple[object, ...] = (None, [], {}, "", 0)
"""What a required field is taken for that cannot be read, whichever its type allows; a day cannot be any of them."""


def _each_for_itself(kind: type[T], value: Mapping[str, Any]) -> T | None:
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        for candidate in (value.get(field.encode_name), *(_EMPTY if field.required else ())):
            with suppress(msgspec.ValidationError):
                found[field.name] = msgspec.convert(candidate, field.type, strict=False)
                break
        else:
            if field.required:
                return None
    return kind(**found)
