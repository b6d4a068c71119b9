"""Telling a metric to Airflow. It costs next to nothing where metrics are off, and never makes a task fail."""

from __future__ import annotations

import logging

from grdf.metrics.known_metrics import Metric

log = logging.getLogger(__name__)


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
        _tell("counter", metric, number, tags)


def took(metric: Metric, seconds: float, **tags: str) -> None:
    """Record a duration, which metrics have in milliseconds.

    :param tags: a value for each of its tags
    """
    _tell("timer", metric, 1000 * seconds, tags)


def _tell(kind: str, metric: Metric, value: float, tags: dict[str, str]) -> None:
    try:
        if metric.kind != kind or set(tags) != set(metric.tags):
            raise ValueError(f"{metric.name} is a {metric.kind} with the tags {metric.tags}")
        from airflow.sdk.observability import stats

        if kind == "gauge":
            stats.gauge(metric.name, value, tags=tags)
        elif kind == "counter":
            stats.incr(metric.name, int(value), tags=tags)
        else:
            stats.timing(metric.name, value, tags=tags)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with metrics, the task's work is worth more
        log.debug("The metric %s was not told: %s: %s", metric.name, type(error).__name__, error)
