"""HTTP calls that take their turn at the last moment, when the connection is open and only sending is left."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from grdf.metrics.telling import tell_call
from grdf.quota.governor import Turn
from grdf.transport.http_limits import LimitedAdapter

SECONDS = 120.0
"""Time within which an answer of GRDF must end: three years of gas days are about 1 MB and take GRDF seconds."""
LARGEST = 100_000_000
"""Largest answer of GRDF in bytes: its list of 100,000 rights is about 60 MB."""


class Sent(NamedTuple):
    """A call that was answered.

    :param at: when the call was sent, after the wait for the quota; if two answers differ, the one sent later counts
    """

    response: requests.Response
    at: datetime


def send_at_turn(session: requests.Session, turn: Turn, method: str, url: str, **options: Any) -> Sent:
    """Send one request at its turn, which is near.

    :param session: has a :class:`TurnAdapter` mounted for this address
    :param options: passed to ``requests.Session.request``
    :raises requests.RequestException: see :meth:`grdf.transport.http_limits.LimitedAdapter.send`
    """
    call = _Call(turn)
    before = _CALL.set(call)
    status: int | None = None
    try:
        response = session.request(method, url, **options)
        status = response.status_code
    finally:
        _CALL.reset(before)
        if call.sent_at is not None:  # a call that never had its turn was not made
            tell_call(turn.connection, url, status, turn.waited)
    assert call.sent_at is not None, "the session has no TurnAdapter for this address"
    return Sent(response, call.sent_at)


class TurnAdapter(LimitedAdapter):
    """Sends each request of :func:`send_at_turn` at its turn, directly or through a proxy.

    The adapter holds no state of a call, so threads may share it and its connections.

    :param most: largest body in bytes; ``None`` means :data:`LARGEST`
    """

    def __init__(self, *, most: int | None = None) -> None:
        super().__init__(seconds=SECONDS, most=most or LARGEST)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Return the connection pool for an address, with connections that wait for their turn before sending."""
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)
        if not issubclass(pool.ConnectionCls, _Waiting):
            pool.ConnectionCls = type("WaitingConnection", (_Waiting, pool.ConnectionCls), {})
        return pool


def take_turn() -> None:
    """Wait for the turn of the current call. The request goes out right after."""
    call = _CALL.get()
    if call is None or call.sent_at is not None:
        raise RuntimeError("GRDF was not called: each call needs its own turn in the quota.")
    call.turn.take()
    call.sent_at = datetime.now(UTC)


@dataclass
class _Call:
    """The call that is being made in this context: ``requests`` offers no way to pass it down to the connection."""

    turn: Turn
    sent_at: datetime | None = None


_CALL: ContextVar[_Call | None] = ContextVar("grdf_call", default=None)


class _Waiting(HTTPConnection):
    """A mixin for urllib3's connection classes: once connected, the request waits for its turn."""

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request, see urllib3.

        For TLS urllib3 has connected before it calls this, for plain HTTP it has not.
        """
        if self.is_closed:
            self.connect()
        take_turn()
        super().request(*args, **options)
