"""Metrics of calls to GRDF: what kind of call it was, how it ended, and how long it waited for its turn."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from grdf.metrics.known_metrics import CALLS, TURN_WAIT
from grdf.metrics.telling import count, took

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


def tell_call(connection: str, url: str, status: int | None, waited: float) -> None:
    """Count a call to GRDF.

    :param connection: the Airflow connection of the client that made it
    :param url: its address
    :param status: the HTTP status; ``None`` if no answer came
    :param waited: seconds for which it waited for its turn
    """
    kind = KINDS.get(urlsplit(url).path.rpartition("/")[2], "token")
    count(CALLS, connection=connection, kind=kind, outcome=_outcome(status))
    took(TURN_WAIT, waited, connection=connection)


def _outcome(status: int | None) -> str:
    if status is None:
        return "unreachable"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "too_many"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "failed"
    return "ok" if status < HTTPStatus.BAD_REQUEST else "refused"
