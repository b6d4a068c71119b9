"""Records of consents on which no right rests, although their account exists: it was refused, or replaced.

Whoever corrects a refused declaration has 30 days; then the person is removed from the account, and the record that
says the same goes, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.consent_records import BEFORE_KEPT
from grdf.stores.removal import Remover
from include.gas.account.own_meters import meters_in
from include.gas.account.sections.declaration import REFUSED_KEPT, Declaration, names_person
from include.gas.account.sections.marks import Connected, leaving
from include.gas.account.sections.sent_declarations import FORGOTTEN, SentDeclarations
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.errors import GasError
from include.gas.proof.consent_record import read_record


class UnusedRecords:
    """Finds and removes such records.

    :param couchdb: the hook for the CouchDB that holds them
    :param remover: removes as an administrator, so that nothing of them stays
    """

    def __init__(self, couchdb: CouchDBHook, remover: Remover) -> None:
        self._couchdb = couchdb
        self._remover = remover

    def remove(self, now: datetime) -> int:
        """Remove them, and return their number. Accounts that cannot be understood keep theirs.

        :param now: the present, aware
        """
        last = utc_text(now - REFUSED_KEPT)
        stored = (read_record(document) for document in self._couchdb.scan(DOCTYPE, "", BEFORE_KEPT))
        old = [record for record in stored if record is not None and record.given < last]
        accounts = self._couchdb.fetch(ACCOUNT, sorted({record.account for record in old}))
        removed = 0
        for record in old:
            document = accounts.get(record.account)
            if document is not None and _is_unused(record, document, now):
                removed += self._remover.remove(DOCTYPE, record.id)
        return removed


def _is_unused(record: ConsentRecord, document: Document, now: datetime) -> bool:
    """Return whether no right of an account rests on a record, and none is being declared with it.

    A right rests on a record that is older than it. It may be any of those, since the account does not say for whom the
    right is.
    """
    try:
        meters = meters_in(document, record.account)
    except (GasError, AttributeError, TypeError, ValueError):
        return False
    rights = [right for meter in meters for right in meter.rights if right.pce == record.pce]
    rests = any(not right.brought or record.given <= right.brought for right in rights)
    named = Connected.record_of(document) == record.id and bool(rights)
    return not (rests or named or leaving(document) is not None or _is_pending(record.pce, document, now))


def _is_pending(pce: str, document: Mapping[str, object], now: datetime) -> bool:
    asked = Declaration.of(document)
    oldest = utc_text(now - FORGOTTEN)
    sent = [each for each in SentDeclarations.of(document) if each.at > oldest]
    return any(each.pce == pce for each in sent) or (
        asked is not None and asked.pce.strip() == pce and names_person(document)
    )
