"""One meter's monthly reading: its contract, how often it is read, and the periods that GRDF published.

Each part returns a change to the account document, so that an account is written once for all its meters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from grdf.meters.judging import warn_of_left_out
from grdf.meters.notes import meter_of
from grdf.meters.published_totals import write_period_totals
from grdf.quota.terms import HISTORY
from include.gas.account.sections.facts import may_be_daily, with_meter_facts
from include.gas.account.sections.published_note import noted_gaps, with_published
from include.gas.account.sections.rights.lost_consents import handed_over
from include.gas.answers.consumption.published import Period, read_published
from include.gas.answers.consumption.sorting import Answer
from include.gas.answers.contract import Contract, has_daily_data, no_daily_data, read_contract, read_frequency
from include.gas.consents.read_under import is_own, is_under
from include.gas.days.asked_days import published_window
from include.gas.days.gas_day import paris_today, utc_text
from include.gas.days.windows import Window
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.billing.period_gaps import awaited, gaps_in_words, gaps_left, open_stretches
from include.gas.documents.billing.periods import merge_period, named_again, newest_period, period_document
from include.gas.documents.doctypes import ACCOUNT, DAY, PUBLISHED
from include.gas.documents.gas_days import Document, account_range
from include.gas.documents.storing import ATTEMPTS
from include.gas.errors import BadSettings, ConsentTooNarrow, CredentialsRefused, FailNow, StoreBusy
from include.gas.meter_tag import meter_tag

if TYPE_CHECKING:
    from grdf.airflow.tasks.log import Log
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from include.gas.consents.consent import Consent

Change = Callable[[dict[str, Any]], dict[str, Any]]
"""A function that returns a new account document for the stored one."""

TRIES = 5
WRITTEN_AT = "written_at"
"""Key of what a period replaces: the ``read_at`` that this run has given the period."""


def read_facts(adict: AdictHook, account: str, meter: Consent, log: Log, counts: Counter[str]) -> Change:
    """Read a meter's contract and technical facts, with two calls.

    :param counts: incremented by what was done
    :return: what to record on the account, including the reason if GRDF refused a part
    :raises GasError: if the failure concerns all accounts or is temporary
    """
    read_at = datetime.now(UTC)
    contract: Contract | None = None
    frequency: str | None = None
    refused: dict[str, str] = {}
    try:
        contract = read_contract(
            adict.contract(meter.pce, account=account, terms=HISTORY), account=account, pce=meter.pce
        )
    except FailNow as error:
        refused["contract"] = _words(error, "contract data", account, log, counts)
    try:
        frequency = read_frequency(
            adict.technical(meter.pce, account=account, terms=HISTORY), account=account, pce=meter.pce
        )
    except FailNow as error:
        refused["technical"] = _words(error, "technical data of the meter", account, log, counts)
    counts["facts"] += 1
    if message := no_daily_data(account, meter.pce, frequency or ""):
        counts["without_daily_data"] += 1
        log.warning("Account %s: %s", account, message)
    elif frequency and has_daily_data(frequency) is None:
        tag = meter_tag(account, meter.pce)
        log.warning("Account %s: meter %s has an unknown reading frequency: %s.", account, tag, frequency)
    return lambda document: with_meter_facts(
        document, meter, read_at=read_at, contract=contract, frequency=frequency, refused=refused
    )


def read_periods(
    adict: AdictHook,
    couchdb: CouchDBHook,
    document: dict[str, Any],
    meter: Consent,
    log: Log,
    counts: Counter[str],
    *,
    whole: bool,
    replaced: dict[str, Document | None],
) -> Change:
    """Read a meter's published periods, store them, and compare all stored periods with the gas days.

    This takes one call for each stretch of days that the account's rights cover. An answer is dropped if the account
    has learned in the meantime that its meter belongs to another household, because GRDF may have served it under that
    household's consent.

    :param document: the account document, with the meter's facts. If GRDF has no daily data for the meter, its months
        and years are made of its periods
    :param counts: incremented by what was done
    :param whole: whether to read all that GRDF has in any case. Otherwise only what may have changed since the newest
        stored period is read, unless a period may be missing
    :param replaced: filled with what takes the place of each period that is written if it is taken back, by id, see
        :func:`take_back`
    :return: what to record on the account
    :raises GasError: if the failure concerns all accounts or is temporary; the periods that were valid are stored
    """
    account, today = str(document["_id"]), paris_today(datetime.now(UTC))
    span = account_range(account, meter.pce)
    stored = couchdb.range(PUBLISHED, *span)
    covered, gaps = _asked(meter, today, None), noted_gaps(document, meter)
    whole = whole or gaps is None or bool(awaited(open_stretches(stored, covered), gaps))
    windows = covered if whole else _asked(meter, today, newest_period(stored))
    complete, absent = bool(windows), list[date]()
    read_at = datetime.now(UTC).isoformat()
    message = "" if windows else "The household's consent covers no day that can be asked for."
    try:
        for window in windows:
            staged = adict.published_lines(meter.pce, window, account=account, terms=HISTORY)
            answer = read_published(staged.body, account=account, pce=meter.pce, window=window, today=today)
            now = couchdb.get(ACCOUNT, account)
            if now and (meter.pce in handed_over(now) or not is_own(meter, meter_of(now, meter.pce), read_at)):
                log.warning(
                    "Account %s: its consent for meter %s ended while its published data were read, and another "
                    "consent is in force there now, or the account is another one's. What GRDF sent is not stored.",
                    account, meter_tag(account, meter.pce),
                )  # fmt: skip
                return lambda document: document
            _store(couchdb, account, answer, read_at, log, counts, replaced)
            complete &= answer.whole
            absent += answer.absent
            if problem := answer.problem():
                raise problem
    except FailNow as error:
        complete, message = False, _words(error, "published data", account, log, counts)
    stored = couchdb.range(PUBLISHED, *span)
    still_open = open_stretches(stored, covered)
    if not complete:
        gaps = None
    elif whole:
        gaps = gaps_left(still_open, gaps, absent, today)
    write_period_totals(couchdb, account, meter.pce, new=not may_be_daily(document, meter.pce))
    compared = compare_all(stored, couchdb.range(DAY, *span))
    for each in compared:
        if each.beyond_rounding:
            counts["differences"] += 1
            log.warning(
                "Account %s, meter %s: from %s to %s (not included) GRDF published a different sum from that of "
                "the stored days, of which %d are missing. Nothing was changed; the figures are on the account's "
                "page.",
                account, meter_tag(account, meter.pce), each.first, each.end, each.missing_days,
            )  # fmt: skip
    if missing := gaps_in_words(still_open, gaps, stored):
        log.warning("Account %s, meter %s: %s", account, meter_tag(account, meter.pce), missing)
    said = " ".join(filter(None, (message, missing)))
    counts["meters"] += 1
    return lambda document: with_published(
        document, meter, read_at=read_at, periods=stored, compared=compared, message=said, gaps=gaps
    )


def _asked(meter: Consent, today: date, newest: Period | None) -> tuple[Window, ...]:
    """Return the days to ask for, a window for each stretch that the account's rights cover.

    :param newest: the newest stored period, from shortly before which to ask; ``None`` to ask for all
    """
    first = newest.first if newest else None
    window = published_window(today=today, newest=first, consent_first=meter.opens, consent_end=meter.closes)
    return meter.covered(window, today) if window else ()


def under(meter: Consent, change: Change) -> Change:
    """Return a change that only applies while the account holds the consent under which GRDF was asked.

    Otherwise the meter is read again. The change does not apply either once the meter is known to be another
    household's.

    :param meter: the meter, with the consent under which it was read
    :param change: records what was read
    """

    def noted(document: dict[str, Any]) -> dict[str, Any]:
        own = is_under(meter, meter_of(document, meter.pce)) and meter.pce not in handed_over(document)
        return change(document) if own else document

    return noted


def take_back(couchdb: CouchDBHook, replaced: dict[str, Document | None], pces: Collection[str]) -> int:
    """Restore the former documents of some meters' periods, because the new ones may be another household's.

    Only a period that is still as this run has read it is restored. The account's id may have been given to another
    household meanwhile, whose run has read the period anew, or the account's own has.

    :param replaced: the former document of each period that was written, by id, or the removal of a new one, each with
        :data:`WRITTEN_AT`
    :return: how many periods were restored
    """
    former = {key: dict(was) for key, was in replaced.items() if was and key.split(":")[1] in pces}
    written_at = {key: was.pop(WRITTEN_AT) for key, was in former.items()}
    pending, restored = set(former), 0
    for _ in range(ATTEMPTS):
        if not pending:
            break
        back = [
            former[key] | {"_rev": document["_rev"]}
            for key, document in couchdb.fetch(PUBLISHED, sorted(pending)).items()
            if document.get("read_at") == written_at[key]
        ]
        result = couchdb.write(PUBLISHED, back) if back else None
        restored += len(result.written) if result else 0
        pending = result.conflicts if result else set()
    for account, pce in {(key.split(":")[0], key.split(":")[1]) for key in former}:
        write_period_totals(couchdb, account, pce, taken_back=True)
    if pending:
        account, pce, _ = min(pending).split(":")
        raise _busy(account, pce)
    return restored


def _busy(account: str, pce: str) -> StoreBusy:
    return StoreBusy.about(
        account, f"published periods of meter {meter_tag(account, pce)} kept being changed by others"
    )


def _store(
    couchdb: CouchDBHook,
    account: str,
    answer: Answer[Period],
    read_at: str,
    log: Log,
    counts: Counter[str],
    replaced: dict[str, Document | None],
) -> None:
    fresh = [period_document(account, answer.pce, period, read_at) for period in answer.rows]
    pending = {document["_id"]: document for document in fresh}
    new = corrected = 0
    for _ in range(TRIES if pending else 0):
        stored = {each["_id"]: each for each in couchdb.range(PUBLISHED, *account_range(account, answer.pce))}
        again = named_again(stored.values(), fresh)
        merged = {key: merge_period(stored.get(key), each, again=key in again) for key, each in pending.items()}
        changed = [document for document in merged.values() if document]
        conflicts = couchdb.write(PUBLISHED, changed).conflicts if changed else set()
        written = {document["_id"] for document in changed} - conflicts
        _note_replaced(replaced, {key: stored.get(key) for key in written}, read_at)
        corrected += len(written & stored.keys())
        new += len(written - stored.keys())
        if not (pending := {key: pending[key] for key in conflicts}):
            break
    if pending:
        raise _busy(account, answer.pce)
    counts["new"] += new
    counts["corrected"] += corrected
    log.info(
        "Account %s, meter %s: published periods: %d read, %d new, %d corrected (%s).",
        account, meter_tag(account, answer.pce), len(fresh), new, corrected, answer.window,
    )  # fmt: skip
    if left_out := warn_of_left_out(answer, "published lines", log):
        counts["left_out"] += left_out


def _note_replaced(replaced: dict[str, Document | None], written: dict[str, Document | None], read_at: str) -> None:
    """Note what stood in the place of periods that were written.

    A second window may name one again. Then the first version counts, unless the period has been removed or read by
    others in between: a deletion may have come, and the account's id be another household's.
    """
    ours = utc_text(read_at)
    for key, was in written.items():
        if key not in replaced or (was or {}).get("read_at") != ours:
            replaced[key] = (was or {"_id": key, "_deleted": True}) | {WRITTEN_AT: ours}


def _words(error: FailNow, what: str, account: str, log: Log, counts: Counter[str]) -> str:
    """Return what GRDF refused, as text. Raise the error if it concerns more than this account."""
    if isinstance(error, (CredentialsRefused, BadSettings)):
        raise error
    counts["refused"] += 1
    if isinstance(error, ConsentTooNarrow):  # not a problem: the household chose so
        said = f"The household's consent does not include the {what}."
        log.info("Account %s: %s", account, said)
        return said
    log.warning("%s", error)
    return str(error)
