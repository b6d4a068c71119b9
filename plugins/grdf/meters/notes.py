"""What a load records on the account about a meter: its history is read, which days are missing, what is stored."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf import settings
from include.gas.account.sections.lost_days import with_history_read_again, with_lost_days
from include.gas.account.sections.missing_days import known_gaps, with_gaps
from include.gas.account.sections.stored import is_told, told_years, with_stored
from include.gas.account.sections.whole_history import history_read, history_since, with_history
from include.gas.days.gas_day import paris_today
from include.gas.documents.doctypes import DAY
from include.gas.documents.gaps import gaps_of
from include.gas.documents.gas_days import account_range, is_day
from include.gas.documents.year_counts import StoredYear, shortfall, stored_years
from include.gas.errors import GasError
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.staging.area import StagedAnswer
    from include.gas.answers.consumption.daily import Reading
    from include.gas.answers.consumption.sorting import Answer
    from include.gas.days.windows import Window
    from include.gas.documents.load_report import LoadReport
    from include.gas.rights.meter_rights import Held


def note_history(document: dict[str, Any], answer: StagedAnswer, held: Held) -> dict[str, Any]:
    """Record that a meter's history is read, if the answer says so. Return the account document.

    :param answer: an answer that was stored
    :param held: what the account has of the meter
    """
    if not answer.history_from:
        return document
    since = date.fromisoformat(answer.history_from)
    return with_history_read_again(with_history(document, held, since, answer.read_at), answer.pce)


def note_gaps(
    document: dict[str, Any], answer: StagedAnswer, lines: Answer[Reading], report: LoadReport, held: Held
) -> dict[str, Any]:
    """Return the account document with a meter's missing days, for the years whose days the load has just read.

    The document stays the same if nothing about missing days has changed, or if the history has not been read yet.

    :param answer: an answer that was stored
    :param lines: its parsed lines
    :param held: what the account has of the meter
    """
    if not report.looked_at or not history_read(document, held):
        return document
    read_at = datetime.fromisoformat(answer.read_at)
    asked = answer.window if lines.whole else None
    return note_missing(document, held, report, read_at, end=answer.window.end, asked=asked)


def note_missing(
    document: dict[str, Any],
    meter: Held,
    report: LoadReport,
    read_at: datetime,
    *,
    end: date = date.min,
    asked: Window | None = None,
) -> dict[str, Any]:
    """Return the account document with a meter's missing days, for the years that were looked at.

    :param meter: what the account has of the meter, whose history was read
    :param report: what the load found
    :param read_at: when GRDF was asked, or the present
    :param end: the gas day after the last one asked for
    :param asked: the days that a complete answer covers, if there is one
    """
    first = max((day for day in (history_since(document, meter.pce), meter.opens) if day), default=date.min)
    # A backfill or a re-read of the past asks for old days only, so the age of a missing day is counted from today.
    today = paris_today(read_at)
    found = gaps_of(
        first=first,
        end=max(end, today - timedelta(days=settings.publication_days())),
        stored=report.stored_days,
        years=report.looked_at,
        reread=settings.reread_days(),
        asked=asked,
        before=known_gaps(document, meter.pce),
        today=today,
        consent_end=meter.closes,
        covered=meter.covered,
    )
    return with_gaps(document, meter.pce, report.looked_at, found, read_at)


def note_stored(
    document: dict[str, Any],
    pce: str,
    report: LoadReport,
    *,
    first_launch: bool = False,
    before: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the account document with what is stored of a meter, for the years whose days the load has just read.

    The document stays the same if nothing about it has changed.

    :param first_launch: whether no other years can be stored; otherwise an account without this record stays as it is,
        and its next daily load counts all years
    :param before: the account document from before the store was read; days that it listed and that are no longer
        stored are recorded as lost
    """
    if not report.looked_at or not (first_launch or is_told(document, pce)):
        return document
    told = told_years(before or {}, pce)
    document = with_lost_days(document, pce, told, report.held, report.looked_at, report.removed_days)
    return with_stored(document, pce, report.looked_at, report.held)


def warn_of_lost_days(before: dict[str, Any], pce: str, report: LoadReport, log: Log) -> int:
    """Log how many days that an account listed are no longer stored, and return their number.

    :param before: the account document from before the store was read
    """
    short = shortfall(told_years(before, pce), report.held, report.looked_at)
    if short:
        account = str(before["_id"])
        log.warning(
            "Account %s, meter %s: %d stored day(s) have been lost (by year: %s). The next run asks GRDF for "
            "them again; days older than three years or outside the consent can only come from a backup.",
            account, meter_tag(account, pce), sum(short.values()), short,
        )  # fmt: skip
    return sum(short.values())


def all_stored(couchdb: CouchDBHook, account: str, pce: str, log: Log) -> dict[int, StoredYear] | None:
    """Count all stored days of a meter, for an account that has no record of them yet.

    :return: the days by year, or ``None`` if CouchDB does not answer: a load should not fail for that, and the next one
        tries again
    """
    try:
        return stored_years(filter(is_day, couchdb.scan(DAY, *account_range(account, pce))))
    except GasError as error:
        tag = meter_tag(account, pce)
        log.warning("Account %s: the page shows what is stored of meter %s after the next run. %s", account, tag, error)
        return None
