"""Marks on an account: leaving, connected, silence known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.document_sections import entry_to_json, object_or_empty, with_value
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document

BY_LINK = "the household itself, with a link"
"""``by`` of what a household does with its link. Stored and compared: never reword it."""
_LEAVING = "leaving"


class Mark(msgspec.Struct, frozen=True):
    """A note that a person (``by``: an Airflow user, or a note) did something with the account at a time, UTC."""

    key: ClassVar[str]
    at: str
    by: str

    @classmethod
    def read_moment(cls, document: Mapping[str, Any]) -> object:
        """Return the stored moment, of any type."""
        return object_or_empty(document.get(cls.key)).get("at")

    def add_to(self, document: Mapping[str, Any]) -> Document:
        """Return the account document with this mark. Fields of an earlier mark that this one lacks stay."""
        return with_value(document, self.key, {**object_or_empty(document.get(self.key)), **entry_to_json(self)})


class ConnectedMark(Mark, frozen=True, omit_defaults=True):
    """Who last connected the account. ``link`` is the last household's link used, even if by another way since.

    ``began`` is the link with which the account began: whoever has it has brought all that the account holds.
    """

    link: str = ""
    began: str = ""
    key: ClassVar[str] = "connected"


class SilenceMark(Mark, frozen=True):
    """A person knows that no new gas day comes. A new day ends that."""

    key: ClassVar[str] = "silence_known"


def leaving_asker(document: Mapping[str, Any]) -> str | None:
    """Return who asked for the deletion in progress; ``None`` if none is. Nothing is read or stored meanwhile."""
    mark = document.get(_LEAVING)
    return str(mark.get("by") or "somebody") if isinstance(mark, Mapping) else None


def has_withdrawn(document: Mapping[str, Any]) -> bool:
    """Return whether the household has withdrawn with its link, and its deletion has not begun."""
    return leaving_asker(document) == BY_LINK


def leaving_since(document: Mapping[str, Any]) -> str:
    """Return since when nothing is read of a leaving account, UTC text; ``""`` if unknown."""
    return str(object_or_empty(document.get(_LEAVING)).get("since") or "")


def with_leaving(document: Mapping[str, Any], *, by: str, since: datetime) -> Document:
    """Return the account document with the mark of a deletion. That of a household which has withdrawn began it."""
    return with_value(document, _LEAVING, {"by": by, "since": leaving_since(document) or utc_text(since)})


def without_leaving(document: Mapping[str, Any]) -> Document:
    """Return the account document without the mark of a deletion."""
    return with_value(document, _LEAVING, None)
