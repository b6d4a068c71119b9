"""What a load notes on the account of a meter: its history is read, which days are missing, what is stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf import settings
from include.gas.account.account import Account
from include.gas.account.sections.lost_days import with_history_read_again, with_lost_days
from include.gas.account.sections.missing_days import known_gaps, with_gaps
from include.gas.account.sections.stored import is_told, told_years, with_stored
from include.gas.account.sections.whole_history import history_read, history_since, with_history
from include.gas.consents.read_under import is_under
from include.gas.days.asked_days import Reread
from include.gas.days.clocks import not_ahead
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.documents.doctypes import DAY
from include.gas.documents.gaps import gaps_of
from include.gas.documents.gas_days import account_range
from include.gas.documents.year_counts import StoredYear, shortfall, stored_years
from include.gas.errors import GasError
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.log import Log
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.staging.area import StagedAnswer
    from include.gas.answers.daily import Reading
    from include.gas.answers.sorting import Answer
    from include.gas.consents.consent import Consent
    from include.gas.days.windows import Window
    from include.gas.documents.storing import LoadReport


def meter_of(document: dict[str, Any], pce: str) -> Consent | None:
    """Return an account's present consent on a meter, ``None`` when it has none.

    :param document: the account document
    :param pce: the meter
    """
    return next((meter for meter in Account.from_document(document).meters if meter.pce == pce), None)


def note_history(document: dict[str, Any], answer: StagedAnswer) -> dict[str, Any]:
    """Note on an account that a meter's history is read, if this answer is that of its present consent.

    :param document: the account document
    :param answer: an answer that was stored
    :return: the document as it should be
    """
    asked = answer.read_under
    if not answer.history_from or asked is None or not is_under(asked, meter_of(document, answer.pce)):
        return document
    since = date.fromisoformat(answer.history_from)
    return with_history_read_again(with_history(document, asked, since, answer.read_at), answer.pce)


def note_gaps(
    document: dict[str, Any],
    answer: StagedAnswer,
    lines: Answer[Reading],
    report: LoadReport,
    reread: Reread | None = None,
) -> dict[str, Any]:
    """Note on an account which days of a meter are missing, in the years whose days the load has just seen.

    :param document: the account document
    :param answer: an answer that was stored
    :param lines: what it says
    :param report: what the load did
    :param reread: the re-read window with which the answer was asked for; ``None`` is the setting's
    :return: the document as it should be; the same when nothing about missing days has changed, and when the answer was
        read under another consent than the account's present one or that one's history is still to be read
    """
    meter = meter_of(document, answer.pce)
    if meter is None or not report.looked_at or not history_read(document, meter):
        return document
    if not is_under(answer.read_under, meter):
        return document
    read_at = datetime.fromisoformat(utc_text(not_ahead(answer.read_at, datetime.now(UTC))))
    asked = answer.window if lines.whole else None
    return note_missing(document, meter, report, read_at, end=answer.window.end, asked=asked, reread=reread)


def note_missing(
    document: dict[str, Any],
    meter: Consent,
    report: LoadReport,
    read_at: datetime,
    *,
    end: date = date.min,
    asked: Window | None = None,
    reread: Reread | None = None,
) -> dict[str, Any]:
    """Note on an account which days of a meter are missing, in the years that were looked at.

    :param document: the account document
    :param meter: the meter, under its present consent, whose history was read
    :param report: what the load found
    :param read_at: when GRDF was asked, or the present
    :param end: gas day at which the question ended, excluded
    :param asked: the days that a whole answer was about, if there is one
    :param reread: the re-read window with which they were asked for; ``None`` is the setting's
    """
    first = max((day for day in (history_since(document, meter.pce), meter.opens) if day), default=date.min)
    # A backfill or a re-read of the past asks for old days alone; how old a missing day is, is told from today.
    today = paris_today(read_at)
    found = gaps_of(
        first=first,
        end=max(end, today - timedelta(days=settings.publication_days())),
        stored=report.stored_days,
        years=report.looked_at,
        reread=reread or Reread(settings.reread_days()),
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
    """Note on an account what is stored of a meter, in the years whose days the load has just seen.

    :param document: the account document
    :param pce: the meter
    :param report: what the load did
    :param first_launch: whether no other years can be stored. Else an account that says nothing yet stays as it is: its
        next daily load counts all years
    :param before: the account document as it was before the store was read: days that it told of and that are not
        stored any more are noted as lost
    :return: the document as it should be; the same when nothing about it has changed
    """
    if not report.looked_at or not (first_launch or is_told(document, pce)):
        return document
    told = told_years(before or {}, pce)
    document = with_lost_days(document, pce, told, report.held, report.looked_at)
    return with_stored(document, pce, report.looked_at, report.held)


def warn_of_lost_days(before: dict[str, Any], pce: str, report: LoadReport, log: Log) -> int:
    """Say how many days that an account told of are not stored any more, and give their number.

    :param before: the account document as it was before the store was read
    :param pce: the meter
    :param report: what the load found
    :param log: the task's log
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
    """Count all stored days of a meter, for an account that does not say yet what is stored of it.

    :param couchdb: the hook that stores
    :param account: account id
    :param pce: the meter
    :param log: the task's log
    :return: by year; ``None`` when CouchDB did not say: that is no reason for a load to fail, the next one tries again
    """
    try:
        return stored_years(couchdb.scan(DAY, *account_range(account, pce)))
    except GasError as error:
        tag = meter_tag(account, pce)
        log.warning("Account %s: the page shows what is stored of meter %s after the next run. %s", account, tag, error)
        return None
