"""Marks on an account: its household leaves, has connected on the page, was given a right by an operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from include.gas.account.sections.section import Section, members, put, written
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import Document


class Leaving(Section, frozen=True):
    """The mark of a deletion under way: nothing reads the account and nothing stores for it.

    :param run: Airflow run id of the deletion
    :param by: who asked for it, Airflow's user name
    :param since: when it was marked, UTC text
    :param keep_data: whether the household keeps its data
    """

    key: ClassVar[str] = "leaving"
    written_by: ClassVar[str] = "`grdf_delete_account`; taken away once all is revoked where the data is kept"

    run: str
    by: str
    since: str
    keep_data: bool = False


class Connected(Section, frozen=True):
    """That the household has connected on the page.

    :param at: when it did so last, UTC
    :param by: who connected it: Airflow's user name, or that a link was used
    """

    key: ClassVar[str] = "connected"
    written_by: ClassVar[str] = "the connection page"

    at: str
    by: str

    @classmethod
    def moment(cls, document: Mapping[str, Any]) -> object:
        """Return what is noted as the moment, None when there is none.

        :param document: the account document
        """
        return members(document.get(cls.key)).get("at")

    def noted(self, document: Mapping[str, Any]) -> Document:
        """Note it.

        :param document: the account document
        :return: a new document
        """
        return put(document, self.key, written(self))


class TakenOver(Section, frozen=True):
    """A right that an operator has made the account's own: an entry of a list, in their order.

    :param right: GRDF's id of the right
    :param by: Airflow's user name
    :param at: when, UTC
    """

    key: ClassVar[str] = "taken_over"
    shape: ClassVar[str] = "a list of objects"
    written_by: ClassVar[str] = "`grdf_consents` started with accounts"

    right: str
    by: str
    at: str

    @classmethod
    def added(cls, document: Mapping[str, Any], entries: Iterable[TakenOver]) -> Document:
        """Add entries to those that are noted.

        :param document: the account document
        :param entries: the new ones
        :return: a new document
        """
        before = document.get(cls.key)
        return put(document, cls.key, [*(before if isinstance(before, list) else []), *map(written, entries)])


def leaving(document: Mapping[str, Any]) -> Leaving | None:
    """Return the mark on an account document, or None. Any object is a mark, whatever it says.

    :param document: the account document
    """
    mark = document.get(Leaving.key)
    if not isinstance(mark, Mapping):
        return None
    run, by, since = (str(mark.get(key, "")) for key in ("run", "by", "since"))
    return Leaving(run, by, since, keep_data=mark.get("keep_data") is True)


def with_leaving(
    document: Mapping[str, Any], *, run: str, by: str, since: datetime, keep_data: bool = False
) -> Document:
    """Mark an account as leaving: from now on nothing reads it and nothing stores for it.

    :param document: the account document
    :param run: Airflow run id of the deletion
    :param by: who asked for it
    :param since: the present, aware; kept from before when a former try of a deletion has marked it
    :param keep_data: only revoke: what is stored stays, also what a run stores that was under way
    """
    before = leaving(document)
    mark = Leaving(run, by, before.since if before else utc_text(since), keep_data=keep_data)
    return put(document, Leaving.key, written(mark))


def without_leaving(document: Mapping[str, Any]) -> Document:
    """Take the mark away, for a household that keeps its data.

    :param document: the account document
    """
    return put(document, Leaving.key, None)
