"""Records of consents whose account does not exist: something was killed before it had made the account, or it is gone.

A record is stored before the account, and the account before anything is sent to GRDF. So no right rests on the record
of an account that never existed, and it is removed. Where the account existed, a right may rest on the record, and it
is kept as a deletion would have kept it. Without this, both would stay for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.consent_records import BEFORE_KEPT, ConsentRecords
from grdf.stores.removal import Remover
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE

log = logging.getLogger(__name__)

AGE = timedelta(days=2)
"""How old a record must be. No task and no page takes so long from the record to the account."""
FEW, SHARE = 10, 0.2
"""How many accounts with records may be missing, and which share of them. Beyond both, accounts may have been lost."""


class OrphanedRecords:
    """Finds and removes such records.

    :param couchdb: the hook for the CouchDB that holds them
    :param remover: removes as an administrator, so that nothing of them stays
    """

    def __init__(self, couchdb: CouchDBHook, remover: Remover) -> None:
        self._couchdb = couchdb
        self._remover = remover

    def remove(self, now: datetime, days: int) -> int:
        """Remove them, and return their number. Those of an account whose deletion is not finished are left to it.

        :param now: the present, aware
        :param days: for how many days to keep the record of an account that existed
        """
        old, accounts = self._old(now)
        missing = accounts - self._couchdb.fetch(ACCOUNT, sorted(accounts)).keys()
        if len(missing) > max(FEW, len(accounts) * SHARE):
            log.warning(
                "%d accounts with records of consent do not exist, of %d. CouchDB may have lost accounts, so none of "
                "these records is removed. If the accounts are gone for good, remove their records from %s.",
                len(missing), len(accounts), DOCTYPE,
            )  # fmt: skip
            return 0
        leaving = {str(entry.get("account")) for entry in self._couchdb.scan(AUDIT) if not entry.get("finished_at")}
        orphans = [each for each in old if _account_of(each) in missing - leaving]
        existed = self._existed({_account_of(each) for each in orphans})
        removed = 0
        for each in orphans:
            account = _account_of(each)
            if self._couchdb.get(ACCOUNT, account) is not None:  # it was made in the meantime
                continue
            if account in existed:
                ConsentRecords(self._couchdb).keep_copies(account, [each], paris_today(now), days)
            removed += self._remover.remove(DOCTYPE, str(each["_id"]))
        if removed:
            self._remover.compact(DOCTYPE)
        return removed

    def _old(self, now: datetime) -> tuple[list[Document], set[str]]:
        """Return the records that are old enough, and the accounts that have any. A clock may have been ahead."""
        first, last = utc_text(now - AGE), utc_text(now + AGE)
        records = list(self._couchdb.scan(DOCTYPE, "", BEFORE_KEPT))
        old = [each for each in records if not first <= str(each.get("given") or "") <= last]
        return old, {_account_of(each) for each in records}

    def _existed(self, accounts: Collection[str]) -> set[str]:
        """Return which of these accounts CouchDB remembers as deleted."""
        return self._couchdb.deleted(ACCOUNT, sorted(accounts)) if accounts else set()


def _account_of(document: Document) -> str:
    return str(document["_id"]).partition(":")[0]
