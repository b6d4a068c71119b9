"""The lake's files at ``[grdf] lake_url``, and how far they follow CouchDB.

Files are replaced one by one, then the sequence of the changes in them is written beside them: a run that is killed
anywhere is repeated by the next one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from grdf.staging.folder import Folder
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import DAY
from include.gas.errors import BadSettings
from include.gas.lake.card import card_files
from include.gas.lake.partitions import count_accounts, decode, encode, merge, partitions, without_accounts
from include.gas.lake.rows import TABLES, Pseudonyms, Table

STATE = "state.json"
_FILE = re.compile(rf"({'|'.join(table.name for table in TABLES)})/year=(\d+)/(?:month=\d+/)?\1\.parquet")
_DRAFT = re.compile(r"(?:.+/)?\.(?:\w+\.parquet|state\.json|schema\.json|README\.md)\.\w+")


class Lake(Folder):
    """The lake. On a disk, the group of the worker's user can read its files.

    :param source: the CouchDB, and how many years of days are kept. If that, the secret or a table is another than
        before, the files are made anew
    """

    setting, holds, for_group = "lake_url", "the lake", True

    def __init__(self, url: str, pseudonyms: Pseudonyms, source: str) -> None:
        super().__init__(url)
        self.files_written = self.rows_removed = 0
        columns = [(table.name, [(column.name, column.kind) for column in table.columns]) for table in TABLES]
        self._identity = pseudonyms[f"{source} {columns}"]
        self.remove(*filter(_DRAFT.fullmatch, self.paths()))  # of a killed run
        self._state: dict[str, Any] = {}
        with suppress(ValueError):
            self._state = json.loads(self.read(STATE) or b"")
        if self._state.get("lake") != self._identity:
            self.remove(*(path for path, *_ in self._files()))
            self._note_update(lake=self._identity, since={})

    def since(self, table: Table) -> str | int:
        """Return the sequence of CouchDB's changes that a table has reached."""
        since: str | int = self._state["since"].get(table.name, 0)
        return since

    def store(self, table: Table, changed: Iterable[Any], since: str | int) -> None:
        """Store batches of changed rows, and the sequence after them."""
        for path, rows in partitions(table, changed):
            stored = decode(table, self.read(path))
            self._replace(path, stored, merge(stored, rows))
        self._note_update(since={**self._state["since"], table.name: since})

    def remove_others(self, known: Collection[str], first_year: int) -> None:
        """Remove the rows of other accounts, and days before a year, and let the card say what there is.

        :raises BadSettings: if there are rows and no account: a removed row would not come back with a restored account
        """
        if not known and any(self._files()):
            raise BadSettings.about(
                None,
                "CouchDB has no account any more, as after a loss",
                "The copy for analysts stays as it is. Restore the accounts, or remove the files if all have left.",
            )
        rows, accounts = Counter({table.name: 0 for table in TABLES}), set[str]()
        for path, table, year in self._files():
            with self.failures(), self.open(path) as file:
                found = count_accounts(file)
            is_over = table.doctype == DAY and year < first_year
            if gone := found.keys() - (set() if is_over else known):
                self._note_update()
                stored = decode(table, self.read(path))
                self._replace(path, stored, without_accounts(stored, gone))
                self.rows_removed += sum(found.pop(each) for each in gone)
            rows[table.name] += found.total()
            accounts |= found.keys()
        for name, text in card_files(rows, len(accounts), self._state["updated"]).items():
            if self.read(name) != text.encode():
                self.write(name, text.encode())

    def _files(self) -> Iterator[tuple[str, Table, int]]:
        for found in filter(None, map(_FILE.fullmatch, self.paths())):
            yield found[0], next(table for table in TABLES if table.name == found[1]), int(found[2])

    def _replace(self, path: str, stored: Any, rows: Any) -> None:
        if rows.equals(stored):
            return
        if rows.num_rows:
            self.write(path, encode(rows))
        else:
            self.remove(path)
        self.files_written += 1

    def _note_update(self, **more: Any) -> None:
        self._state |= {"updated": utc_text(datetime.now(UTC)), **more}
        self.write(STATE, json.dumps(self._state).encode())
