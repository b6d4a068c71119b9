"""HTTP exchanges that are bounded in time and size: an answer arrives whole in time and is not too large when unpacked.

The timeouts of ``requests`` apply to connecting and to each single read. A server that sends a byte now and then can
hold its caller for ever, and a small compressed body may unpack to gigabytes. Here the remaining time of the exchange
limits each read at the level of the socket, whatever is being read: status line, headers, chunk lengths or the body.
"""

from __future__ import annotations

import socket
import time
from io import BufferedReader, BytesIO
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import DecodeError, HTTPError

PIECE = 65_536
"""How many bytes of a body are unpacked at once."""


class TooLate(requests.Timeout):
    """An answer did not arrive completely in time."""


class TooLarge(requests.RequestException):
    """An answer is larger than allowed."""


def outcome(error: Exception) -> str:
    """Return how an exchange failed, as text that follows the name of the server.

    :param error: raised by ``requests`` or by an adapter of this module
    """
    return "did not return a complete answer" if isinstance(error, TooLate | TooLarge) else "could not be reached"


def why(error: Exception) -> str:
    """Return the reason of a failed exchange in a few words, without addresses, which contain meters' numbers.

    :param error: raised by ``requests`` or by an adapter of this module
    """
    return str(error) if isinstance(error, TooLate | TooLarge) else type(error).__name__


class LimitedAdapter(HTTPAdapter):
    """Reads each answer to its end before returning it, or raises.

    :param seconds: time from sending a request until its answer has arrived completely
    :param most: largest body in bytes, unpacked
    :param options: passed to ``HTTPAdapter``
    """

    def __init__(self, *, seconds: float, most: int, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._most = most

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request and read the whole answer.

        :raises TooLate: if the answer does not end in time
        :raises TooLarge: if it is larger than allowed; the connection is then closed
        """
        try:
            response: requests.Response = super().send(request, *args, **options)
        except requests.RequestException as error:
            if _is_over(error):
                raise TooLate(self._late(), request=request) from None
            raise
        body = BytesIO()
        try:
            # requests does not read the body here, and would later read it piece by piece without an overall limit.
            while piece := response.raw.read(PIECE, decode_content=True):
                if body.tell() + len(piece) > self._most:
                    raise TooLarge(f"its answer is larger than {self._most / 1e6:g} MB", request=request)
                body.write(piece)
        except (HTTPError, OSError) as error:  # errors of requests are OSErrors, too
            response.raw.close()
            if _is_over(error):
                raise TooLate(self._late(), request=request) from None
            if isinstance(error, requests.RequestException):
                raise
            if isinstance(error, DecodeError):
                raise requests.exceptions.ContentDecodingError(error, request=request) from error
            raise requests.exceptions.ChunkedEncodingError(error, request=request) from error
        if "Location" in response.headers:
            # No redirect is followed, but requests parses its address, and quotes a malformed one in errors.
            response.headers["Location"] = "/"
        response._content = body.getvalue()  # where requests keeps its own ``content``
        response._content_consumed = True  # type: ignore[attr-defined]  # private to requests: the body is read here
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Return the connection pool for an address, with connections whose exchanges end in time."""
        pool = super().get_connection_with_tls_context(*args, **options)
        assert isinstance(pool, HTTPConnectionPool)
        if not issubclass(pool.ConnectionCls, _Limited):
            pool.ConnectionCls = type("LimitedConnection", (_Limited, pool.ConnectionCls), {"seconds": self._seconds})
        return pool

    def _late(self) -> str:
        return f"its answer did not arrive in full within {self._seconds:g} s"


class _Over(TimeoutError):
    """The time of an exchange is over."""


def _is_over(error: BaseException) -> bool:
    """Return whether an exchange failed because its time was over.

    urllib3 and requests wrap that error in their own.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _Over):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


class _Limited(HTTPConnection):
    """A mixin for urllib3's connection classes: limits the time of an exchange, starting when the request is sent."""

    seconds: float

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request, see urllib3.

        For TLS urllib3 has connected before it calls this, for plain HTTP it has not.
        """
        if self.is_closed:
            self.connect()
        if not isinstance(self.sock, _Timed):
            self.sock = cast("socket.socket", _Timed(cast("socket.socket", self.sock)))
        cast("_Timed", self.sock).start(self.seconds)
        super().request(*args, **options)


class _Timed:
    """A socket whose reads together take no longer than a given time.

    :param under: the wrapped socket, plain or with TLS
    """

    def __init__(self, under: socket.socket) -> None:
        self._under = under
        self._each = under.gettimeout()
        self._end = 0.0

    def start(self, seconds: float) -> None:
        """Start the time of an exchange, which includes sending."""
        self._end = time.monotonic() + seconds
        self._under.settimeout(seconds)  # applies to ``sendall`` as a whole

    def settimeout(self, seconds: float | None) -> None:
        """Limit each single read, as for any socket."""
        self._each = seconds
        self._under.settimeout(seconds)

    def recv_into(self, *args: Any) -> int:
        """Read what has arrived, or wait for data.

        :raises TimeoutError: if nothing arrives in time
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise _Over
        last = self._each is None or left < self._each
        self._under.settimeout(left if last else self._each)
        try:
            return self._under.recv_into(*args)
        except TimeoutError:
            if last:
                raise _Over from None
            raise

    def makefile(self, mode: str) -> BufferedReader:
        """Return the stream from which ``http.client`` reads an answer."""
        assert mode == "rb"
        self._under._io_refs += 1  # type: ignore[attr-defined]  # so that it is closed with its last reader
        return BufferedReader(socket.SocketIO(cast("socket.socket", self), "r"))

    def __getattr__(self, name: str) -> Any:
        """Delegate everything else to the socket."""
        return getattr(self._under, name)
