"""How much of GRDF's quota each of our clients has used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.shared_quota import governor_for
from include.gas.days.gas_day import utc_text
from include.gas.errors import GasError


@dataclass(frozen=True, slots=True)
class ClientUsage:
    """What is known of one client's quota.

    :param connection: the client's Airflow connection
    :param calls: calls that count at present
    :param history: those of them that history imports made
    :param left: calls that may still be made
    :param per_day: calls that GRDF allows
    :param pause: seconds for which nobody calls, because GRDF has asked for it
    :param read_at: when this was read, UTC text; ``""`` if nothing is known
    :param problem: why nothing is known; ``""`` otherwise
    """

    connection: str
    calls: int = 0
    history: int = 0
    left: int = 0
    per_day: int = 0
    pause: float = 0.0
    read_at: str = ""
    problem: str = ""


def usages() -> tuple[ClientUsage, ...]:
    """Return what is known of each client's quota, in the order of the setting ``[grdf] connections``."""
    try:
        return tuple(map(_usage, settings.connections()))
    except GasError as error:
        return (ClientUsage("", problem=str(error)),)


def _usage(client: str) -> ClientUsage:
    try:
        facts = GrdfOAuthHook(client).facts
        used = governor_for(facts).usage()
    except GasError as error:
        return ClientUsage(client, problem=str(error))
    return ClientUsage(
        client, used.calls, used.history, used.left, facts.calls_per_day, used.pause, utc_text(datetime.now(UTC))
    )


def counts_one_machine() -> bool:
    """Whether calls are counted in a file, which holds those of one machine only."""
    return settings.quota_url().startswith("sqlite:")
