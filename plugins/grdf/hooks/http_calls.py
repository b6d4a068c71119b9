"""HTTP calls whose answers are bounded in size and time, and those to GRDF, which take their turn in its quota.

The timeouts of ``requests`` limit connecting and each wait for data. Here the body is capped, unpacked, and must end in
time: not every caller is a task with an ``execution_timeout``, to which a server is left that drips its headers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError

from grdf.metrics import count_call
from grdf.quota.governor import Turn
from include.gas.errors import ServiceUnavailable

TIMEOUT = (5.0, 30.0)
"""Seconds to wait for a connection and for a part of an answer."""
SECONDS = 120.0
"""Time within which an answer of GRDF must end: three years of gas days are about 1 MB and take GRDF seconds."""
LARGEST = 100_000_000
"""Largest answer of GRDF in bytes: its list of 100,000 rights is about 60 MB."""
PATIENCE = "It is tried again automatically. If this continues, check the network and GRDF's announcements of outages."
PIECE = 65_536
"""How many bytes of a body are unpacked at once."""


class TooLate(requests.Timeout):
    """An answer did not arrive completely in time."""


class TooLarge(requests.RequestException):
    """An answer is larger than allowed."""


def no_answer_error(
    who: str, error: Exception, account: str | None = None, do: str | None = None
) -> ServiceUnavailable:
    """Return the error for an exchange that failed. It names no address, for that may contain a meter's number.

    :param who: the server, as the beginning of a clause
    :param do: what to do next
    """
    outcome = f"could not be reached ({type(error).__name__})"
    if isinstance(error, TooLate | TooLarge):
        outcome = f"did not return a complete answer ({error})"
    return ServiceUnavailable.about(account, f"{who} {outcome}", do)


def retry_after(response: requests.Response) -> float | None:
    """Return ``Retry-After`` in seconds (RFC 9110, 10.2.3). Its date form is ignored; no gateway we know of uses it."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def parse_json(response: requests.Response) -> Any:
    """Return the JSON of an answer, or ``None`` if it is none."""
    try:
        return msgspec.json.decode(response.content)  # a year of days takes half as long as with requests
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return response.json()  # half a surrogate pair, which the embedded server keeps, is one account's trouble
    except (ValueError, RecursionError):  # RecursionError: nested too deeply to be parsed
        return None


def bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return what authorizes requests with a bearer token (RFC 6750). As a header it would yield to a ``.netrc``."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return authorize


class LimitedAdapter(HTTPAdapter):
    """Reads each answer to its end before returning it, or raises.

    :param seconds: time within which a body must end, once its headers are there
    :param most: largest body in bytes, unpacked
    """

    def __init__(self, *, seconds: float, most: int, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._most = most

    def session(self) -> requests.Session:
        """Return a session that uses this adapter alone. The environment's proxies apply."""
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, self)
        return session

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request and read the whole answer.

        :raises TooLate, TooLarge: the connection is then closed
        """
        response: requests.Response = super().send(request, *args, **options)
        body, end = BytesIO(), time.monotonic() + self._seconds
        try:
            # requests would wait for whole pieces, without an overall limit.
            while piece := response.raw.read1(PIECE, decode_content=True):
                body.write(piece)
                if body.tell() > self._most:
                    raise TooLarge(f"its answer is larger than {self._most / 1e6:g} MB", request=request)
                if time.monotonic() > end:
                    raise TooLate(f"its answer did not arrive in full within {self._seconds:g} s", request=request)
        except (HTTPError, OSError) as error:  # errors of requests are OSErrors, too
            response.raw.close()
            if isinstance(error, requests.RequestException):
                raise
            raise requests.exceptions.ChunkedEncodingError(error, request=request) from error
        body.seek(0)
        response.raw = body  # requests reads ``content`` from it
        return response


class TimedResponse(NamedTuple):
    """A call that was answered.

    :param at: when the call was sent, after the wait for the quota; if two answers differ, the one sent later counts
    """

    response: requests.Response
    at: datetime

    @property
    def text(self) -> str:
        """The body decoded as UTF-8, as ADICT sends it. Without a charset in its header, requests takes Latin-1."""
        return self.response.content.decode("utf-8", errors="replace")


def send_at_turn(
    turn: Turn, method: str, url: str, *, who: str = "GRDF", most: int | None = None, **options: Any
) -> TimedResponse:
    """Send one request to GRDF at its turn, which is near, and return the answer whatever its status.

    No redirect is followed: it would carry a secret to another address.

    :param who: who is asked for what, as the beginning of a clause
    :param most: largest body in bytes; ``None`` means :data:`LARGEST`
    :param options: passed to ``requests.Session.request``
    """
    adapter, status = TurnAdapter(turn, most or LARGEST), None
    try:
        with adapter.session() as session:
            # With allow_redirects=False, requests would still parse the address, and quote a malformed one in errors.
            session.get_redirect_target = lambda _: None  # type: ignore[assignment,method-assign]  # of this session alone
            response = session.request(method, url, timeout=TIMEOUT, **options)
        status = response.status_code
    except requests.RequestException as error:
        if adapter.sent_at is None:  # there was no connection
            turn.give_up()
        raise no_answer_error(who, error, turn.account, PATIENCE) from None
    finally:
        if adapter.sent_at is not None:  # a call that never had its turn was not made
            count_call(turn.connection, url, status)
    turn.note_answer(status, retry_after(response))
    return TimedResponse(response, adapter.sent_at or datetime.now(UTC))


class TurnAdapter(LimitedAdapter):
    """Sends one request at its turn, directly or through a proxy, on a connection of its own.

    The turn is taken at the last moment, when the connection is open and only sending is left: an answer to a handshake
    takes now more, now less time than the quota's margin.
    """

    def __init__(self, turn: Turn, most: int) -> None:
        super().__init__(seconds=SECONDS, most=most)
        self._turn = turn
        self.sent_at: datetime | None = None

    def take_turn(self) -> None:
        """Wait for the turn. The request goes out right after."""
        self._turn.wait_for_turn()
        self.sent_at = datetime.now(UTC)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Return the connection pool for an address, with connections that wait for their turn before sending."""
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)
        kind, take_turn = pool.ConnectionCls, self.take_turn

        class Waiting(kind):  # type: ignore[misc,valid-type]  # HTTP, HTTPS, or through a proxy
            def request(self, *args: Any, **options: Any) -> None:
                if self.is_closed:  # for TLS urllib3 has connected before it calls this, for plain HTTP it has not
                    self.connect()
                take_turn()
                super().request(*args, **options)

        pool.ConnectionCls = Waiting
        return pool
