"""The client at GRDF for a new account: the first of ``[grdf] connections`` with room for its meter."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.rights.meter_rights import Meter

log = logging.getLogger(__name__)


def meters_per_client(calls_per_day: int) -> int:
    """Return how many meters a client may have: 5/6 of its calls a day, without first runs and repetitions."""
    return calls_per_day * 5 // 6


def count_client_meters(meters: Callable[[], Iterable[Meter]]) -> Counter[str]:
    """Return how many meters each client has; nothing is counted for a single one."""
    every = meters() if len(settings.connections()) > 1 else ()
    return Counter(client for meter in every for client in {right.client for right in meter.rights if right.account})


def choose_client(meters: Counter[str]) -> str:
    """Return the client for one more account, the last one if all are full; ``BadSettings`` if one is unusable."""
    listed = settings.connections()
    if len(listed) == 1:
        return listed[0]
    for connection in listed:
        if meters[connection] < meters_per_client(GrdfOAuthHook(connection).facts.calls_per_day):
            break
    else:
        log.warning(
            "No client of [grdf] connections has room for another meter: each has five sixths of its calls a day, or "
            "more. Get another client from GRDF, and add its connection there."
        )
    meters[connection] += 1
    return connection
