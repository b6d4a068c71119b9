"""What loads have stored that Airflow has not heard of yet, and what a run is about to tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from include.gas.account.sections.section import Section, members, put
from include.gas.documents.changes import Changes
from include.gas.documents.gas_days import Document


class Unannounced(Section, frozen=True):
    """What was stored by runs that could not announce it, since Airflow hears of successes only.

    :param first: first changed gas day, null when no day changed
    :param days: the newest changed gas days, at most 100, in order
    :param counts: number of changed documents by doctype
    """

    key: ClassVar[str] = "unannounced"
    written_by: ClassVar[str] = "whoever changes days and cannot announce it; taken out by the next load"

    first: str | None
    days: list[str]
    counts: dict[str, int]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Changes:
        """Return what is noted; anything that cannot be read is no change.

        :param document: the account document
        """
        return Changes.from_json(document.get(cls.key))


class Announced(Section, frozen=True):
    """What the last run with changes announced, should Airflow have its task done again.

    :param run: Airflow run id
    :param first: first changed gas day, null when no day changed
    :param days: the newest changed gas days, at most 100, in order
    :param counts: number of changed documents by doctype
    """

    key: ClassVar[str] = "announced"
    written_by: ClassVar[str] = "a load, before its task ends"

    run: str
    first: str | None
    days: list[str]
    counts: dict[str, int]


def unannounced(document: Mapping[str, Any]) -> Changes:
    """Return what was stored and not announced.

    :param document: the account document
    """
    return Unannounced.of(document)


def with_unannounced(document: Mapping[str, Any], changes: Changes) -> Document:
    """Note what was stored by a run that could not announce it.

    :param document: the account document
    :param changes: what the run changed; added to what is noted already
    :return: a new document, equal to the old one when nothing changed
    """
    noted = (unannounced(document) + changes).as_json() if changes else document.get(Unannounced.key)
    return put(document, Unannounced.key, noted)


def with_announced(document: Mapping[str, Any], changes: Changes, run: str) -> Document:
    """Take that note off an account, and note instead what its last run with changes is about to announce.

    Airflow hears of it only when the task has ended well: if it cannot be told so, it has the task done again.

    :param document: the account document
    :param changes: what is announced; when it is nothing, the note of a former run stays
    :param run: id of the run
    :return: a new document, equal to the old one when nothing changed
    """
    changed = put(document, Unannounced.key, None)
    return put(changed, Announced.key, {"run": run} | changes.as_json()) if changes else changed


def announced_by(document: Mapping[str, Any], run: str) -> Changes:
    """Return what a run was about to announce; nothing when another one has announced something since.

    :param document: the account document
    :param run: id of the run
    """
    told = members(document.get(Announced.key))
    return Changes.from_json(told) if told and told.get("run") == run else Changes()
