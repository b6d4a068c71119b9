"""Marks on an account: the household leaves, was connected by somebody, or is known to be silent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.document_sections import entry_to_json, object_or_empty, with_value
from include.gas.days.gas_day import utc_text
from include.gas.documents.day_documents import Document

_LEAVING = "leaving"


class Mark(msgspec.Struct, frozen=True):
    """Says that somebody did something with the account.

    :param at: when, UTC
    :param by: who: an Airflow user, or a note
    """

    key: ClassVar[str]
    at: str
    by: str

    @classmethod
    def read_moment(cls, document: Mapping[str, Any]) -> object:
        """Return the value noted as the moment, of any type; ``None`` if there is none."""
        return object_or_empty(document.get(cls.key)).get("at")

    def add_to(self, document: Mapping[str, Any]) -> Document:
        """Return the account document with this mark. What it does not say stays as an earlier one has said it."""
        return with_value(document, self.key, {**object_or_empty(document.get(self.key)), **entry_to_json(self)})


class ConnectedMark(Mark, frozen=True, omit_defaults=True):
    """The household was last connected by a user, or by a link, an import or an adoption, as a note says.

    :param link: id of the last household's link that has connected it, be it before that
    """

    link: str = ""
    key: ClassVar[str] = "connected"


class SilenceMark(Mark, frozen=True):
    """A person knows that no new gas day comes. A new day ends that: the account may fall silent again."""

    key: ClassVar[str] = "silence_known"


def leaving_asker(document: Mapping[str, Any]) -> str | None:
    """Return who asked for the deletion of an account that is in progress; ``None`` if none is.

    While the mark is there, nothing is read or stored for the account. How far the deletion is, its record says. Any
    object counts as a mark, whatever it contains.
    """
    mark = document.get(_LEAVING)
    return str(mark.get("by") or "somebody") if isinstance(mark, Mapping) else None


def with_leaving(document: Mapping[str, Any], *, by: str, since: datetime) -> Document:
    """Return the account document with the mark of a deletion.

    :param by: who asked for it
    """
    return with_value(document, _LEAVING, {"by": by, "since": utc_text(since)})


def without_leaving(document: Mapping[str, Any]) -> Document:
    """Return the account document without the mark, for a household that keeps its data."""
    return with_value(document, _LEAVING, None)
