"""Metrics of a load: the days that it has handled, its requests to CouchDB, and its time."""

from __future__ import annotations

from collections.abc import Mapping

from grdf.metrics.known_metrics import LOAD_REQUESTS, LOAD_TIME, LOADED
from grdf.metrics.telling import count, took

CHANGES = ("new", "corrected", "unchanged")


def tell_load(connection: str, counts: Mapping[str, int], requests: int, seconds: float) -> None:
    """Count what a load has stored.

    :param connection: the Airflow connection of the account's client; empty if its document is odd
    :param counts: as the load returns them
    :param requests: its requests to CouchDB so far
    :param seconds: how long it took to store the days
    """
    connection = connection or "unknown"
    for change in CHANGES:
        count(LOADED, counts.get(change, 0), connection=connection, change=change)
    count(LOAD_REQUESTS, requests, connection=connection)
    took(LOAD_TIME, seconds, connection=connection)
