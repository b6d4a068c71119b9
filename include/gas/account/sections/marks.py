"""Marks on an account: the household leaves, was connected by somebody, or is known to be silent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from include.gas.account.sections.section import Section, members, put, written
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document


class Leaving(Section, frozen=True):
    """The mark of a deletion in progress. While it is there, nothing is read or stored for the account.

    How far the deletion is, its record says.

    :param by: Airflow user who asked for it
    :param since: when the account was marked, UTC text
    """

    key: ClassVar[str] = "leaving"

    by: str
    since: str


class Mark(Section, frozen=True):
    """Says that somebody did something with the account.

    :param at: when, UTC
    :param by: who: an Airflow user, or a note
    """

    at: str
    by: str

    @classmethod
    def moment(cls, document: Mapping[str, Any]) -> object:
        """Return the value noted as the moment, of any type; ``None`` if there is none."""
        return members(document.get(cls.key)).get("at")

    def noted(self, document: Mapping[str, Any]) -> Document:
        """Return the account document with this mark."""
        return put(document, self.key, written(self))


class Connected(Mark, frozen=True):
    """The household was last connected by a user, or by a link, an import or an adoption, as a note says."""

    key: ClassVar[str] = "connected"


class Known(Mark, frozen=True):
    """A person knows that no new gas day comes. A new day ends that: the account may fall silent again."""

    key: ClassVar[str] = "silence_known"


def leaving(document: Mapping[str, Any]) -> Leaving | None:
    """Return the mark of a deletion on an account document; ``None`` if there is none.

    Any object counts as a mark, whatever it contains.
    """
    mark = document.get(Leaving.key)
    return Leaving(str(mark.get("by", "")), str(mark.get("since", ""))) if isinstance(mark, Mapping) else None


def with_leaving(document: Mapping[str, Any], *, by: str, since: datetime) -> Document:
    """Return the account document with the mark of a deletion. From then on nothing is read or stored for the account.

    :param by: who asked for it
    """
    return put(document, Leaving.key, written(Leaving(by, utc_text(since))))


def without_leaving(document: Mapping[str, Any]) -> Document:
    """Return the account document without the mark, for a household that keeps its data."""
    return put(document, Leaving.key, None)
