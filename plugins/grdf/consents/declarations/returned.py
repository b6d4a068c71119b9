"""Households that have left but whose account exists, or whose deletion does not end. Their data must be removed.

The record of a deletion is in a database of its own and is kept, whereas a backup of the accounts does not know of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.consents.declarations.left_behind import LeftBehind
from include.gas.account.account import ACCOUNT_TYPE
from include.gas.account.sections.marks import leaving
from include.gas.account.state import with_state
from include.gas.documents.doctypes import AUDIT
from include.gas.errors import OAUTH_OUTDATED, ODD_DOCUMENT, GasError
from include.gas.importing.holdings import Holding, Holdings
from include.gas.leaving.deletion_record import left_before, left_error
from include.gas.leaving.late_rights import open_message, unfinished_message

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.consents.declarations.long_waits import LongWaits
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.answers.access_rights import AccessRight


class Returned:
    """Finds and marks the accounts of households that have left.

    ``records`` are the records of deletions by account, and ``count`` says how many accounts are marked.
    """

    def __init__(self, couchdb: CouchDBHook, log: Log) -> None:
        self._log = log
        self.records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for record in couchdb.scan(AUDIT):
            self.records[str(record.get("account"))].append(record)
        self.count = 0

    def without_returned(self, accounts: AccountStore, waits: LongWaits) -> Iterator[dict[str, Any]]:
        """Yield the account documents of households that have not left.

        Mark the others, which are then not read any more.

        :param waits: removes what a household gave and a backup has brought back
        """
        for document in accounts.listed():
            left = self._left(document)
            if left is None:
                yield document
                continue
            self.count += 1
            account, now = str(document["_id"]), datetime.now(UTC)
            message = str(left_error(account, left))
            self._log.warning("%s", message)

            def change(stored: dict[str, Any], message: str = message, now: datetime = now) -> dict[str, Any]:
                return stored if self._left(stored) is None else with_state(stored, OAUTH_OUTDATED, message, since=now)

            try:
                waits.settle_left(accounts.update(account, change), now)
            except GasError as error:  # it may be deleted at this very moment
                self._log.warning("Account %s could not be marked, and is not checked. %s", account, error)

    def tell_unfinished(
        self, couchdb: CouchDBHook, accounts: AccountStore, lists: Mapping[str, Sequence[AccessRight]]
    ) -> int:
        """Tell of deletions that do not end, and of rights that GRDF's list shows after their account is gone.

        :param lists: all rights of each client whose list is known, by its connection
        :return: how many accounts are concerned
        """
        unfinished, holdings, now = 0, Holdings(()), datetime.now(UTC)
        for document in accounts.every():
            holdings.add(Holding.of(document))
            mark = leaving(document) if document.get("account_type") == ACCOUNT_TYPE else None
            if mark and (message := unfinished_message(str(document["_id"]), mark, now)):
                unfinished += 1
                self._log.warning("%s", message)
        for account, records in self.records.items():
            missing = holdings.of(account) is None
            if missing and (message := next(filter(None, (open_message(account, each, now) for each in records)), "")):
                unfinished += 1
                self._log.warning("%s", message)
        return unfinished + len(LeftBehind(couchdb).find(self.records, lists, holdings))

    def _left(self, document: dict[str, Any]) -> str | None:
        try:
            return left_before(document, self.records.get(str(document["_id"]), ()))
        except ODD_DOCUMENT:
            return None  # an invalid document is reported where its consents are checked
