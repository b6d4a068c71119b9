"""Reading one meter and storing what was read: the two halves that daily runs and re-reads of the past share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from grdf import settings
from grdf.staging import StagedAnswer
from include.gas.accounts import Account, history_read, with_history
from include.gas.book import shortfall, with_history_read_again, with_lost_days
from include.gas.changes import Changes, with_unannounced
from include.gas.days import paris_today, utc_text
from include.gas.doctypes import ACCOUNT, AUDIT, DATA, DAY, PUBLISHED
from include.gas.documents import account_range
from include.gas.errors import (
    BadAccount,
    BadSettings,
    CredentialsRefused,
    FailNow,
    GasError,
    PartialAnswer,
    QuotaWait,
    RetryLater,
)
from include.gas.gaps import gaps_of, known_gaps, with_gaps
from include.gas.leaving import has_left, leaving
from include.gas.lines import Answer, read_answer
from include.gas.load import LoadReport, load_answer, take_back
from include.gas.meter_tag import meter_tag
from include.gas.moments import not_ahead
from include.gas.published_check import FIELD as PERIODS
from include.gas.read_under import is_under
from include.gas.stored import StoredYear, is_told, stored_years, told_years, with_stored

if TYPE_CHECKING:
    from grdf.hooks.accounts import AccountStore
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.consents import Consent
    from include.gas.windows import Window


class Log(Protocol):
    """What this needs of a task's log."""

    def info(self, event: str, *args: Any) -> Any:
        """Say what happened."""

    def warning(self, event: str, *args: Any) -> Any:
        """Say what a person should see."""


class Loaded(NamedTuple):
    """An answer that was stored.

    :param answer: as it came
    :param lines: what it says
    :param report: what the load did
    """

    answer: StagedAnswer
    lines: Answer
    report: LoadReport


ASK_AGAIN = 2
"""How often a window that GRDF's server failed on (2000100) is asked for again within one task."""


def read_meter(
    adict: AdictHook, account: str, meter: Consent, windows: Sequence[Window], *, whole: bool = False
) -> tuple[list[StagedAnswer], list[GasError]]:
    """Ask for one meter's gas days, in one call for each stretch of them as long as GRDF answers all of it.

    :param adict: the hook that asks
    :param account: account id
    :param meter: the meter, under its consent
    :param windows: the gas days to ask for, one window for each stretch that its rights cover
    :param whole: whether this is the meter's whole history; complete answers are then marked as such
    :return: the answers, and what went wrong with this meter: that does not keep others from being read
    :raises CredentialsRefused, BadSettings, QuotaWait: what concerns us and not this meter: the next would fail alike
    """
    answers: list[StagedAnswer] = []
    problems: list[GasError] = []
    pending, asked_again = list(windows), 0
    while pending:
        try:
            answer = adict.daily_lines(meter.pce, pending.pop(0), account=account)
            answer = replace(answer, consent=meter.as_json())
        except (CredentialsRefused, BadSettings, QuotaWait):
            raise
        except (FailNow, RetryLater) as error:
            problems.append(error)
            continue
        answers.append(answer)
        problem = understood(account, answer).problem()
        if isinstance(problem, PartialAnswer) and asked_again < ASK_AGAIN:
            asked_again += 1
            pending += problem.windows
        elif isinstance(problem, CredentialsRefused):
            raise problem
        elif problem is not None:
            problems.append(problem)
    if whole and not problems:
        answers = [replace(answer, history_from=windows[0].first.isoformat()) for answer in answers]
    return answers, problems


def understood(account: str, answer: StagedAnswer) -> Answer:
    """Sort the lines of an answer.

    :param account: account id
    :param answer: the answer as it came
    """
    return read_answer(answer.body, account=account, pce=answer.pce, window=answer.window)


def meter_of(document: dict[str, Any], pce: str) -> Consent | None:
    """Give an account's present consent on a meter, ``None`` when it has none.

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


def note_gaps(document: dict[str, Any], loaded: Loaded) -> dict[str, Any]:
    """Note on an account which days of a meter are missing, in the years whose days the load has just seen.

    :param document: the account document
    :param loaded: the answer that was stored
    :return: the document as it should be; the same when nothing about missing days has changed, and when the answer was
        read under another consent than the account's present one or that one's history is still to be read
    """
    answer, lines, report = loaded
    meter = meter_of(document, answer.pce)
    if meter is None or not report.looked_at or not history_read(document, meter):
        return document
    if not is_under(answer.read_under, meter):
        return document
    read_at = datetime.fromisoformat(utc_text(not_ahead(answer.read_at, datetime.now(UTC))))
    asked = answer.window if lines.whole else None
    return note_missing(document, meter, report, read_at, end=answer.window.end, asked=asked)


def note_missing(
    document: dict[str, Any],
    meter: Consent,
    report: LoadReport,
    read_at: datetime,
    *,
    end: date = date.min,
    asked: Window | None = None,
) -> dict[str, Any]:
    """Note on an account which days of a meter are missing, in the years that were looked at.

    :param document: the account document
    :param meter: the meter, under its present consent, whose history was read
    :param report: what the load found
    :param read_at: when GRDF was asked, or the present
    :param end: gas day at which the question ended, excluded
    :param asked: the days that a whole answer was about, if there is one
    """
    history = document["history"][meter.pce]
    first = max(day for day in (date.fromisoformat(history["from"]), meter.opens) if day)
    # A backfill or a re-read of the past asks for old days alone; how old a missing day is, is told from today.
    today = paris_today(read_at)
    found = gaps_of(
        first=first,
        end=max(end, today - timedelta(days=settings.publication_days())),
        stored=report.stored_days,
        years=report.looked_at,
        reread_days=settings.reread_days(),
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
            "Account %s, meter %s: %d day(s) that were stored are not any more (by year: %s). The next run asks GRDF "
            "for them again; what is older than three years or outside of the consent can only come from a backup.",
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


def store_answer(couchdb: CouchDBHook, account: str, answer: StagedAnswer, log: Log) -> Loaded:
    """Store an answer's readings, bring the totals up to date, and tell the operator what changed.

    :param couchdb: the hook that stores
    :param account: account id
    :param answer: the answer as it came
    :param log: the task's log
    """
    lines = understood(account, answer)
    report = load_answer(couchdb, account, answer.pce, lines.readings, answer.read_at, window=answer.window)
    done = {
        "new": report.new,
        "corrected": report.corrected,
        "made definitive": report.confirmed,
        "unchanged": report.unchanged,
        "overtaken by a later reading": report.stale,
        "absent at GRDF": len(lines.absent),
    }
    said = ", ".join(f"{number} {what}" for what, number in done.items() if number) or "none"
    tag = meter_tag(account, answer.pce)
    log.info("Account %s, meter %s: days: %s (%s).", account, tag, said, answer.window)
    if not report.changed:
        log.info("Account %s, meter %s: nothing changed.", account, tag)
    if gone := sum(total.after is None for total in report.totals):
        log.warning(
            "Account %s, meter %s: %d month or year total(s) went, since none of their days is stored any more.",
            account, tag, gone,
        )  # fmt: skip
    for total in report.totals:
        if total.before is None or total.after is None:
            continue  # a period seen for the first time is no news beside the count of new days
        log.info("Account %s, meter %s: the total of %s has changed.", account, tag, total.id.rpartition(":")[2])
    if left_out := {name: lines.counts[name] for name in ("foreign", "outside", "broken") if lines.counts[name]}:
        log.warning(
            "Account %s, meter %s: GRDF's answer held lines that were left out: %s. All others are stored; tell GRDF "
            "if this goes on. %s",
            account, tag, left_out, "; ".join(lines.broken[:5]),
        )  # fmt: skip
    return Loaded(answer, lines, report)


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
                "Account %s, meter %s: %d day(s) and %d published period(s) were read after its own consent had ended, "
                "while somebody else's stood on the meter. They are taken back, and the totals computed anew.",
                account, meter_tag(account, pce), report.corrected, len(gone),
            )  # fmt: skip

    def change(document: dict[str, Any]) -> dict[str, Any]:
        for pce, report in reports.items():
            document = note_stored(document, pce, report, before=before)
        entries = document.get(PERIODS)
        if periods and isinstance(entries, Mapping):
            document = document | {PERIODS: {pce: entry for pce, entry in entries.items() if pce not in periods}}
        return note(with_unannounced(document, Changes.of(reports.values())))

    accounts.update(account, change)


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
    from grdf.hooks.removal import Remover

    for doctype in DATA:
        Remover(couchdb).remove_range(doctype, *account_range(account))
    return True


def _stop_if_lost(couchdb: CouchDBHook, account: str) -> None:
    if not couchdb.has_database(ACCOUNT):
        raise BadAccount.about(
            account,
            f"CouchDB has lost the database of all accounts ({ACCOUNT}) meanwhile, so nobody can tell whether the "
            "household has left, and all that is stored for it stays",
            "Bring the database back, then clear this task.",
        )
    if not has_left(couchdb.range(AUDIT, *account_range(account)), datetime.now(UTC)):
        raise BadAccount.about(
            account,
            "its document has gone from CouchDB meanwhile without a deletion, so all that is stored for it stays",
            "Bring the document back, then clear this task. If the household has left, start grdf_delete_account then.",
        )
