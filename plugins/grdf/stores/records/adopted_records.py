"""Records of consents that an adoption takes along: their account is lost, and their right gets another one.

Nothing else says that a record and a right belong together, so holder, meter and moment decide. A record of an account
that does not know the right counts, too: it may have come back from a backup made before GRDF's answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.removal import Remover
from include.gas.account.sections.marks import Connected
from include.gas.answers.access_rights import AccessRight
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.errors import StoreBusy
from include.gas.proof.consent_record import handed_over, read_record
from include.gas.proof.record_use import may_rest_on, record_behind


class AdoptedRecords:
    """Hands records over to the accounts that are made for their rights.

    :param pces: the meters of the rights; all records are read once, and those of other meters forgotten
    """

    def __init__(self, couchdb: CouchDBHook, pces: Collection[str]) -> None:
        self._couchdb = couchdb
        self._records: list[tuple[Document, ConsentRecord]] = []
        for document in couchdb.scan(DOCTYPE):
            record = read_record(document)
            if record is not None and record.pce in pces:
                self._records.append((document, record))

    def behind(self, rights: Iterable[AccessRight]) -> list[Document]:
        """Return the stored records on which rights rest that no account knows, in the order of the rights."""
        found: dict[str, Document] = {}
        for right in rights:
            free = {each.id: (document, each) for document, each in self._records if each.pce == right.pce}
            records = [each for _, each in free.values() if self._is_free(each)]
            if record := record_behind(records, right):
                found[record.id] = free[record.id][0]
        return list(found.values())

    def give(self, records: Iterable[Document], account: str) -> list[str]:
        """Store records as those of another account, which is about to be made. Return the ids of those stored here.

        Others are there already: of a try that died, or of another worker that is making the same account.
        """
        stored: list[str] = []
        for each in (handed_over(document, account) for document in records):
            if self._couchdb.put(DOCTYPE, each) is not None:
                stored.append(str(each["_id"]))
            elif self._couchdb.get(DOCTYPE, each["_id"]) is None:
                raise StoreBusy.about(account, "the record of its consent could not be stored")
        return stored

    def take_back(self, ids: Collection[str]) -> None:
        """Remove what was stored for an account that was not made after all. The records themselves are still there.

        If another worker has made the account with one of them, they are its own, and the only ones.
        """
        accounts = self._couchdb.fetch(ACCOUNT, {each.partition(":")[0] for each in ids})
        if not any(Connected.record_of(document) in ids for document in accounts.values()):
            for each in ids:
                Remover(self._couchdb).remove(DOCTYPE, each)

    def forget(self, records: Iterable[Document]) -> None:
        """Remove records that another account has now, unless their own account exists, which keeps them."""
        for document in records:
            account = str(document.get("account") or "")
            if not account or self._couchdb.get(ACCOUNT, account) is None:
                Remover(self._couchdb).remove(DOCTYPE, str(document["_id"]))

    def _is_free(self, record: ConsentRecord) -> bool:
        document = self._couchdb.get(ACCOUNT, record.account) if record.account else None
        return not may_rest_on(document, record, datetime.now(UTC))
