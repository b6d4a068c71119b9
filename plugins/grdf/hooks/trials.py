"""Whose quota the calls of a trial count in: somebody tries values with a *Test* button, or runs ``./grdf doctor``.

Whoever may create connections can type a known client id, and a server and limits of their own. If those calls counted
as the client's, a few hundred Tests would use up its day, and GRDF would not even have been asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from grdf import settings
from grdf.hooks.connection import GrdfConnection, airflow_connection
from grdf.quota.governor import Governor
from grdf.quota.shared_quota import governor_for
from grdf.transport.addresses import is_grdf
from include.gas.errors import BadSettings


def trial_governor(facts: GrdfConnection, url: str) -> Governor:
    """Return the governor for a call of a trial.

    :param facts: the connection, whose values may be what somebody has typed
    :param url: the address that is called, or its beginning
    :raises BadSettings: if a setting of the quota is invalid
    """
    counted = is_grdf(url) or _place(url) in map(_place, _stored_addresses(facts.client_id))
    return governor_for(facts, trial=True, counted=counted)


def _stored_addresses(client_id: str) -> Iterator[str]:
    """Yield where the stored connections of a client lead."""
    try:
        listed = settings.connections()
    except BadSettings:  # whoever needs the list says so
        return
    for name in listed:
        try:
            stored = GrdfConnection.read(airflow_connection(name))
        except Exception:  # noqa: BLE001 - one that cannot be read makes no calls; the doctor says so
            continue
        if stored.client_id == client_id:
            yield from (stored.api_base, stored.token_url)


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
