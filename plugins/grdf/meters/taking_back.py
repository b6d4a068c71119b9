"""Taking back what must not be stored: another household's days, or those of a household that has left meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from grdf.meters.notes import note_stored
from include.gas.account.sections.announcements import with_unannounced
from include.gas.account.sections.lost_consents import given_back
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.published_note import PublishedNote
from include.gas.account.sections.stored import told_years
from include.gas.days.gas_day import utc_text
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA, PUBLISHED
from include.gas.documents.gas_days import account_range
from include.gas.documents.storing import LoadReport, take_back
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.leaving.deletion_record import has_left
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.stores.account_store import AccountStore


def take_back_foreign(
    couchdb: CouchDBHook,
    accounts: AccountStore,
    account: str,
    meters: Mapping[str, str],
    log: Log,
    note: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> None:
    """Take back what was read of meters since somebody else's consent stands there: GRDF has served it under that.

    The account notes what is stored now, and that the history is to be read again should its own consent be in force
    after all; other DAGs are told with its next load, or by the morning's check.

    :param couchdb: the hook that stores
    :param accounts: the account documents
    :param account: account id
    :param meters: the meters, each with the moment since which what was read is not its own, UTC text
    :param log: the task's log
    :param note: what else is noted on the account with it
    """
    before = accounts.document(account)
    reports: dict[str, LoadReport] = {}
    periods: set[str] = set()
    for pce, since in meters.items():
        report = reports[pce] = take_back(couchdb, account, pce, since, told_years(before, pce))
        published = couchdb.range(PUBLISHED, *account_range(account, pce))
        gone = [each for each in published if each.get("read_at") and utc_text(each["read_at"]) >= since]
        if gone:
            periods.add(pce)
            couchdb.write(PUBLISHED, [{"_id": e["_id"], "_rev": e["_rev"], "_deleted": True} for e in gone])
        if report.corrected or gone:
            log.warning(
                "Account %s, meter %s: %d day(s) and %d published period(s) were read after its own consent had "
                "ended, while somebody else's consent was in force on the meter. They are removed, and the "
                "totals are computed again.",
                account, meter_tag(account, pce), report.corrected, len(gone),
            )  # fmt: skip

    def change(document: dict[str, Any]) -> dict[str, Any]:
        for pce, report in reports.items():
            document = note_stored(document, pce, report, before=before)
        for pce in periods:
            document = PublishedNote.put(document, pce, None)
        return note(with_unannounced(document, Changes.of(reports.values())))

    accounts.update(account, change)


def take_back_given_back(
    couchdb: CouchDBHook,
    accounts: AccountStore,
    document: dict[str, Any],
    pces: Collection[str],
    log: Log,
) -> None:
    """Take back what was read of some meters under somebody else's consent, if the account has learnt of one meanwhile.

    :param couchdb: the hook that stores
    :param accounts: the account documents
    :param document: the account document as it is now
    :param pces: the meters whose answers were stored
    :param log: the task's log
    """
    found = {pce: note.since for pce, note in given_back(document).items() if note.since and pce in pces}
    if found:
        take_back_foreign(couchdb, accounts, str(document["_id"]), found, log)


@contextmanager
def taken_back_if_left(couchdb: CouchDBHook, account: str, forget: Callable[[], None] | None = None) -> Iterator[None]:
    """Take back what was stored, see :func:`take_back_if_left`, when the account turns out to be leaving or gone.

    :param couchdb: the hook that stored
    :param account: account id
    :param forget: called when something was taken back, to remove what else is kept of it
    """
    try:
        yield
    except (AccountLeaving, BadAccount):
        if take_back_if_left(couchdb, account) and forget is not None:
            forget()
        raise


def take_back_if_left(couchdb: CouchDBHook, account: str) -> bool:
    """Remove what was stored for a household that has left meanwhile.

    A deletion waits for tasks of the account that run, yet a worker that is cut off from Airflow may go on when Airflow
    believes it dead. So the account is looked at again after storing, and a late load leaves nothing behind.

    That its document is not there is no proof: a database that is being restored has none either, and GRDF gives no day
    again that is older than three years. Only a deletion's mark or its record says that a household has left.

    :param couchdb: the hook that stored
    :param account: account id
    :return: whether it was taken back; not when the account is there, or leaves and keeps its data
    :raises BadAccount: when its document is gone and no deletion has removed it: nothing is taken back
    """
    document = couchdb.get(ACCOUNT, account)
    if document is None:
        _stop_if_lost(couchdb, account)
    else:
        mark = leaving(document)
        if mark is None or mark.keep_data:
            return False
    from grdf.stores.removal import Remover

    for doctype in DATA:
        Remover(couchdb).remove_range(doctype, *account_range(account))
    return True


def _stop_if_lost(couchdb: CouchDBHook, account: str) -> None:
    if not couchdb.has_database(ACCOUNT):
        raise BadAccount.about(
            account,
            f"CouchDB has lost the database of all accounts ({ACCOUNT}) in the meantime, so it is not known "
            "whether the household has left, and everything that is stored for it stays",
            "Restore the database, then clear this task.",
        )
    if not has_left(couchdb.range(AUDIT, *account_range(account)), datetime.now(UTC)):
        raise BadAccount.about(
            account,
            "its document has disappeared from CouchDB without a deletion, so everything that is stored for it stays",
            "Restore the document, then clear this task. If the household has left, start grdf_delete_account "
            "after that.",
        )
