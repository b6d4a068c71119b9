"""The records of households' consents. Each is stored before the right is declared that it proves."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import date

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.documents.gas_days import account_range
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import StoreBusy
from include.gas.importing.import_records import is_of_import
from include.gas.proof.consent_record import overdue, read_record, to_document, to_keep

log = logging.getLogger(__name__)

BEFORE_KEPT = "}"
"""An id between those of accounts' records and those of copies that are kept (``KEPT``)."""


class ConsentRecords:
    """The records of all households."""

    def __init__(self, couchdb: CouchDBHook) -> None:
        self._couchdb = couchdb

    def add(self, record: ConsentRecord) -> None:
        """Store a new record."""
        if self._couchdb.put(DOCTYPE, to_document(record)) is None:
            raise StoreBusy.about(record.account, "the record of its consent could not be stored")

    def of(self, account: str) -> list[ConsentRecord]:
        """Return an account's records, the oldest first. Those that cannot be read are logged and left out."""
        found = self._couchdb.range(DOCTYPE, *account_range(account))
        records = [record for document in found if (record := read_record(document))]
        if odd := len(found) - len(records):
            log.warning("Account %s: %d record(s) of its consent in %s cannot be read.", account, odd, DOCTYPE)
        return sorted(records, key=lambda record: record.given)

    def has(self, record_id: str) -> bool:
        """Return whether there is a record with this id."""
        return self._couchdb.get(DOCTYPE, record_id) is not None

    def since(self, moment: str, file: str) -> dict[tuple[str, str], str]:
        """Return which consents an import has recorded: by account and meter, when the first one was.

        :param moment: when the import began, UTC text
        :param file: name of its file
        """
        found: dict[tuple[str, str], str] = {}
        for document in self._couchdb.scan(DOCTYPE, "", BEFORE_KEPT):
            record = read_record(document)
            if record is not None and record.given >= moment and is_of_import(record, file):
                about = (record.account, record.pce)
                found[about] = min(record.given, found.get(about, record.given))
        return found

    def remove(self, record: ConsentRecord) -> None:
        """Remove a record whose household was not connected after all."""
        Remover(self._couchdb).remove(DOCTYPE, record.id)

    def keep(self, account: str, left: date, days: int) -> int:
        """Copy the records of an account that is being deleted, to keep them without its id. Return their number.

        It may be repeated: a copy is named after the record. Removing the records themselves is the deletion's task.

        :param left: civil date in Paris of the deletion
        :param days: for how many days to keep them; with 0 none is kept
        """
        return self.keep_copies(account, self._couchdb.range(DOCTYPE, *account_range(account)), left, days)

    def keep_copies(self, account: str, records: Iterable[Document], left: date, days: int) -> int:
        """Copy some records of an account, as :meth:`keep` does with all."""
        copies = [to_keep(document, left, days) for document in records] if days else []
        kept = self._couchdb.fetch(DOCTYPE, [copy["_id"] for copy in copies]) if copies else {}
        for copy in copies:
            if copy["_id"] not in kept and self._couchdb.put(DOCTYPE, copy) is None:
                raise StoreBusy.about(account, "the record of its consent could not be kept")
        return len(copies)

    def remove_overdue(self, today: date, remover: Remover) -> int:
        """Remove the kept records whose time is over. Return their number.

        :param remover: removes as an administrator, so that nothing of them stays
        """
        removed = remover.remove_range(DOCTYPE, *overdue(today))
        if removed:
            remover.compact(DOCTYPE)
        return removed
