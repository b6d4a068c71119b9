"""Records of consents whose account does not exist: something was killed before it had made the account, or it is gone.

A record is stored before the account, and the account before anything is sent to GRDF. But that an account does not
exist, and that CouchDB remembers none, does not mean that there never was one: the database may have been restored from
an older backup. A right may rest on the record, and nothing else proves it. So the record is kept as a deletion would
have kept it: without the account's id, and for the time that the settings say. Without this, it would stay for ever.

Records of households that have left may come back with a backup, too. Their deletions are known, and these count.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.consent_records import BEFORE_KEPT, ConsentRecords
from grdf.stores.removal import Remover
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.doctypes import CONSENT_RECORD as DOCTYPE
from include.gas.leaving.deletion_record import is_under_way, may_have_left_at

log = logging.getLogger(__name__)

AGE = timedelta(days=2)
"""How old a record must be. No task and no page takes so long from the record to the account."""
MOST_NAMED = 10
"""Missing accounts that the log names."""


class OrphanedRecords:
    """Finds and removes such records.

    :param remover: removes as an administrator, so that nothing of them stays
    """

    def __init__(self, couchdb: CouchDBHook, remover: Remover) -> None:
        self._couchdb = couchdb
        self._remover = remover

    def remove(self, now: datetime, days: int) -> int:
        """Remove them after copying them, and return their number.

        Records from before the end of their account's last deletion are kept from that day on, or go if that time is
        over. The others stay if accounts of several are missing, or if there is no account at all: CouchDB may have
        lost them, and their records must be there when they come back. A deletion that is under way does it itself; one
        that was killed counts as ended when it was asked for.

        :param days: for how many days to keep a copy
        """
        records = list(self._couchdb.scan(DOCTYPE, "", BEFORE_KEPT))
        deletions = deletions_by_account(self._couchdb) if records else {}
        present = self._couchdb.fetch(ACCOUNT, sorted({_account_of(each) for each in records}))
        under_way = {name for name, entries in deletions.items() if any(is_under_way(each, now) for each in entries)}
        gone = [each for each in records if _account_of(each) not in {*present, *under_way}]
        left = {str(each["_id"]): _left(each, deletions.get(_account_of(each), ())) for each in gone}
        missing = sorted({_account_of(each) for each in gone if not left[str(each["_id"])]})
        lost, removed = self._may_be_lost(missing), 0
        for each in _old(gone, now):
            moment = left[str(each["_id"])]
            if moment or not lost:
                since = datetime.fromisoformat(moment) if moment else now
                removed += self._move(each, paris_today(since), now, days)
        if removed:
            self._remover.compact(DOCTYPE)
        return removed

    def _may_be_lost(self, missing: Sequence[str]) -> bool:
        """Return whether CouchDB may have lost the accounts that are missing, and tell what to do if so."""
        if len(missing) > 1 or (missing and not AccountStore(self._couchdb).has_any()):
            log.warning(
                "%d account(s) with records of consent do not exist, among them %s. CouchDB may have lost accounts, so "
                "none of these records is removed. Restore the accounts from a backup, or start grdf_adopt_rights, "
                "which gives their rights new accounts and these their records. If they are gone for good, remove "
                "their records from %s.", len(missing), ", ".join(missing[:MOST_NAMED]), DOCTYPE,
            )  # fmt: skip
            return True
        return False

    def _move(self, document: Document, since: date, now: datetime, days: int) -> int:
        """Remove a record after copying it, unless its account was made in the meantime. Return how many were removed.

        :param since: civil date in Paris from which the days are counted; if they are over, there is no copy
        """
        account = _account_of(document)
        if self._couchdb.get(ACCOUNT, account) is not None:
            return 0
        if since + timedelta(days=days) >= paris_today(now):
            ConsentRecords(self._couchdb).keep_copies(account, [document], since, days)
        return self._remover.remove(DOCTYPE, str(document["_id"]))


def deletions_by_account(couchdb: CouchDBHook) -> dict[str, list[Document]]:
    """Return the records of all deletions by the accounts that they are about."""
    found: dict[str, list[Document]] = defaultdict(list)
    for entry in couchdb.scan(AUDIT):
        found[str(entry.get("account"))].append(entry)
    return dict(found)


def _old(records: Iterable[Document], now: datetime) -> list[Document]:
    """Return the records that are old enough."""
    first = utc_text(now - AGE)
    return [each for each in records if str(each.get("given") or "") < first]


def _left(document: Document, deletions: Iterable[Document]) -> str:
    """Return when the deletion ended that has removed a record's household, UTC text; ``""`` if none is known.

    One that was killed counts from when it was asked for.
    """
    try:
        left = may_have_left_at(deletions)
        before = bool(left) and utc_text(str(document.get("given"))) < utc_text(left)
    except (ValueError, OverflowError):
        return ""
    return left if before else ""


def _account_of(document: Document) -> str:
    return str(document["_id"]).partition(":")[0]
