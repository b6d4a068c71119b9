"""The records of consents, each stored before its right is declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.removal import Remover
from include.gas.documents.day_documents import account_range
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.proof.consent_record import ConsentRecord, kept_copy, read_record, to_document


class ConsentRecords:
    """The records of all households."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def add(self, record: ConsentRecord) -> None:
        """Store a new record."""
        self._couchdb.put(DOCTYPE, to_document(record))

    def remove(self, record: ConsentRecord) -> None:
        """Remove a record of what is not declared."""
        Remover(self._couchdb).remove(DOCTYPE, record.id)

    def records_of(self, account: str) -> list[ConsentRecord]:
        """Return an account's readable records, the oldest first."""
        found = filter(None, map(read_record, self._couchdb.range(DOCTYPE, *account_range(account))))
        return sorted(found, key=lambda record: record.given)

    def keep_copies(self, documents: Iterable[Document], left: date, days: int) -> int:
        """Copy records without an account's id, kept for ``days`` from ``left`` in Paris, and return their number."""
        copies = [kept_copy(document, left, days) for document in documents] if days else []
        for copy in copies:
            self._couchdb.put(DOCTYPE, copy)
        return len(copies)

    def all_records(self) -> Iterator[tuple[Document, ConsentRecord]]:
        """Yield all readable records with an account, with their documents."""
        for document in self._couchdb.scan(DOCTYPE):
            if record := read_record(document):
                yield document, record

    @cached_property
    def by_meter(self) -> dict[str, list[ConsentRecord]]:
        """The records by meter, also without an account, as of the first look."""
        found: dict[str, list[ConsentRecord]] = defaultdict(list)
        for _, record in self.all_records():
            found[record.entered.pce].append(record)
        return found
