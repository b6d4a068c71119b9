"""Which of our clients at GRDF a new account gets: the first of ``[grdf] connections`` that has room for its meter."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.rights.meter_rights import Meter

log = logging.getLogger(__name__)


def meters_per_client(calls_per_day: int) -> int:
    """Return how many meters a client may have before new accounts get another one.

    GRDF's contract is for fewer than 5,000 meters with 6,000 calls a day. The other sixth is for new accounts, the
    monthly reading and whatever is asked twice.
    """
    return calls_per_day * 5 // 6


def count_client_meters(meters: Callable[[], Iterable[Meter]]) -> Counter[str]:
    """Return how many meters each of several clients has. A single one is not asked whether it has room.

    :param meters: reads all meters
    """
    every = meters() if len(settings.connections()) > 1 else ()
    return Counter(client for meter in every for client in {right.client for right in meter.rights if right.account})


def choose_client(meters: Counter[str]) -> str:
    """Return the connection for one more account, which counts from then on.

    If no client has room, that is the last one: whether to go on then is for the operator to say, as it is with a
    single client.

    :param meters: number of meters by the client's connection, to which this adds
    :raises BadSettings: if ``[grdf] connections`` is wrong, or one of the connections before it cannot be used
    """
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
