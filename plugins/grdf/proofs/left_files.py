"""Files for GRDF that were put there for a household that has left: they go, and are never sent for another one.

A deletion removes the files that it sees. Others stay if it ran on a worker with another disk or another
``staging_url``, and the account's id may be given to another household.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from grdf.hooks.couchdb import CouchDBHook, Document
from grdf.staging.proof_files import FOLDER, ProofFiles
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.records.orphaned_records import deletions_by_account
from include.gas.account.sections.marks import Connected
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, AUDIT
from include.gas.documents.gas_days import account_range, check_account_id
from include.gas.leaving.deletion_record import is_under_way, may_have_left_at

log = logging.getLogger(__name__)

KEPT = timedelta(days=30)
"""How long files wait for an account that was never there: somebody may be about to connect the household."""


class LeftFiles:
    """Finds and removes such files."""

    def __init__(self, couchdb: CouchDBHook, files: ProofFiles) -> None:
        self._couchdb = couchdb
        self._files = files

    def remove_older(self, document: Document) -> None:
        """Remove the files that have waited for an account since before its household was connected."""
        account = str(document["_id"])
        if not self._files.count(account):
            return
        left = may_have_left_at(self._couchdb.range(AUDIT, *account_range(account)))
        moments = [each for each in (Connected.moment(document), left) if isinstance(each, str) and each]
        since = max(map(_moment, moments), default="")
        if removed := self._files.remove_older(account, since):
            _tell(account, removed, f"before its household was connected on {since[:16].replace('T', ' at ')} UTC")

    def remove(self, now: datetime) -> int:
        """Remove the files that belong to no account, and return their number.

        Where no deletion is known, they stay for :data:`KEPT`, and if there are several such accounts, or if there is
        no account at all, until a person has looked: CouchDB may have lost accounts.
        """
        names = self._files.names()
        accounts = self._couchdb.fetch(ACCOUNT, [name for name in names if _is_id(name)])
        missing = [name for name in names if name not in accounts]
        deletions = deletions_by_account(self._couchdb) if missing else {}
        # A deletion that is under way removes them itself.
        missing = [name for name in missing if not any(is_under_way(entry, now) for entry in deletions.get(name, ()))]
        changed = {name: self._files.changed(name) for name in missing}
        left = [name for name in missing if utc_text(changed[name]) < may_have_left_at(deletions.get(name, ()))]
        removed = sum(map(self._remove, left))
        doubtful = [name for name in missing if name not in left and changed[name] < now - KEPT]
        if len(doubtful) > 1 or (doubtful and not AccountStore(self._couchdb).has_any()):
            log.warning(
                "%d folder(s) with files for GRDF belong to no account. CouchDB may have lost some, so none of them "
                "is removed. Restore the accounts, or remove the folders from %s of the staging folder.",
                len(doubtful), FOLDER,
            )  # fmt: skip
            return removed
        return removed + sum(self._remove(name) for name in doubtful)

    def _remove(self, name: str) -> int:
        removed = self._files.remove(name)
        if _is_id(name):
            _tell(name, removed, "for an account that does not exist")
        else:  # it may name somebody
            log.warning("%d file(s) for GRDF are removed that were in a folder with no account's name.", removed)
        return removed


def _is_id(name: str) -> bool:
    try:
        return bool(check_account_id(name))
    except ValueError:
        return False


def _tell(account: str, removed: int, why: str) -> None:
    log.warning(
        "Account %s: %d file(s) that waited to be sent to GRDF are removed and were not sent, because they were put "
        "there %s, and may be a former household's. If GRDF is to get them, put them there again, then start "
        "grdf_send_proof with this account.", account, removed, why,
    )  # fmt: skip


def _moment(text: str) -> str:
    try:
        return utc_text(text)
    except (ValueError, OverflowError):
        return ""
