"""HTTP exchanges whose answers are bounded in size and time.

The timeouts of ``requests`` limit connecting and each wait for data. Here the body is capped, unpacked, and must end in
time. A server that drips its headers is left to the task's ``execution_timeout``.
"""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

SENT_TO = "Location-As-Sent"
"""The header that has an answer's ``Location``."""
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

    :param seconds: time within which a body must end, once its headers are there
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
        if "Location" in response.headers:
            # No redirect is followed, but requests parses its address, and quotes a malformed one in errors.
            response.headers[SENT_TO], response.headers["Location"] = response.headers["Location"], "/"
        body.seek(0)
        response.raw = body  # requests reads ``content`` from it
        return response
