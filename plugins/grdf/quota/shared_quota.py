"""GRDF's quota, kept over all connections, tasks, workers and machines: each call to GRDF asks the governor first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol

from grdf import settings
from grdf.quota.allowance import Purpose, Quota
from grdf.quota.governor import Governor
from grdf.quota.quota_store import store_at
from include.gas.days.gas_day import PARIS
from include.gas.errors import BadSettings


class Client(Protocol):
    """What this needs of a connection to GRDF (``grdf.hooks.connection`` has all of it)."""

    @property
    def conn_id(self) -> str:
        """Airflow's id of the connection."""

    @property
    def client_id(self) -> str:
        """Whose quota it is."""

    @property
    def client_secret(self) -> str:
        """Stands for the credentials: a new secret may get a new token."""

    @property
    def calls_per_second(self) -> float:
        """Calls that GRDF allows in a second."""

    @property
    def calls_per_day(self) -> int:
        """Calls that GRDF allows on a day."""


def governor_for(client: Client) -> Governor:
    """Return the governor of a connection's client: the same for all connections that name this client id.

    :param client: the connection
    :raises BadSettings: when a setting of the quota is wrong
    """
    reserve = settings.daily_reserve()
    reserve = client.calls_per_day // 2 if reserve is None else reserve
    if reserve >= client.calls_per_day:
        raise BadSettings.about(
            None,
            f"the setting [grdf] daily_reserve keeps {reserve} calls a day for daily runs, but the connection "
            f"{client.conn_id} allows {client.calls_per_day} in all",
            "Set a smaller number, or remove the setting to keep half of the calls.",
        )
    quota = Quota(client.calls_per_second, client.calls_per_day, reserve, settings.household_link_calls())
    return Governor(
        store_at(settings.quota_url()),
        client.client_id,
        quota,
        credentials=sha256(f"{client.client_id}:{client.client_secret}".encode()).hexdigest()[:16],
    )


def how_long(client: Client, calls: int, purpose: Purpose) -> str:
    """Say how long some calls take at the least, over the days that GRDF's quota makes of them.

    :param client: the connection whose quota it is
    :param calls: how many
    :param purpose: what they are for
    :return: such as ``about 3 min, until 14:05 on 25 November (Paris time)``
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
