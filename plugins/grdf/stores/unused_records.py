"""Records of consents on which no right rests, although their account exists: it was refused, or replaced.

Whoever corrects a refused declaration has 30 days; then the person is removed from the account, and the record that
says the same goes, too.
"""

from __future__ import annotations

from datetime import datetime

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.consent_records import BEFORE_KEPT
from grdf.stores.removal import Remover
from include.gas.account.sections.marks import Connected, leaving
from include.gas.account.sections.rights.declaration import REFUSED_KEPT, Declaration, names_person
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.documents.stored_documents import ConsentRecord
from include.gas.proof.consent_record import read_record
from include.gas.proof.record_use import may_rest_on


def remove_unused(couchdb: CouchDBHook, remover: Remover, now: datetime) -> int:
    """Remove such records, and return their number. Accounts that cannot be understood keep theirs.

    :param couchdb: the hook for the CouchDB that holds them
    :param remover: removes as an administrator, so that nothing of them stays
    :param now: the present, aware
    """
    last = utc_text(now - REFUSED_KEPT)
    stored = (read_record(document) for document in couchdb.scan(DOCTYPE, "", BEFORE_KEPT))
    old = [record for record in stored if record is not None and record.given < last]
    accounts = couchdb.fetch(ACCOUNT, sorted({record.account for record in old}))
    unused = [record.id for record in old if _is_unused(record, accounts.get(record.account), now)]
    return sum(remover.remove(DOCTYPE, each) for each in unused)


def _is_unused(record: ConsentRecord, document: Document | None, now: datetime) -> bool:
    if document is None:
        return False  # see ``grdf.stores.orphaned_records``
    asked = Declaration.of(document)
    pending = asked is not None and asked.pce.strip() == record.pce and names_person(document)
    newest = Connected.record_of(document) == record.id and "oauth_callback_results" in document
    return not (pending or newest or leaving(document) is not None or may_rest_on(document, record, now))
