"""The daily runs of this morning, as far as the accounts' ids and the settings tell: how many are due, and until when.

What became of them only Airflow knows. The browser asks it, as the visitor, with one small question for each state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time

from grdf import dag_settings
from grdf.timetable import minute_of
from include.gas.days.gas_day import PARIS

DAY = 1440


@dataclass(frozen=True)
class Morning:
    """The runs of one day.

    :param since: when the day began in Paris
    :param due: number of accounts whose minute has come
    :param to_come: number of accounts whose minute is still to come
    :param last: when the last account's minute is; ``None`` without accounts
    """

    since: datetime
    due: int
    to_come: int
    last: datetime | None


def morning(accounts: Iterable[str], now: datetime) -> Morning:
    """Return the runs of today.

    :param accounts: ids of the accounts that have a DAG
    :param now: an aware datetime
    """
    of_runs = dag_settings.morning()
    first, spread = of_runs["first_hour"] * 60, of_runs["spread_minutes"]
    minutes = [(first + minute_of(account, spread)) % DAY for account in accounts]
    local = now.astimezone(PARIS)
    this = local.hour * 60 + local.minute
    due = sum(minute <= this for minute in minutes)
    midnight = datetime.combine(local.date(), time(), PARIS)
    last = max(minutes, default=None)
    return Morning(
        midnight.astimezone(UTC),
        due,
        len(minutes) - due,
        None if last is None else midnight.replace(hour=last // 60, minute=last % 60),
    )
