"""The settings of ``grdf_health``, which are read as those of ``grdf.settings`` are.

What a DAG file needs of them never fails: a wrong value is the default there, and an error of the task ``check``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from grdf.dag_settings import or_default
from grdf.options import number, quoted, written
from include.gas.errors import BadSettings
from include.gas.health.limits import Cause, Limits

AT = "14:00"
DEADLINE = 60
NAMES = 20
LATE_DAYS, QUOTA_PERCENT = 7, 10
PERCENT = {
    Cause.LATE: 5,
    Cause.SILENT: 2,
    Cause.REFUSED: 5,
    Cause.CONNECT: 20,
    Cause.NONE_DAYS: 5,
    Cause.BRAKED: 0,
    Cause.LOST_DAYS: 0,
}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def health_at() -> str:
    """Return when ``grdf_health`` looks at the fleet, Paris time (default 14:00).

    It is after the morning's pass: its runs start from :func:`grdf.settings.first_hour` on, over 4 hours.

    :raises BadSettings: if it is no time of the day
    """
    text = written("health_at").strip() or AT
    if not _CLOCK.fullmatch(text):
        raise BadSettings.about(
            None,
            f"the setting [grdf] health_at is {quoted(text)}",
            f"Set it to a time of the day in Paris, such as {AT}, or remove it for that default.",
        )
    return text


def health_deadline_minutes() -> int:
    """Return how many minutes after its run was queued the check must have ended (default 60), or an alert is sent.

    If it has not, the scheduler or the workers are behind, so that the morning's pass is, too.
    """
    return number("health_deadline_minutes", DEADLINE, least=1, most=1440)


def health_late_days() -> int:
    """Return from which age in days the newest gas day of an account is late (default 7, as on the page)."""
    return number("health_late_days", LATE_DAYS, least=3, most=365)


def health_late_percent() -> int:
    """Return which percentage of the accounts may be late (default 5). GRDF is late with some meters on any day."""
    return number("health_late_percent", PERCENT[Cause.LATE], least=0, most=100)


def health_silent_percent() -> int:
    """Return which percentage of the accounts may be silent (default 2): of fewer than 50, none."""
    return number("health_silent_percent", PERCENT[Cause.SILENT], least=0, most=100)


def health_refused_percent() -> int:
    """Return which percentage of the accounts GRDF may refuse (default 5)."""
    return number("health_refused_percent", PERCENT[Cause.REFUSED], least=0, most=100)


def health_connect_percent() -> int:
    """Return which percentage of the accounts may wait for their household (default 20): consents do end."""
    return number("health_connect_percent", PERCENT[Cause.CONNECT], least=0, most=100)


def health_none_percent() -> int:
    """Return which percentage of the last 60 gas days GRDF may not have (default 5)."""
    return number("health_none_percent", PERCENT[Cause.NONE_DAYS], least=0, most=100)


def health_braked_percent() -> int:
    """Return for which percentage of the accounts a list of GRDF may be disbelieved (default 0)."""
    return number("health_braked_percent", PERCENT[Cause.BRAKED], least=0, most=100)


def health_lost_days_percent() -> int:
    """Return which percentage of the accounts may have lost stored days (default 0): CouchDB loses none by itself."""
    return number("health_lost_days_percent", PERCENT[Cause.LOST_DAYS], least=0, most=100)


def health_quota_percent() -> int:
    """Return which percentage of a client's calls of the day must be left at the time of the check (default 10)."""
    return number("health_quota_percent", QUOTA_PERCENT, least=0, most=100)


def health_names() -> int:
    """Return how many accounts the log names for each cause (default 20). Alerts name none."""
    return number("health_names", NAMES, least=0, most=10_000)


def health_airflow_conn_id() -> str | None:
    """Return the connection of an Airflow user who may read DAGs and task instances.

    With it, the check sees which DAGs are missing or paused and whose runs are all skipped, on the day that it
    happens. With ``None``, the default, it sees that only of accounts that are late or new.
    """
    return written("health_airflow_conn_id").strip() or None


def alert_notifier() -> str | None:
    """Return the class of the Airflow notifier that sends the alert, as ``module.Class``.

    ``None``, the default, sends none.
    """
    return written("alert_notifier").strip() or None


def alert_notifier_kwargs() -> dict[str, Any]:
    """Return the notifier's arguments, a JSON object. Secrets belong into the connection that it names.

    :raises BadSettings: if it is no JSON object
    """
    text = written("alert_notifier_kwargs").strip() or "{}"
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):  # the latter of braces that are nested too deep
        found = None
    if not isinstance(found, dict):
        raise BadSettings.about(
            None,
            "the setting [grdf] alert_notifier_kwargs is no JSON object",
            'Set it to the arguments of the notifier, such as {"to": "team@example.org"}.',
        )
    return found


def limits() -> Limits:
    """Return when a person is called. It never fails: a limit that is wrong is its default, and another cause."""
    readers = {
        Cause.LATE: health_late_percent,
        Cause.SILENT: health_silent_percent,
        Cause.REFUSED: health_refused_percent,
        Cause.CONNECT: health_connect_percent,
        Cause.NONE_DAYS: health_none_percent,
        Cause.BRAKED: health_braked_percent,
        Cause.LOST_DAYS: health_lost_days_percent,
    }
    return Limits(
        or_default(health_late_days, LATE_DAYS),
        or_default(health_quota_percent, QUOTA_PERCENT),
        {cause: or_default(read, PERCENT[cause]) for cause, read in readers.items()},
    )


@dataclass(frozen=True, slots=True)
class Timing:
    """When the check runs, and how often it is tried, for the DAG file.

    :param cron: its schedule
    :param deadline: how long after that it must have ended
    """

    cron: str
    deadline: timedelta


def timing() -> Timing:
    """Return when the check runs. It never fails: parsing a DAG file must not stop for a wrong setting."""
    hour, minute = or_default(health_at, AT).split(":")
    return Timing(
        f"{int(minute)} {int(hour)} * * *",
        timedelta(minutes=or_default(health_deadline_minutes, DEADLINE)),
    )
