"""Asks GRDF for meters' gas days, and classifies the problems. A task parses each answer once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from grdf.ledger.refusal_checks import confirm_refusals, is_last_attempt
from grdf.quota.call_terms import Booking, Purpose, Terms
from include.gas.answers.consumption.daily import Reading, parse_daily
from include.gas.answers.consumption.sorting import SortedAnswer
from include.gas.documents.day_documents import id_range, unsettled_part
from include.gas.documents.doctypes import DAY
from include.gas.errors import BadSettings, CredentialsRefused, FailNow, GasError, QuotaWait, RetryLater

if TYPE_CHECKING:
    from grdf.airflow.tasks.run import Run
    from grdf.hooks.adict import AdictHook
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.rights_ledger import Ledger
    from grdf.staging.staged_answers import StagedAnswer
    from grdf.stores.accounts.account_store import AccountStore
    from include.gas.account.account import Account
    from include.gas.days.windows import Window
    from include.gas.rights.meter_rights import MeterAccess


class MeterRequest(NamedTuple):
    """What a task asks for of one meter."""

    access: MeterAccess
    windows: Sequence[Window]
    whole: bool = False


class MeterRead(NamedTuple):
    """What was read of one meter."""

    pce: str
    answers: list[tuple[StagedAnswer, SortedAnswer[Reading]]]
    problems: list[GasError]


@contextmanager
def book_calls(
    adict: AdictHook, task: str, calls: int, purpose: Purpose, last_read: Callable[[], float] = lambda: 0.0
) -> Iterator[Terms]:
    """Book all calls of a task with its first one, give back unused ones, and yield their terms."""
    # Hashed: other users of the machine may read the quota's state, and no deletion looks there.
    terms = Terms(purpose, Booking(blake2b(task.encode(), digest_size=12).hexdigest(), calls, last_read))
    try:
        yield terms
    finally:
        adict.release_calls(terms)


def read_meters(
    adict: AdictHook, ledger: Ledger, account: str, asked: Sequence[MeterRequest], run: Run, purpose: Purpose
) -> Iterator[MeterRead]:
    """Ask for gas days by meter, and for GRDF's list about refusals. An error of the client or quota is raised."""
    calls = sum(len(each.windows) for each in asked)
    with book_calls(adict, f"{account}:{purpose} {run.id}", calls, purpose, run.last_success) as terms:
        for each in asked:
            read = _read(adict, account, each, terms)
            yield read._replace(problems=confirm_refusals(read.problems, ledger, adict, account, read.pce, terms))


def _read(adict: AdictHook, account: str, asked: MeterRequest, terms: Terms) -> MeterRead:
    pce = asked.access.pce
    answers: list[tuple[StagedAnswer, SortedAnswer[Reading]]] = []
    problems: list[GasError] = []
    for window in asked.windows:
        try:
            staged = adict.daily_lines(pce, window, account=account, terms=terms)
        except (CredentialsRefused, BadSettings, QuotaWait):
            raise
        except (FailNow, RetryLater) as error:
            problems.append(error)
            continue
        lines = parse_daily(staged.body, account=account, pce=pce, window=staged.window)
        answers.append((staged, lines))
        if isinstance(problem := lines.error_to_raise(), CredentialsRefused):
            raise problem
        problems += [problem] if problem else []
    if asked.whole and not problems and all(lines.is_complete for _, lines in answers):
        since, under = asked.windows[0].first, asked.access.own
        answers = [(replace(staged, history_from=since, under=under), lines) for staged, lines in answers]
    return MeterRead(pce, answers, problems)


def handle_problems(run: Run, accounts: AccountStore, account: Account, reads: Sequence[MeterRead]) -> list[GasError]:
    """Mark an account with what its household must know, and return problems; ``RetryLater`` for another try."""
    problems = [problem for read in reads for problem in read.problems]
    closed = sum(any(isinstance(problem, FailNow) for problem in read.problems) for read in reads)
    for problem in problems:
        if isinstance(problem, FailNow):
            accounts.mark_error(account.id, problem, partial=closed < len(account.meters))
    for problem in problems:
        if isinstance(problem, RetryLater) and not is_last_attempt(run, problem):
            raise problem
    return problems


def unsettled_windows(couchdb: CouchDBHook, account: str, pce: str, windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return the parts of a meter's windows, in order, that GRDF may still change."""
    stored = couchdb.range(DAY, *id_range(account, pce, windows[0].first, windows[-1].end))
    return tuple(left for window in windows if (left := unsettled_part(window, stored)))
