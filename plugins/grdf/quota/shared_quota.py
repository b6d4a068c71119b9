"""GRDF's quota across all connections, tasks, workers and machines. Each call to GRDF asks the governor first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol

from grdf import settings
from grdf.quota.allowance import Purpose, Quota
from grdf.quota.governor import Governor
from grdf.quota.quota_store import store_at
from include.gas.days.gas_day import PARIS


class Client(Protocol):
    """What this module needs of a connection to GRDF (``grdf.hooks.connection`` provides it)."""

    @property
    def conn_id(self) -> str:
        """Airflow's id of the connection."""

    @property
    def client_id(self) -> str:
        """GRDF's client id; the quota is counted per client."""

    @property
    def client_secret(self) -> str:
        """The client's secret.

        Together with the id it identifies the credentials: after a change GRDF may accept us again.
        """

    @property
    def calls_per_second(self) -> float:
        """Calls per second that GRDF allows."""

    @property
    def calls_per_day(self) -> int:
        """Calls per day that GRDF allows."""


def governor_for(client: Client) -> Governor:
    """Return the governor for a connection's client. Connections with the same client id share one quota.

    :raises BadSettings: if a setting of the quota is invalid
    """
    quota = Quota(client.calls_per_second, client.calls_per_day, client.calls_per_day // 2)
    return Governor(
        store_at(settings.quota_url()),
        client.client_id,
        quota,
        credentials=sha256(f"{client.client_id}:{client.client_secret}".encode()).hexdigest()[:16],
        connection=client.conn_id,
    )


def how_long(client: Client, calls: int, purpose: Purpose) -> str:
    """Return the least time that some calls take, as text. It accounts for the days over which the quota spreads them.

    :return: for example ``about 3 min, until 14:05 on 25 November (Paris time)``
    """
    seconds = governor_for(client).time_needed(calls, purpose)
    end = (datetime.now(UTC) + timedelta(seconds=seconds)).astimezone(PARIS)
    return f"about {_duration(seconds)}, until {end:%H:%M on %-d %B} (Paris time)"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"
