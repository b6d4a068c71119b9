"""Stores GRDF's answers and records them on the account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as replace_field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from include.gas.account.marks import leaving_asker
from include.gas.account.state import with_rights_state
from include.gas.account.status import Status
from include.gas.days.gas_day import paris_today
from include.gas.days.windows import Window, first_kept_day
from include.gas.documents.changes import StoreReport
from include.gas.documents.day_documents import Document, account_range
from include.gas.documents.doctypes import ACCOUNT, AUDIT, DATA
from include.gas.documents.storing import store_readings
from include.gas.errors import AccountLeaving, BadAccount
from include.gas.leaving.deletion import left_accounts
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.staging.staged_answers import StagedAnswer
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.answers.consumption.daily import Reading
    from include.gas.answers.consumption.sorting import SortedAnswer
    from include.gas.documents.prices import PriceTable
    from include.gas.rights.meter_rights import MeterAccess


class StoredAnswer(NamedTuple):
    """A stored answer with its parsed lines."""

    answer: StagedAnswer
    lines: SortedAnswer[Reading]
    report: StoreReport


def store_answer(
    couchdb: CouchDBHook,
    account: Document,
    access: MeterAccess,
    answer: StagedAnswer,
    lines: SortedAnswer[Reading],
    prices: PriceTable,
    log: Log,
) -> StoredAnswer:
    """Store the readings of allowed days, update the totals, and log what changed.

    Nothing of closed years is stored or summed (:func:`first_kept_day`). Without a body, disallowed stored days are
    removed, of closed years as well: whose they are goes before what a total says. With one they stay, as an
    overlapping run may have stored days of a newer right. The log outlives a deletion, so doubtful days are not in it:
    they would show when a home is empty.
    """
    pce, car = answer.pce, Status.billing_of(account, answer.pce).contract.car
    window: Window | None = answer.window
    allowed = access.days
    if answer.body:
        # It may have been staged weeks ago, and retention may have removed days since.
        first = first_kept_day(paris_today(datetime.now(UTC)))
        window = answer.window.clip(first)
        allowed = access.allowed_parts(Window(first, date.max))
        answer = replace_field(answer, history_from=answer.history_from and max(answer.history_from, first))
    report = store_readings(
        couchdb, account["_id"], pce, lines.rows, answer.read_at,
        window=window, car=car, allowed=allowed, tidies=not answer.body, prices=prices,
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
    warn_of_skipped_lines(lines, "lines", log)
    return StoredAnswer(answer, lines, report)


def warn_of_skipped_lines(answer: SortedAnswer[Any], kind: str, log: Log) -> int:
    """Log how many lines of a stored answer were left out, and what was new, and return the number left out."""
    if answer.drift:
        log.warning(
            "Account %s, meter %s: GRDF's answer has something that this project does not know, and was used as far as "
            "it can be: %s.", answer.account, meter_tag(answer.account, answer.pce), "; ".join(answer.drift),
        )  # fmt: skip
    if left_out := answer.left_out:
        log.warning(
            "Account %s, meter %s: GRDF's answer contained %s that were left out: %s. All others are stored; "
            "tell GRDF if this continues. %s",
            answer.account, meter_tag(answer.account, answer.pce), kind, left_out, "; ".join(answer.broken[:5]),
        )  # fmt: skip
    return sum(left_out.values())


def record_stored_days(
    accounts: AccountStore, known: Document, loads: Sequence[StoredAnswer], well: Sequence[MeterAccess] | None = None
) -> None:
    """Write to an account what is stored of the meters read, if it differs.

    :param well: what it has of its meters, if all could be read: then there is no problem
    :raises AccountLeaving, BadAccount: if the household has left meanwhile
    """

    def change(document: Document) -> Document:
        for loaded in loads:
            document = with_stored_answer(document, loaded)
        if well is None:
            return document
        for answer, lines, _ in loads:  # of all that is read daily
            if answer.body:
                reading = replace(Status.reading_of(document, answer.pce), drift=lines.drift)
                document = Status.with_reading(document, answer.pce, reading)
        return with_rights_state(document, well, datetime.now(UTC), is_read=True)

    if loads and (any(load.report.has_written for load in loads) or change(known) != known):
        accounts.update_if_staying(known["_id"], change, known=known)


def with_stored_answer(document: Document, loaded: StoredAnswer) -> Document:
    """Return the account document with what a load has found of a meter."""
    answer, _, report = loaded
    document = with_stored_years(document, answer.pce, report)
    read_on = paris_today(datetime.fromisoformat(answer.read_at))
    reading, frequency = Status.reading_of(document, answer.pce), Status.billing_of(document, answer.pce).frequency
    fresh = Status.freshness_of(document, answer.pce).after_load(reading.by_year(), read_on, frequency)
    if answer.body:
        reading = replace(reading, answered=max(read_on, reading.answered or read_on))
    if answer.history_from:
        reading = replace(reading, whole_at=read_on, since=answer.history_from, under=answer.under)
    return Status.with_freshness(Status.with_reading(document, answer.pce, reading), answer.pce, fresh)


def with_stored_years(document: Document, pce: str, report: StoreReport) -> Document:
    """Return the account document with what is stored of a meter, for the years that a load has looked at."""
    known = Status.reading_of(document, pce)
    years = {year: each for year, each in known.by_year().items() if year not in report.looked_at}
    stored = {str(year): each for year, each in sorted({**years, **report.held}.items())}
    return Status.with_reading(document, pce, replace(known, years=stored))


def without_days_before(first: date, document: Document, pce: str) -> Document:
    """Return the account document without what is stored of a meter before a 1 January: its days are not missing."""
    known = Status.reading_of(document, pce)
    years = {year: stored for year, stored in known.years.items() if int(year) >= first.year}
    since = known.since and max(known.since, first)
    return Status.with_reading(document, pce, replace(known, years=years, since=since))


@contextmanager
def undo_if_household_left(
    couchdb: CouchDBHook, account: str, forget: Callable[[], None] | None = None
) -> Iterator[None]:
    """Remove what is stored of an account that turns out to be deleted meanwhile.

    A deletion waits for running tasks, but a worker cut off from Airflow goes on. A missing document alone proves
    nothing: a database that is being restored has none.
    """
    try:
        yield
    except (AccountLeaving, BadAccount):
        document = couchdb.get(ACCOUNT, account)
        if document is None or leaving_asker(document) is not None:
            if forget:
                forget()
            if left_accounts(couchdb.range(AUDIT, *account_range(account))):
                from grdf.stores.removal import Remover

                for doctype in DATA:
                    Remover(couchdb).remove_range(doctype, *account_range(account))
        raise
