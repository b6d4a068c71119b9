"""Loopback ports: find a free one, refuse a taken one, wait for an answer."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

LOOPBACK = "127.0.0.1"

_POLL_SECONDS = 0.03


class ProcessError(RuntimeError):
    """A child process failed. The message says which one, why, and how its log ends."""


class PortTaken(ProcessError):
    """Another program is listening on the requested port."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on at the moment.

    Another program may take it before it is used. Where that matters, let the server choose a port (0) instead.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now.

    :param port: 1 to 65535
    """
    with socket.socket() as probe:
        # Servers do the same: connections left by a server that has just ended do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_port(port: int, *, purpose: str, option: str) -> None:
    """Check that a port is free and may be used. Port 0 (any free one) always passes.

    :param purpose: what would listen there, such as ``the ADICT sandbox``
    :param option: the option that sets the port, such as ``--port``
    :raises PortTaken: with one line for the user, which names the port and says what to do
    """
    if port == 0 or port_is_free(port):
        return
    raise PortTaken(
        f"Port {port}, wanted for {purpose}, is taken by another program (or not allowed): "
        f"stop that program, or choose another port with {option} (0 takes any free one)."
    )


def wait_http(url: str, seconds: float, *, alive: Callable[[], bool] = lambda: True) -> None:
    """Wait until a GET of ``url`` is answered with a status below 500.

    :param url: a loopback URL; proxies from the environment are not used
    :param seconds: time limit
    :param alive: called between attempts; when it returns ``False``, waiting ends early
    :raises TimeoutError: if there was no such answer in time, or ``alive`` returned ``False``
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + seconds
    while alive():
        try:
            with opener.open(url, timeout=max(0.1, min(2.0, deadline - time.monotonic()))):
                return
        except urllib.error.HTTPError as answer:
            with answer:
                if answer.code < 500:
                    return
        except OSError:
            pass  # not listening yet
        if time.monotonic() >= deadline:
            break
        time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"no answer from {url}")
