"""Our metrics among Airflow's (StatsD, OpenTelemetry, Datadog); docs/metrics.md lists them.

No name or tag has an account's id, a meter number or an amount of gas. Sending one never fails a task.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

Kind = Literal["gauge", "counter"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name below Airflow's prefix, what it counts or measures, and its tags."""

    name: str
    kind: Kind
    says: str
    tags: tuple[str, ...] = ("connection",)


ACCOUNTS = Metric("grdf.accounts", "gauge", "accounts by state, in the page's words", ("connection", "state"))
NEWEST_DAY = Metric(
    "grdf.newest_day_age_bucket",
    "gauge",
    "accounts whose newest gas day is at most `le` days old: a cumulative histogram of this day",
    ("connection", "le"),
)
DAYS = Metric(
    "grdf.days",
    "gauge",
    "gas days by kind: `stored`, of which `provisional` and `corrected`; missing ones that each run asks for again, "
    "`awaited`, and older ones, `none`",
    ("connection", "kind"),
)
DELAY = Metric(
    "grdf.publication_delay",
    "gauge",
    "days from a gas day to its reading, of the newest one that most meters have: the `median`, and `most` of 95 %",
    ("connection", "kind"),
)
QUOTA_LEFT = Metric("grdf.quota.left", "gauge", "calls to GRDF that are left today")
QUOTA = Metric("grdf.quota.allowed", "gauge", "calls to GRDF that its contract allows in a day")
SHARE = Metric("grdf.health.share", "gauge", "percentage that a cause concerns, see grdf_health", ("cause",))
RED = Metric("grdf.health.red", "gauge", "1 for a cause that calls a person, else 0", ("cause",))
CHECKED = Metric("grdf.health.checked", "gauge", "when the check last looked at the fleet, in seconds since 1970", ())
CALLS = Metric(
    "grdf.calls",
    "counter",
    "calls to GRDF by kind (`daily`, `published`, `contract`, `technical`, `rights`, `declare`, `proof`, `token`) and "
    "outcome (`ok`, `refused`, `too_many`, `failed`, `unreachable`)",
    ("connection", "kind", "outcome"),
)
LOADED = Metric(
    "grdf.load.days",
    "counter",
    "gas days that loads have handled: `new`, `corrected`, `unchanged`",
    ("connection", "change"),
)

METRICS = tuple(each for each in list(globals().values()) if isinstance(each, Metric))
AGES = (1, 2, 3, 4, 5, 7, 10, 14, 21, 30, 60, 90)
"""Bounds in days of the histogram of the newest day's age, then ``Inf``."""

KINDS = {
    "donnees_consos_informatives": "daily",
    "donnees_consos_publiees": "published",
    "donnees_injections_publiees": "published",
    "donnees_contractuelles": "contract",
    "donnees_techniques": "technical",
    "droits_acces": "rights",
    "droit_acces": "declare",
    "preuves": "proof",
}
"""Kinds of calls by the last part of the address (ADICT 3); the part before may be a meter number."""


def gauge(metric: Metric, value: float, **tags: str) -> None:
    """Set a gauge, with a value for each of its tags."""
    _send("gauge", metric, value, tags)


def count(metric: Metric, number: int = 1, **tags: str) -> None:
    """Add to a counter, with a value for each of its tags. Nothing is sent for 0."""
    if number > 0:
        _send("incr", metric, number, tags)


def count_stored_days(connection: str, counts: Mapping[str, int]) -> None:
    """Count what a load has stored for a client (``""`` if the document is odd)."""
    for change in ("new", "corrected", "unchanged"):
        count(LOADED, counts.get(change, 0), connection=connection or "unknown", change=change)


def count_call(connection: str, url: str, status: int | None) -> None:
    """Count a call to GRDF; ``status`` is ``None`` without an answer."""
    kind = KINDS.get(urlsplit(url).path.rpartition("/")[2], "token")
    count(CALLS, connection=connection, kind=kind, outcome=_outcome(status))


def _outcome(status: int | None) -> str:
    if status is None:
        return "unreachable"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "too_many"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "failed"
    return "ok" if status < HTTPStatus.BAD_REQUEST else "refused"


def _send(how: str, metric: Metric, value: float, tags: dict[str, str]) -> None:
    try:
        from airflow.sdk.observability import stats

        getattr(stats, how)(metric.name, value, tags=tags)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with metrics, the task's work is worth more
        log.debug("The metric %s was not sent: %s: %s", metric.name, type(error).__name__, error)
