"""Storing GRDF's answers, and recording them on the account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from include.gas.account.account import Account, stop_if_leaving
from include.gas.account.sections.marks import leaving
from include.gas.account.sections.status import Status
from include.gas.account.state import with_rights_state
from include.gas.days.gas_day import paris_today
from include.gas.documents.changes import LoadReport
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA
from include.gas.documents.gas_days import Document, account_range
from include.gas.documents.storing import load_answer
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.leaving.deletion import all_left
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.staging.area import StagedAnswer
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.answers.consumption.daily import Reading
    from include.gas.answers.consumption.sorting import Answer
    from include.gas.days.windows import Window
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
    couchdb: CouchDBHook,
    account: Document,
    answer: StagedAnswer,
    lines: Answer[Reading],
    log: Log,
    allowed: Sequence[Window] = (),
) -> Loaded:
    """Store an answer's readings, update the totals, and log what changed.

    GRDF was asked only for days that the account may hold, and no other line is a reading.

    The log outlives a deletion, so it says nothing of doubtful days: it must not say when nobody is at home.

    :param account: the account's document, which says what the contract of the meter is
    :param answer: the answer as received
    :param lines: its parsed lines
    :param allowed: if the ledger was just asked: the days that the account may hold; others are removed
    """
    pce, car = answer.pce, Status.billing_of(account, answer.pce).contract.car
    report = load_answer(
        couchdb, account["_id"], pce, lines.rows, answer.read_at,
        window=answer.window, car=car, allowed=allowed,
    )  # fmt: skip
    done = {
        "new": report.new,
        "corrected": report.corrected,
        "confirmed": report.confirmed,
        "unchanged": report.unchanged,
        "overtaken by a later reading": report.stale,
        "absent at GRDF": len(lines.absent),
    }
    said = ", ".join(f"{number} {what}" for what, number in done.items() if number) or "none"
    who = f"Account {account['_id']}, meter {meter_tag(account['_id'], pce)}"
    log.info(
        "%s: days: %s (%s); totals computed anew: %d month(s), %d year(s).",
        who, said, answer.window, report.months, report.years,
    )  # fmt: skip
    if report.removed:
        log.warning(
            "%s: %d stored day(s) were removed: its right does not cover them. They were read before that was known.",
            who, report.removed,
        )  # fmt: skip
    warn_of_left_out(lines, "lines", log)
    return Loaded(answer, lines, report)


def warn_of_left_out(answer: Answer[Any], kind: str, log: Log) -> int:
    """Log how many lines of an answer were left out, and return their number.

    :param answer: an answer whose other lines are stored
    :param kind: what the lines are called, such as ``lines``
    """
    if left_out := answer.left_out:
        log.warning(
            "Account %s, meter %s: GRDF's answer contained %s that were left out: %s. All others are stored; "
            "tell GRDF if this continues. %s",
            answer.account, meter_tag(answer.account, answer.pce), kind, left_out, "; ".join(answer.broken[:5]),
        )  # fmt: skip
    return sum(left_out.values())


def note_stored(
    accounts: AccountStore, known: Document, loads: Sequence[Loaded], well: Sequence[Held] | None = None
) -> None:
    """Write to an account what is stored now of the meters that were read. If it says so already, do not.

    :param known: the account's document as it was read
    :param well: what the account has of its meters, if all of them could be read: then there is no problem
    :raises AccountLeaving, BadAccount: if the household has left in the meantime
    """

    def change(document: Document) -> Document:
        stop_if_leaving(Account.from_document(document))
        for answer, _, report in loads:
            document = with_stored(document, answer.pce, report)
            if answer.history_from:
                since, day = answer.history_from, paris_today(datetime.fromisoformat(answer.read_at))
                reading = Status.reading(document, answer.pce)
                reading = replace(reading, whole_at=day, since=since, under=answer.under)
                document = Status.with_reading(document, answer.pce, reading)
        return document if well is None else with_rights_state(document, well, datetime.now(UTC), is_read=True)

    if loads and (any(load.report.has_written for load in loads) or change(known) != known):
        accounts.update(known["_id"], change, known=known)


def with_stored(document: Document, pce: str, report: LoadReport) -> Document:
    """Return the account document with what is stored of a meter, for the years that a load has looked at."""
    known = Status.reading(document, pce)
    years = {year: each for year, each in known.by_year().items() if year not in report.looked_at}
    told = {str(year): each for year, each in sorted({**years, **report.held}.items())}
    return Status.with_reading(document, pce, replace(known, years=told))


@contextmanager
def undone_if_left(couchdb: CouchDBHook, account: str, forget: Callable[[], None] | None = None) -> Iterator[None]:
    """Remove what is stored of an account whose household turns out to have left while its data were stored.

    A deletion waits for running tasks. But a worker that is cut off from Airflow goes on although Airflow considers it
    dead. A missing document alone proves nothing: a database that is being restored has none either.

    :param forget: called in both cases, to remove what is staged of the account
    """
    try:
        yield
    except (AccountLeaving, BadAccount):
        document = couchdb.get(ACCOUNT, account)
        if document is None or leaving(document) is not None:
            if forget:
                forget()
            if all_left(couchdb.range(AUDIT, *account_range(account))):
                from grdf.stores.removal import Remover

                for doctype in DATA:
                    Remover(couchdb).remove_range(doctype, *account_range(account))
        raise
