"""Removing what must not be stored: days of another household, or of a household that has left in the meantime."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from grdf.meters.notes import belongs, note_stored
from grdf.meters.published_totals import write_period_totals
from include.gas.account.sections.announcements import with_unannounced
from include.gas.account.sections.facts import MeterFacts
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.published_note import PublishedNote
from include.gas.account.sections.rights.lost_consents import given_back
from include.gas.days.gas_day import utc_text
from include.gas.documents.billing.periods import is_read_since
from include.gas.documents.changes import Changes
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA, MONTH, PUBLISHED, YEAR
from include.gas.documents.foreign_days import left_by_take_back, take_back
from include.gas.documents.gas_days import account_range, own_day
from include.gas.documents.load_report import LoadReport
from include.gas.documents.storing import ATTEMPTS
from include.gas.errors import AccountLeaving, BadAccount, StoreBusy
from include.gas.leaving.deletion_record import has_left
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.staging.area import StagedAnswer
    from grdf.stores.accounts.account_store import AccountStore


def take_back_foreign(
    couchdb: CouchDBHook,
    accounts: AccountStore,
    account: str,
    meters: Mapping[str, str],
    log: Log,
    note: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> None:
    """Remove what was read of meters after another consent came into force, under which GRDF has served it.

    With days and periods go the contract and the comparison that were noted since, even if no day or period does.
    The account records what is stored now, and that the history must be read again if its own consent is in force after
    all. Other DAGs are informed with the account's next load, or by the morning's check.

    :param meters: the meters' numbers, each with the moment since which answers are not the account's own, as UTC text
    :param note: adds other records to the account's document in the same write
    """
    before = accounts.document(account)
    removed = {pce: _remove_periods(couchdb, account, pce, since) for pce, since in meters.items()}
    periods = {pce for pce, gone in removed.items() if gone}
    # The days are left out of the account's count before they go. If this is killed in between, the next try does not
    # find them, and they would count as lost for good.
    expected = {pce: left_by_take_back(couchdb, account, pce, since) for pce, since in meters.items()}
    if any(each.changed_days for each in expected.values()):
        before = accounts.update(account, partial(_leave_out, expected=expected, before=before))
    reports: dict[str, LoadReport] = {}
    for pce, since in meters.items():
        report = take_back(couchdb, account, pce, since, _years_of_totals(couchdb, account, pce))
        gone, reports[pce] = removed[pce], report
        write_period_totals(couchdb, account, pce, taken_back=True)  # also after a try that was killed here
        if report.corrected or gone:
            log.warning(
                "Account %s, meter %s: %d day(s) and %d published period(s) were read after its own consent had "
                "ended, while somebody else's consent was in force on the meter. They are removed, and the "
                "totals are computed again.",
                account, meter_tag(account, pce), report.corrected, gone,
            )  # fmt: skip

    def change(document: dict[str, Any]) -> dict[str, Any]:
        for pce, report in reports.items():
            new = tuple(day for day in report.changed_days if day not in expected[pce].changed_days)
            document = note_stored(document, pce, replace(report, changed_days=new), before=before, taken_back=True)
        for pce, since in meters.items():
            if pce in periods or _told_since(PublishedNote.raw(document, pce), since):
                document = PublishedNote.put(document, pce, None)
            if _told_since(MeterFacts.raw(document, pce), since):
                document = MeterFacts.put(document, pce, None)
        return note(with_unannounced(document, Changes.of(reports.values())))

    accounts.update(account, change)


def _leave_out(document: dict[str, Any], expected: Mapping[str, LoadReport], before: dict[str, Any]) -> dict[str, Any]:
    """Return the account document with days left out of its count that are about to be removed."""
    for pce, report in expected.items():
        document = note_stored(document, pce, report, before=before, taken_back=True)
    return document


def _years_of_totals(couchdb: CouchDBHook, account: str, pce: str) -> set[int]:
    """Return the years with a total of days. An earlier try may have removed all days of one, and not its totals."""
    return {
        day.year
        for doctype in (MONTH, YEAR)
        for each in couchdb.range(doctype, *account_range(account, pce))
        if each.get("days") and (day := own_day(each, doctype))
    }


def _remove_periods(couchdb: CouchDBHook, account: str, pce: str, since: str) -> int:
    """Remove the published periods of a meter that were read at or after a moment, and return their number."""
    removed = 0
    for _ in range(ATTEMPTS):
        stored = couchdb.range(PUBLISHED, *account_range(account, pce))
        gone = [each for each in stored if is_read_since(each, since)]
        if not gone:
            return removed
        result = couchdb.write(PUBLISHED, [{"_id": e["_id"], "_rev": e["_rev"], "_deleted": True} for e in gone])
        removed += len(result.written)
        if not result.conflicts:
            return removed
    raise StoreBusy.about(
        account,
        f"others changed the published periods of meter {meter_tag(account, pce)} each of the {ATTEMPTS} times that "
        "we tried to take another household's back",
    )


def _told_since(entry: Mapping[str, Any], since: str) -> bool:
    """Whether GRDF was asked at or after a moment for what an account notes of a meter. What cannot be told was."""
    if not entry:
        return False
    try:
        return utc_text(str(entry.get("read_at"))) >= since
    except (ValueError, OverflowError):
        return True


def take_back_given_back(
    couchdb: CouchDBHook,
    accounts: AccountStore,
    document: dict[str, Any],
    answers: Collection[StagedAnswer],
    log: Log,
) -> None:
    """Remove what was read under somebody else's consent, if the account has learned of such a consent in the meantime.

    Or if the account itself is somebody else's by now, see :func:`grdf.meters.notes.belongs`.

    :param document: the account document in its present state
    :param answers: the answers that were stored
    """
    pces = {answer.pce for answer in answers}
    found = {pce: note.since for pce, note in given_back(document).items() if note.since and pce in pces}
    for answer in answers:
        if not belongs(document, answer):
            found[answer.pce] = min(utc_text(answer.read_at), found.get(answer.pce, "9"))
    if found:
        take_back_foreign(couchdb, accounts, str(document["_id"]), found, log)


@contextmanager
def taken_back_if_left(couchdb: CouchDBHook, account: str, forget: Callable[[], None] | None = None) -> Iterator[None]:
    """Remove what was stored if the account turns out to be leaving or gone, see :func:`take_back_if_left`.

    :param forget: called if something was removed, to remove what else is kept of the account
    """
    try:
        yield
    except (AccountLeaving, BadAccount):
        if take_back_if_left(couchdb, account) and forget is not None:
            forget()
        raise


def take_back_if_left(couchdb: CouchDBHook, account: str) -> bool:
    """Remove what was stored for a household that has left in the meantime.

    A deletion waits for the account's running tasks. But a worker that is cut off from Airflow may continue although
    Airflow considers it dead. So the account is checked again after storing, and a late load leaves nothing behind.

    A missing account document proves nothing: a database that is being restored has none either, and GRDF does not
    return days older than three years again. Only a deletion's mark or its record shows that a household has left.

    :return: whether the data was removed; ``False`` if the account exists, or leaves and keeps its data
    :raises BadAccount: if its document is gone and no deletion has removed it; nothing is removed
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
