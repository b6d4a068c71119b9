"""Requests to GRDF for one meter's gas days. A task parses each answer once, and passes it on with its parsed lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from grdf.quota.terms import DAILY, Booking, Purpose, Terms
from include.gas.answers.consumption.daily import Reading, read_daily
from include.gas.answers.consumption.sorting import Answer
from include.gas.errors import (
    BadSettings,
    CredentialsRefused,
    FailNow,
    GasError,
    PartialAnswer,
    QuotaWait,
    RetryLater,
)

if TYPE_CHECKING:
    from grdf.hooks.adict import AdictHook
    from grdf.staging.area import StagedAnswer
    from include.gas.days.windows import Window
    from include.gas.rights.meter_rights import Held

ASK_AGAIN = 2
"""How often one task asks again for windows on which GRDF's server failed (2000100)."""


class ReadAnswer(NamedTuple):
    """An answer with its parsed lines.

    :param staged: the answer as received
    :param lines: its lines, sorted
    """

    staged: StagedAnswer
    lines: Answer[Reading]


class MeterRead(NamedTuple):
    """What was read of one meter.

    :param answers: in the order in which they were received
    :param problems: failures that concern this meter, so that other meters can still be read
    """

    answers: list[ReadAnswer]
    problems: list[GasError]


@contextmanager
def booked(
    adict: AdictHook, task: str, calls: int, purpose: Purpose, last_read: Callable[[], float] = lambda: 0.0
) -> Iterator[Terms]:
    """Book all calls of a task with its first one, and give back those that it does not make.

    :param task: identifies the account, the task and its run
    :param calls: how many calls it makes, as far as that is known
    :param last_read: see :class:`grdf.quota.terms.Booking`
    :return: the terms of its calls
    """
    # Hashed, since the ledger lies where other users of the machine may read, and no deletion looks there.
    terms = Terms(purpose, Booking(blake2b(task.encode(), digest_size=12).hexdigest(), calls, last_read))
    try:
        yield terms
    finally:
        adict.release(terms)


def read_meter(
    adict: AdictHook,
    account: str,
    meter: Held,
    windows: Sequence[Window],
    *,
    whole: bool = False,
    terms: Terms = DAILY,
) -> MeterRead:
    """Ask for one meter's gas days, with one call per window unless GRDF's server fails on part of it.

    :param windows: the gas days to ask for, one window for each stretch that its rights cover
    :param whole: whether this is the meter's whole history; complete answers are then marked as such
    :raises CredentialsRefused, BadSettings, QuotaWait: if the failure concerns all meters, so that the next would fail,
        too
    """
    answers: list[ReadAnswer] = []
    problems: list[GasError] = []
    pending, asked_again = list(windows), 0
    while pending:
        try:
            staged = adict.daily_lines(meter.pce, pending.pop(0), account=account, terms=terms)
        except (CredentialsRefused, BadSettings, QuotaWait):
            raise
        except (FailNow, RetryLater) as error:
            problems.append(error)
            continue
        lines = read_daily(staged.body, account=account, pce=meter.pce, window=staged.window)
        read = ReadAnswer(staged, lines)
        answers.append(read)
        problem = read.lines.problem()
        if isinstance(problem, PartialAnswer) and asked_again < ASK_AGAIN:
            asked_again += 1
            pending += problem.windows
        elif isinstance(problem, CredentialsRefused):
            raise problem
        elif problem is not None:
            problems.append(problem)
    if whole and not problems and all(read.lines.whole for read in answers):
        since = windows[0].first.isoformat()
        answers = [read._replace(staged=replace(read.staged, history_from=since, under=meter.own)) for read in answers]
    return MeterRead(answers, problems)
