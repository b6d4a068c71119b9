"""HTTP calls that take their turn at the last moment: the connection stands, only the sending is left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

from grdf import settings
from grdf.governor import FarOff, Turn
from grdf.hooks.limits import LimitedAdapter


class TurnAdapter(LimitedAdapter):
    """Sends each request of a session at its turn, whether it goes straight or through a proxy.

    :param turn: gives the turn of the next request
    :param most: bytes of an answer's body; ``None`` takes ``[grdf] answer_megabytes``
    """

    def __init__(self, turn: Callable[[], Turn], *, most: int | None = None) -> None:
        super().__init__(seconds=settings.answer_seconds(), most=most or settings.answer_megabytes() * 1_000_000)
        self._give_turn = turn
        self._turn: Turn | None = None
        self.asked_at = datetime.now(UTC)
        """When the last request was sent."""
        self.sent = False
        """Whether one was sent at all: its turn had come, on a connection that stood."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Wait until the turn is near, connect, wait the rest, send.

        :raises GasError: see :meth:`grdf.governor.Turn.draw_near`
        :raises requests.RequestException: see :meth:`grdf.hooks.limits.LimitedAdapter.send`
        """
        self._turn = self._give_turn()
        while True:
            self._turn.draw_near()
            try:
                response: requests.Response = super().send(request, *args, **options)
            except FarOff:  # urllib3 has closed the connection
                continue
            return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Give requests the pool of connections for one address, whose connections wait before they send."""
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)
        if not issubclass(pool.ConnectionCls, _Waiting):
            pool.ConnectionCls = type("WaitingConnection", (_Waiting, pool.ConnectionCls), {"take_turn": self._take})
        return pool

    def _take(self) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            raise RuntimeError("GRDF was not called again: each call needs a turn of its own in the quota.")
        try:
            turn.take()
        except FarOff:
            self._turn = turn
            raise
        self.asked_at, self.sent = datetime.now(UTC), True


class _Waiting(HTTPConnection):
    """Goes before any connection class of urllib3: the request waits for its turn on a connection that stands."""

    take_turn: Callable[[], None]

    def request(self, *args: Any, **options: Any) -> None:
        """See urllib3: it has opened connections with TLS before it calls this, but not the plain ones."""
        if self.is_closed:
            self.connect()
        self.take_turn()
        super().request(*args, **options)
