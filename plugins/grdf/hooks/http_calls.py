"""HTTP calls with answers bounded in size and time, as ``requests`` does not, and calls to GRDF at their turn."""

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
"""Seconds to connect and for a part of an answer."""
SECONDS = 120.0
"""Seconds for an answer of GRDF: three years of gas days are about 1 MB."""
LARGEST = 100_000_000
"""Largest answer of GRDF in bytes: 100,000 rights have about 60 MB."""
LARGEST_OF_METER = 20_000_000
"""Largest answer about one meter in bytes. All of its lines are held at once, as some thirty times as much."""
TOO_LARGE = (
    "It is tried again automatically. If this continues, tell GRDF: its answer is far larger than what was asked."
)
PATIENCE = "It is tried again automatically. If this continues, check the network and GRDF's announcements of outages."
PIECE = 65_536
"""Bytes unpacked at once."""


class TooLate(requests.Timeout):
    """An answer was not complete in time."""


class TooLarge(requests.RequestException):
    """An answer is too large."""


def no_answer_error(
    who: str, error: Exception, account: str | None = None, do: str | None = None
) -> ServiceUnavailable:
    """Return the error for a failed exchange with ``who`` (begins a clause), without an address or meter number."""
    outcome = f"could not be reached ({type(error).__name__})"
    if isinstance(error, TooLate | TooLarge):
        outcome = f"did not return a complete answer ({error})"
    return ServiceUnavailable.about(account, f"{who} {outcome}", do)


def retry_after(response: requests.Response) -> float | None:
    """Return ``Retry-After`` in seconds (RFC 9110, 10.2.3). Its date form is ignored."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def parse_json(response: requests.Response) -> Any:
    """Return the JSON of an answer, or ``None``."""
    try:
        return msgspec.json.decode(response.content)  # a year of days takes half as long as with requests
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return response.json()  # half a surrogate pair, which the embedded server keeps, concerns one account
    except (ValueError, RecursionError):  # RecursionError: nested too deeply to be parsed
        return None


def bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Return an authorization by bearer token (RFC 6750). A header would yield to a ``.netrc``."""

    def authorize(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return authorize


class LimitedAdapter(HTTPAdapter):
    """Reads each answer to its end before returning it, or raises."""

    def __init__(self, *, seconds: float, most: int, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._most = most

    def session(self) -> requests.Session:
        """Return a session with this adapter alone. The environment's proxies apply."""
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, self)
        return session

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request and read the whole answer; ``TooLate`` or ``TooLarge`` close the connection."""
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
    """An answer, and when its call was sent after waiting for the quota: of differing ones the later counts."""

    response: requests.Response
    at: datetime

    @property
    def text(self) -> str:
        """The body as UTF-8, as ADICT sends it; requests would take Latin-1."""
        return self.response.content.decode("utf-8", errors="replace")


def send_at_turn(
    turn: Turn, method: str, url: str, *, who: str = "GRDF", most: int | None = None, **options: Any
) -> TimedResponse:
    """Send a request to GRDF at its turn and return any answer. Redirects could carry a secret away.

    :param who: the server and subject, as the beginning of a clause
    :param most: largest body in bytes; :data:`LARGEST` by default
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
        do = TOO_LARGE if isinstance(error, TooLarge) else PATIENCE
        raise no_answer_error(who, error, turn.account, do) from None
    finally:
        if adapter.sent_at is not None:  # without a turn no call was made
            count_call(turn.connection, url, status)
    turn.note_answer(status, retry_after(response))
    return TimedResponse(response, adapter.sent_at or datetime.now(UTC))


class TurnAdapter(LimitedAdapter):
    """Sends one request at its turn, on a connection of its own, maybe through a proxy."""

    def __init__(self, turn: Turn, most: int) -> None:
        super().__init__(seconds=SECONDS, most=most)
        self._turn = turn
        self.sent_at: datetime | None = None

    def take_turn(self) -> None:
        """Wait for the turn. The request goes out right after."""
        self._turn.wait_for_turn()
        self.sent_at = datetime.now(UTC)

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Return a connection pool whose connections wait for their turn before sending."""
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)
        kind, take_turn = pool.ConnectionCls, self.take_turn

        class Waiting(kind):  # type: ignore[misc,valid-type]  # HTTP, HTTPS, or through a proxy
            def request(self, *args: Any, **options: Any) -> None:
                if self.is_closed:  # urllib3 has connected before this for TLS, not for plain HTTP
                    self.connect()
                take_turn()
                super().request(*args, **options)

        pool.ConnectionCls = Waiting
        return pool
