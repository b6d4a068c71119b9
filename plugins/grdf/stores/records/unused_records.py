"""Records of consents on which no right rests, although their account exists: it was refused, or replaced.

Whoever corrects a refused declaration has 30 days; then the person is removed from the account, and its record goes,
too. An account that came back from a backup made before GRDF's answer looks the same, although a right rests on its
record. So a copy is kept, as a deletion keeps one: without the account's id.
"""

from __future__ import annotations

from datetime import datetime

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.records.consent_records import BEFORE_KEPT, ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.sections.marks import Connected, leaving
from include.gas.account.sections.rights.declaration import REFUSED_KEPT, Declaration, names_person
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.proof.consent_record import read_record
from include.gas.proof.record_use import may_rest_on


def remove_unused(couchdb: CouchDBHook, remover: Remover, now: datetime, days: int) -> int:
    """Remove such records after copying them, and return their number. Accounts that cannot be understood keep theirs.

    :param remover: removes as an administrator, so that nothing of them stays
    :param days: for how many days to keep a copy
    """
    last = utc_text(now - REFUSED_KEPT)
    stored = ((document, read_record(document)) for document in couchdb.scan(DOCTYPE, "", BEFORE_KEPT))
    old = [(document, record) for document, record in stored if record is not None and record.given < last]
    accounts = couchdb.fetch(ACCOUNT, sorted({record.account for _, record in old}))
    removed = 0
    for document, record in old:
        if _is_unused(record, accounts.get(record.account), now):
            ConsentRecords(couchdb).keep_copies(record.account, [document], paris_today(now), days)
            removed += remover.remove(DOCTYPE, record.id)
    return removed


def _is_unused(record: ConsentRecord, document: Document | None, now: datetime) -> bool:
    if document is None:
        return False  # see ``grdf.stores.records.orphaned_records``
    asked = Declaration.of(document)
    pending = asked is not None and asked.pce.strip() == record.pce and names_person(document)
    newest = Connected.record_of(document) == record.id and "oauth_callback_results" in document
    return not (pending or newest or leaving(document) is not None or may_rest_on(document, record, now))
