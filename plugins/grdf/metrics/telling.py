"""Telling a metric to Airflow. It costs next to nothing where metrics are off, and never makes a task fail."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from grdf.metrics.known_metrics import CALLS, LOADED, Metric

log = logging.getLogger(__name__)

KINDS = {
    "donnees_consos_informatives": "daily",
    "donnees_consos_publiees": "published",
    "donnees_contractuelles": "contract",
    "donnees_techniques": "technical",
    "droits_acces": "rights",
    "droit_acces": "declare",
    "preuves": "proof",
}
"""The kind of a call by the last part of its address (ADICT 3). The part before it may be a meter's number."""


def gauge(metric: Metric, value: float, **tags: str) -> None:
    """Set a gauge.

    :param tags: a value for each of its tags
    """
    _tell("gauge", metric, value, tags)


def count(metric: Metric, number: int = 1, **tags: str) -> None:
    """Add to a counter. Nothing is sent for 0.

    :param tags: a value for each of its tags
    """
    if number > 0:
        _tell("incr", metric, number, tags)


def tell_load(connection: str, counts: Mapping[str, int]) -> None:
    """Count what a load has stored.

    :param connection: the Airflow connection of the account's client; empty if its document is odd
    :param counts: as the load returns them
    """
    for change in ("new", "corrected", "unchanged"):
        count(LOADED, counts.get(change, 0), connection=connection or "unknown", change=change)


def tell_call(connection: str, url: str, status: int | None) -> None:
    """Count a call to GRDF.

    :param connection: the Airflow connection of the client that made it
    :param url: its address
    :param status: the HTTP status; ``None`` if no answer came
    """
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


def _tell(how: str, metric: Metric, value: float, tags: dict[str, str]) -> None:
    try:
        from airflow.sdk.observability import stats

        getattr(stats, how)(metric.name, value, tags=tags)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with metrics, the task's work is worth more
        log.debug("The metric %s was not told: %s: %s", metric.name, type(error).__name__, error)
