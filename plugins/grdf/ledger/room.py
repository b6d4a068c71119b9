"""Which of our clients at GRDF a new account gets: the first of ``[grdf] connections`` that has room for its meter."""

from __future__ import annotations

import logging
from collections import Counter

from grdf import settings
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.errors import BadRequest, BadSettings

log = logging.getLogger(__name__)


def room_of(calls_per_day: int) -> int:
    """Return how many meters a client may have before new accounts get another one.

    GRDF's contract is for fewer than 5,000 meters with 6,000 calls a day. The other sixth is for new accounts, the
    monthly reading and whatever is asked twice.
    """
    return calls_per_day * 5 // 6


def client_with_room(meters: Counter[str]) -> str:
    """Return the connection for one more account, which counts from then on.

    If no client has room, that is the last one: whether to go on then is for the operator to say, as it is with a
    single client.

    :param meters: number of meters by the client's connection, to which this adds
    :raises BadSettings: if ``[grdf] connections`` is wrong, or none of the connections can be used
    """
    listed = settings.connections()
    chosen = listed[0] if len(listed) == 1 else _first_with_room(listed, meters)
    meters[chosen] += 1
    return chosen


def _first_with_room(listed: tuple[str, ...], meters: Counter[str]) -> str:
    usable: list[str] = []
    problem: BadSettings | None = None
    for connection in listed:
        try:
            facts = GrdfOAuthHook(connection).facts
        except BadSettings as error:
            log.warning("%s No new account gets it.", error)
            problem = problem or error
            continue
        if meters[connection] < room_of(facts.calls_per_day):
            return connection
        usable.append(connection)
    if not usable:
        raise problem or BadSettings.about(None, "no connection of [grdf] connections can be used")
    log.warning(
        "None of the clients %s has room for another meter: each has five sixths of its calls a day, or more. Get "
        "another client from GRDF, and add its connection to [grdf] connections.", ", ".join(usable),
    )  # fmt: skip
    return usable[-1]


def check_connection(named: object) -> str:
    """Return the connection that a form names, checked; ``""`` if it leaves the choice to us.

    :raises BadRequest: if it is not one that the settings list
    """
    text = named.strip() if isinstance(named, str) else "?"
    listed = settings.connections()
    if text and text not in listed:
        raise BadRequest.about(
            None,
            f"connection is {text!r:.140}, which [grdf] connections does not list",
            f"Nothing was done. Choose {' or '.join(listed)}, or leave it empty for the first one that has room.",
        )
    return text
