"""What an import remembers between two tries: the ids that it chose, and what GRDF refused. It names no person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from include.gas.importing.csv_file import Line
from include.gas.importing.holdings import Holdings
from include.gas.leaving.deletion_record import has_died, has_left_since, is_open, mark_of

PREFIX = "household-"
"""How the ids begin of accounts for which the file names none."""


class Progress(msgspec.Struct):
    """The content of the progress file.

    :param began: when the import began, UTC text
    :param source: a hash of the file; if the file was changed, numbers of its lines mean nothing any more
    :param ids: accounts of the lines for which the file names none, by number
    :param refused: GRDF's refusals of lines, by number, in words
    :param deletions: the deletions that there were before, by the accounts that the file names
    """

    began: str
    source: str
    ids: dict[int, str] = msgspec.field(default_factory=dict)
    refused: dict[int, str] = msgspec.field(default_factory=dict)
    deletions: dict[str, list[str]] = msgspec.field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> Progress | None:
        """Return the progress in a file's text; ``None`` if there is none that can be read."""
        try:
            return msgspec.json.decode(text, type=cls) if text else None
        except msgspec.DecodeError:
            return None

    def text(self) -> str:
        """Return the file's text."""
        return msgspec.json.encode(self).decode()

    def for_source(self, source: str) -> Progress:
        """Return the progress for the file as it is now: if it was changed, the numbers of its lines mean nothing."""
        return self if source == self.source else Progress(self.began, source, deletions=self.deletions)

    def named(self, lines: Iterable[Line]) -> set[str]:
        """Return the accounts that the file names and for which :meth:`note_deletions` is to be called."""
        return {line.cells.get("account", "") for line in lines if not line.problem} - {"", *self.deletions}

    def note_deletions(
        self, accounts: Iterable[str], records: Iterable[Mapping[str, Any]], now: datetime | None, *, begins: bool
    ) -> None:
        """Note the deletions that there were before the import, so that no clock is asked which ones are later.

        One that is still in progress removes its household after the import has begun, so it is not noted; one that
        died long ago is. One that keeps the data never counts as one that has removed a household, noted or not.

        :param accounts: accounts that the file names
        :param records: the records of deletions
        :param now: what CouchDB's clock says, by which an open deletion is dead; ``None`` if it says nothing
        :param begins: whether the import begins. Later, only deletions from before its beginning are noted
        """
        noted: dict[str, list[str]] = {account: [] for account in accounts}
        for record in records:
            marks = noted.get(str(record.get("account")))
            if marks is None or (is_open(record) and not (now and has_died(record, now))):
                continue
            if begins or not has_left_since([record], self.began):
                marks.append(mark_of(record))
        self.deletions |= noted

    def choose_ids(self, lines: Sequence[Line], holdings: Holdings, random: Callable[[], str]) -> None:
        """Choose an account for each line that names none and has none yet.

        :param random: returns a random text of letters and digits
        """
        taken = {line.cells.get("account", "") for line in lines} | {*self.ids.values()}
        for line in self._unnamed(lines):
            chosen = PREFIX + random()
            while chosen in taken or holdings.of(chosen) is not None:
                chosen = PREFIX + random()
            taken.add(chosen)
            self.ids[line.number] = chosen

    def _unnamed(self, lines: Iterable[Line]) -> list[Line]:
        return [
            line for line in lines if not line.problem and not line.cells.get("account") and line.number not in self.ids
        ]
