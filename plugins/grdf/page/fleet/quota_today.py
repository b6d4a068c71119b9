"""How much of GRDF's quota each of our clients has used.

The calls are counted in a store that workers share, which may be slow or far away. A page does not wait for it longer
than a moment: it then shows what was read before, and says when.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.quota.shared_quota import governor_for
from include.gas.days.gas_day import utc_text
from include.gas.errors import GasError

log = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds that a page waits for the store."""
AT_ONCE = 4
"""How many clients' figures are read at the same time."""


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
    :param problem: why nothing is known, or nothing newer; ``""`` if this is new
    """

    connection: str
    calls: int = 0
    history: int = 0
    left: int = 0
    per_day: int = 0
    pause: float = 0.0
    read_at: str = ""
    problem: str = ""


class UsageReader:
    """Reads the quotas of all clients, and keeps what it has read."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._asked: dict[str, Future[ClientUsage]] = {}
        self._known: dict[str, ClientUsage] = {}

    def read(self) -> tuple[ClientUsage, ...]:
        """Return what is known of each client's quota, in the order of the setting ``[grdf] connections``."""
        try:
            clients = settings.connections()
        except GasError as error:
            return (ClientUsage("", problem=str(error)),)
        with self._lock:
            # Made here and not at import, because threads do not survive the fork of a server's worker process.
            self._pool = self._pool or ThreadPoolExecutor(AT_ONCE, thread_name_prefix="grdf-quota")
            for client in clients:
                if client not in self._asked:  # one that hangs is not asked a second time beside itself
                    self._asked[client] = self._pool.submit(_usage, client)
            asked = {client: self._asked[client] for client in clients}
        wait(asked.values(), timeout=self._patience)
        return tuple(self._result(client, future) for client, future in asked.items())

    def _result(self, client: str, asked: Future[ClientUsage]) -> ClientUsage:
        with self._lock:
            known = self._known.get(client, ClientUsage(client))
            if not asked.done():
                return replace(known, problem="slow")
            if self._asked.get(client) is asked:
                del self._asked[client]
            try:
                found = self._known[client] = asked.result()
            except GasError as error:
                return replace(known, problem=str(error))
            except Exception:
                log.exception("The page could not read how many calls to GRDF the client %s has made.", client)
                return replace(known, problem="failed")
            return found


def _usage(client: str) -> ClientUsage:
    facts = GrdfOAuthHook(client).facts
    used = governor_for(facts).usage()
    return ClientUsage(
        client, used.calls, used.history, used.left, facts.calls_per_day, used.pause, utc_text(datetime.now(UTC))
    )


_shared = UsageReader()


def usages() -> tuple[ClientUsage, ...]:
    """Return what is known of each client's quota."""
    return _shared.read()


def counts_one_machine() -> bool:
    """Whether calls are counted in a file, which holds those of one machine only."""
    return settings.quota_url().startswith("sqlite:")
