"""Records of consents whose account does not exist: something was killed before it had made the account, or it is gone.

A record is stored before the account, and the account before anything is sent to GRDF. But that an account does not
exist, and that CouchDB remembers none, does not mean that there never was one: the database may have been restored from
an older backup. A right may rest on the record, and nothing else proves it. So the record is kept as a deletion would
have kept it: without the account's id, and for the time that the settings say. Without this, it would stay for ever.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.account_store import AccountStore
from grdf.stores.consent_records import BEFORE_KEPT, ConsentRecords
from grdf.stores.removal import Remover
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE

log = logging.getLogger(__name__)

AGE = timedelta(days=2)
"""How old a record must be. No task and no page takes so long from the record to the account."""
MOST_NAMED = 10
"""Missing accounts that the log names."""


class OrphanedRecords:
    """Finds and removes such records.

    :param couchdb: the hook for the CouchDB that holds them
    :param remover: removes as an administrator, so that nothing of them stays
    """

    def __init__(self, couchdb: CouchDBHook, remover: Remover) -> None:
        self._couchdb = couchdb
        self._remover = remover

    def remove(self, now: datetime, days: int) -> int:
        """Remove them after copying them, and return their number.

        Nothing is done if several accounts are missing, or if there is no account at all: CouchDB may have lost them,
        and their records must be there when they come back. Accounts whose deletion is not finished are left to it.

        :param now: the present, aware
        :param days: for how many days to keep a copy
        """
        old, accounts = self._old(now)
        leaving = {str(entry.get("account")) for entry in self._couchdb.scan(AUDIT) if not entry.get("finished_at")}
        missing = sorted(accounts - self._couchdb.fetch(ACCOUNT, sorted(accounts)).keys() - leaving)
        if len(missing) > 1:
            log.warning(
                "%d accounts with records of consent do not exist, among them %s. CouchDB may have lost accounts, so "
                "none of these records is removed. Restore the accounts from a backup, or start grdf_adopt_rights, "
                "which gives their rights new accounts and these their records. If they are gone for good, remove "
                "their records from %s.", len(missing), ", ".join(missing[:MOST_NAMED]), DOCTYPE,
            )  # fmt: skip
            return 0
        if missing and not AccountStore(self._couchdb).has_any():
            log.warning(
                "%s holds no account of a household, but account %s has records of consent. CouchDB may have lost "
                "accounts, so none of these records is removed. Restore them from a backup. If no household is "
                "connected any more, remove the records from %s.", ACCOUNT, missing[0], DOCTYPE,
            )  # fmt: skip
            return 0
        removed = 0
        for each in old:
            account = _account_of(each)
            # It may have been made in the meantime.
            if account in missing and self._couchdb.get(ACCOUNT, account) is None:
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


def _account_of(document: Document) -> str:
    return str(document["_id"]).partition(":")[0]
