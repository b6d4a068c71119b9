"""HTTP exchanges that end: each answer whole within some seconds, and no larger than some bytes once it is unpacked.

The time limits of ``requests`` hold for connecting and for each single read, so a server that sends a byte now and then
holds its caller for ever; and a small compressed body may unpack to gigabytes. Here the rest of the exchange's time
limits each read, down in the socket, whatever is being read: status line, headers, lengths of chunks or the body.
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
"""Bytes of a body that are unpacked at once."""


class TooLate(requests.Timeout):
    """An answer did not come to its end in time."""


class TooLarge(requests.RequestException):
    """An answer is larger than is read."""


def outcome(error: Exception) -> str:
    """Say how an exchange went wrong: what follows the name of who was asked.

    :param error: what ``requests`` or an adapter of this module raised
    """
    return "did not return a complete answer" if isinstance(error, TooLate | TooLarge) else "could not be reached"


def why(error: Exception) -> str:
    """Say in a few words why an exchange went wrong, without addresses, which hold meters' numbers.

    :param error: what ``requests`` or an adapter of this module raised
    """
    return str(error) if isinstance(error, TooLate | TooLarge) else type(error).__name__


class LimitedAdapter(HTTPAdapter):
    """Reads each answer to its end before it gives it back, or raises.

    :param seconds: from the moment at which a request is sent until its answer has come whole
    :param most: bytes of an answer's body, unpacked
    :param options: as for ``HTTPAdapter``
    """

    def __init__(self, *, seconds: float, most: int, **options: Any) -> None:
        super().__init__(**options)
        self._seconds = seconds
        self._most = most

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send a request and read the whole answer.

        :raises TooLate: when it does not end in time
        :raises TooLarge: when it is larger than allowed; the connection is closed
        """
        try:
            response: requests.Response = super().send(request, *args, **options)
        except requests.RequestException as error:
            if _is_over(error):
                raise TooLate(self._late(), request=request) from None
            raise
        body = BytesIO()
        try:
            # requests leaves the body to be read: by itself it would read it piece by piece without an end.
            while piece := response.raw.read(PIECE, decode_content=True):
                if body.tell() + len(piece) > self._most:
                    raise TooLarge(f"its answer is larger than {self._most / 1e6:g} MB", request=request)
                body.write(piece)
        except (HTTPError, OSError) as error:  # what requests raises is an OSError too
            response.raw.close()
            if _is_over(error):
                raise TooLate(self._late(), request=request) from None
            if isinstance(error, requests.RequestException):
                raise
            if isinstance(error, DecodeError):
                raise requests.exceptions.ContentDecodingError(error, request=request) from error
            raise requests.exceptions.ChunkedEncodingError(error, request=request) from error
        response._content = body.getvalue()  # as its own ``content`` would have it
        response._content_consumed = True  # type: ignore[attr-defined]  # private to requests: the body is read here
        return response

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> HTTPConnectionPool:
        """Return requests the pool of connections for one address, whose exchanges end in time."""
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
    """Return whether an exchange failed since its time was over: urllib3 and requests wrap that in their own errors."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _Over):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


class _Limited(HTTPConnection):
    """Goes before any connection class of urllib3: from sending a request on, its time runs."""

    seconds: float

    def request(self, *args: Any, **options: Any) -> None:
        """See urllib3: it has opened connections with TLS before it calls this, but not the plain ones."""
        if self.is_closed:
            self.connect()
        if not isinstance(self.sock, _Timed):
            self.sock = cast("socket.socket", _Timed(cast("socket.socket", self.sock)))
        cast("_Timed", self.sock).start(self.seconds)
        super().request(*args, **options)


class _Timed:
    """A socket whose reads together take no longer than some seconds.

    :param under: the socket, plain or with TLS
    """

    def __init__(self, under: socket.socket) -> None:
        self._under = under
        self._each = under.gettimeout()
        self._end = 0.0

    def start(self, seconds: float) -> None:
        """Let the time of an exchange run, sending included.

        :param seconds: how long
        """
        self._end = time.monotonic() + seconds
        self._under.settimeout(seconds)  # of ``sendall`` as a whole

    def settimeout(self, seconds: float | None) -> None:
        """Limit each single read, as for any socket.

        :param seconds: how long
        """
        self._each = seconds
        self._under.settimeout(seconds)

    def recv_into(self, *args: Any) -> int:
        """Read what is there, or wait for it.

        :raises TimeoutError: when nothing comes in time
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
        """Be the socket in all else."""
        return getattr(self._under, name)
