"""The records of households' consents. Each is stored before the right is declared that it proves."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.removal import Remover
from include.gas.answers.access_rights import AccessRight
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.documents.gas_days import account_range
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import StoreBusy
from include.gas.proof.consent_record import (
    handed_over,
    overdue,
    read_record,
    record_behind,
    to_document,
    to_keep,
)

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

    def hand_over(self, right: AccessRight, account: str) -> ConsentRecord | None:
        """Give an account the record of a right whose own account is gone; a copy that was kept counts, too.

        It may be repeated, and done before the account is made: if that is not made after all, the record is kept
        like any other that nobody needs. All records are read once.

        :param right: the right, as GRDF lists it
        :param account: the account that gets it
        :return: the account's record; ``None`` if there is none
        """
        known = self.by_meter[right.pce]
        free = [each for each in known if each.account in ("", account) or not self._has_account(each.account)]
        found = record_behind(free, right)
        if found is None or found.account == account:
            return found
        mine = handed_over(found, account)
        if self._couchdb.get(DOCTYPE, mine.id) is None:
            self.add(mine)
        self.remove(found)
        known.remove(found)
        known.append(mine)
        return mine

    def remove(self, record: ConsentRecord) -> None:
        """Remove a record whose household was not connected after all, or which another account has got."""
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

    def of_accounts(self) -> Iterator[tuple[Document, ConsentRecord]]:
        """Yield the records of all accounts, with their documents, without copies and those that cannot be read."""
        for document in self._couchdb.scan(DOCTYPE, "", BEFORE_KEPT):
            if record := read_record(document):
                yield document, record

    def remove_overdue(self, today: date, remover: Remover) -> int:
        """Remove the kept records whose time is over. Return their number.

        :param remover: removes as an administrator, so that nothing of them stays
        """
        return remover.remove_range(DOCTYPE, *overdue(today))

    @cached_property
    def by_meter(self) -> dict[str, list[ConsentRecord]]:
        """All records that can be read, also those that no account has, by meter. They are read once."""
        found: dict[str, list[ConsentRecord]] = defaultdict(list)
        for document in self._couchdb.scan(DOCTYPE):
            if record := read_record(document):
                found[record.pce].append(record)
        return found

    def _has_account(self, account: str) -> bool:
        return self._couchdb.get(ACCOUNT, account) is not None
