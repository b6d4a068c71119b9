"""Storing GRDF's answers, and recording them on the account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from grdf.meters.judging import warn_of_left_out
from grdf.meters.notes import note_gaps, note_history, note_stored, warn_of_lost_days
from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.facts import annual_use
from include.gas.account.sections.marks import leaving
from include.gas.documents.day_checks import doubts_message
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA
from include.gas.documents.gas_days import account_range
from include.gas.documents.load_report import LoadReport
from include.gas.documents.storing import load_answer
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.leaving.deletion_record import removes_data
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.meters.asking import ReadAnswer
    from grdf.staging.area import StagedAnswer
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.answers.consumption.daily import Reading
    from include.gas.answers.consumption.sorting import Answer
    from include.gas.rights.meter_rights import Held


class Loaded(NamedTuple):
    """An answer that was stored.

    :param answer: the answer as received
    :param lines: its parsed lines
    :param report: what the load did
    """

    answer: StagedAnswer
    lines: Answer[Reading]
    report: LoadReport


def store_answer(
    couchdb: CouchDBHook, account: str, read: ReadAnswer, held: Held, known: Mapping[str, Any], log: Log
) -> Loaded:
    """Store an answer's readings, update the totals, and log what changed and what is doubtful.

    No day is stored that the account may not hold, and those that are stored are removed.

    The log outlives a deletion. It must not say when nobody is at home, so it reads the same for days without gas: it
    names a total also if its load stays the same, and counts no days that only became doubtful.

    :param held: what the account has of the meter now
    :param known: the account's document, which says what the contract of the meter is
    """
    answer, lines = read
    report = load_answer(
        couchdb, account, answer.pce, lines.rows, answer.read_at,
        window=answer.window, checked=True, car=annual_use(known, answer.pce), allowed=held.days,
    )  # fmt: skip
    changed = report.new + report.corrected + report.confirmed + report.completed
    done = {
        "new": report.new,
        "corrected": report.corrected,
        "made definitive": report.confirmed,
        "completed": report.completed,
        "unchanged": len(lines.rows) - changed - report.stale,
        "overtaken by a later reading": report.stale,
        "absent at GRDF": len(lines.absent),
    }
    said = ", ".join(f"{number} {what}" for what, number in done.items() if number) or "none"
    tag = meter_tag(account, answer.pce)
    log.info("Account %s, meter %s: days: %s (%s).", account, tag, said, answer.window)
    doubts = doubts_message(report.doubts)
    if not (changed or report.months or report.years or doubts):
        log.info("Account %s, meter %s: nothing changed.", account, tag)
    if gone := sum(total.after is None for total in report.totals):
        log.warning(
            "Account %s, meter %s: %d month or year total(s) were removed, since none of their days is stored "
            "any more.",
            account, tag, gone,
        )  # fmt: skip
    for total in report.replaced:  # a period seen for the first time adds nothing to the count of new days
        log.info("Account %s, meter %s: the total of %s was computed anew.", account, tag, total.rpartition(":")[2])
    if doubts:
        log.warning(
            "Account %s, meter %s: %s. What GRDF sent is stored as it is, and marked: see doubts in docs/documents.md, "
            "and ask GRDF if the household knows of nothing.",
            account, tag, doubts,
        )  # fmt: skip
    if report.removed_days:
        log.warning(
            "Account %s, meter %s: %d stored day(s) were removed: its right does not cover them. They were read before "
            "that was known.", account, tag, len(report.removed_days),
        )  # fmt: skip
    warn_of_left_out(lines, "lines", log)
    return Loaded(answer, lines, report)


def acknowledge(
    accounts: AccountStore,
    account: str,
    loads: Sequence[Loaded],
    log: Log,
    *,
    before: dict[str, Any],
    held: Mapping[str, Held],
    first_launch: Collection[str] = (),
    note: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """Record on the account what was just stored of its meters, which days are missing, and which were lost.

    :param loads: what was stored
    :param held: what the account has of its meters, by meter
    :param before: the account document from before the store was read
    :param first_launch: meters of which no other years can be stored
    :param note: adds the task's own records to the document, after all others
    :return: the account document as written
    :raises AccountLeaving, BadAccount: if the household has left in the meantime
    """

    def change(document: dict[str, Any]) -> dict[str, Any]:
        now = Account.from_document(document)
        stop_if_leaving(now)
        for answer, lines, report in loads:
            first, mine = answer.pce in first_launch, held[answer.pce]
            document = note_stored(document, answer.pce, report, first_launch=first, before=before)
            document = note_gaps(note_history(document, answer, mine), answer, lines, report, mine)
        return note(document)

    for loaded in loads:
        warn_of_lost_days(before, loaded.answer.pce, loaded.report, log)
    return accounts.update(account, change, known=before if "_rev" in before else None)


@contextmanager
def undone_if_left(couchdb: CouchDBHook, account: str, forget: Callable[[], None]) -> Iterator[None]:
    """Remove what is stored of an account whose household turns out to have left while its data were stored.

    A deletion waits for running tasks. But a worker that is cut off from Airflow goes on although Airflow considers it
    dead. A missing document alone proves nothing: a database that is being restored has none either.

    :param forget: called then, to remove what else is kept of the account
    """
    try:
        yield
    except (AccountLeaving, BadAccount):
        document = couchdb.get(ACCOUNT, account)
        is_gone = document is None or leaving(document) is not None
        if is_gone and removes_data(couchdb.range(AUDIT, *account_range(account))):
            from grdf.stores.removal import Remover

            for doctype in DATA:
                Remover(couchdb).remove_range(doctype, *account_range(account))
            forget()
        raise
