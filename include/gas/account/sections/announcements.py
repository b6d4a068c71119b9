"""Changes that were stored but not announced to Airflow yet, and changes that a run is about to announce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from include.gas.account.sections.section import Section, members, put
from include.gas.documents.changes import Changes
from include.gas.documents.gas_days import Document


class Unannounced(Section, frozen=True):
    """Changes stored by runs that could not announce them, because Airflow only passes on events of successful tasks.

    :param first: first changed gas day; null if no day changed
    :param days: the newest changed gas days in order, at most 100
    :param counts: number of changed documents by doctype
    """

    key: ClassVar[str] = "unannounced"

    first: str | None
    days: list[str]
    counts: dict[str, int]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Changes:
        """Return the noted changes. A value that cannot be read counts as no changes."""
        return Changes.from_json(document.get(cls.key))


class Announced(Section, frozen=True):
    """What the last run with changes announced, kept in case Airflow repeats its task.

    :param first: first changed gas day; null if no day changed
    :param days: the newest changed gas days in order, at most 100
    :param counts: number of changed documents by doctype
    """

    key: ClassVar[str] = "announced"

    run: str
    first: str | None
    days: list[str]
    counts: dict[str, int]


def unannounced(document: Mapping[str, Any]) -> Changes:
    """Return the changes that were stored but not announced."""
    return Unannounced.of(document)


def with_unannounced(document: Mapping[str, Any], changes: Changes) -> Document:
    """Return the account document with the changes of a run that could not announce them.

    :param changes: the changes of the run; they are added to those noted before
    """
    noted = (unannounced(document) + changes).as_json() if changes else document.get(Unannounced.key)
    return put(document, Unannounced.key, noted)


def with_announced(document: Mapping[str, Any], changes: Changes, run: str) -> Document:
    """Return the account document without unannounced changes, and with what a run is about to announce.

    Airflow learns of the changes only when the task has succeeded. If the task cannot report that, Airflow repeats it,
    and the repeated task needs the note.

    :param changes: the changes to announce; if there are none, the note of the former run is kept
    """
    changed = put(document, Unannounced.key, None)
    return put(changed, Announced.key, {"run": run} | changes.as_json()) if changes else changed


def announced_by(document: Mapping[str, Any], run: str) -> Changes:
    """Return what a run was about to announce; no changes if another run has announced something since."""
    told = members(document.get(Announced.key))
    return Changes.from_json(told) if told and told.get("run") == run else Changes()
