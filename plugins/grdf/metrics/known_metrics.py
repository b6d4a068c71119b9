"""All metrics of this project. Each has one name in StatsD and OpenTelemetry, and docs/metrics.md lists them.

No name and no tag holds an account's id, a meter's number or an amount of gas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    :param name: its name below Airflow's own prefix (``[metrics] statsd_prefix``, ``otel_prefix``: ``airflow``)
    :param kind: a gauge is set by the daily check ``grdf_health``; counters by the tasks that do the work
    :param says: what it counts or measures
    :param tags: the names of its tags
    """

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
    "gas days by kind: `stored`, of which `provisional` and `corrected`; missing ones of the last two months, "
    "`awaited`, and older ones, `none`",
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
"""Upper bounds in days of the histogram of the newest day's age; beyond them is ``Inf``."""
