"""Loopback ports: finding a free one, refusing a taken one, waiting for an answer on one."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable

LOOPBACK = "127.0.0.1"

_POLL_SECONDS = 0.03


class ProcessError(RuntimeError):
    """A child did not do what it was started for; the message says which, why and what its log ends with."""


class PortTaken(ProcessError):
    """Another program listens on the port asked for."""


def free_port() -> int:
    """Return a loopback port that nothing listens on now.

    Another program may take it before it is used: where that matters, let the server choose (port 0) instead.

    :returns: a port of 127.0.0.1
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now.

    :param port: 1 to 65535
    """
    with socket.socket() as probe:
        # As servers do: a connection of a server that ended a moment ago does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def require_port(port: int, *, purpose: str, option: str) -> None:
    """Refuse a port that is taken or may not be used, in one line for the user. Port 0 (any free one) always passes.

    :param port: the port asked for
    :param purpose: what would listen there, such as ``the ADICT sandbox``
    :param option: what sets the port, such as ``--port``
    :raises PortTaken: naming the port, and what to do about it
    """
    if port == 0 or port_is_free(port):
        return
    raise PortTaken(
        f"Port {port}, wanted for {purpose}, is taken by another program (or not allowed): "
        f"stop that program, or choose another port with {option} (0 takes any free one)."
    )


def wait_http(url: str, seconds: float, *, alive: Callable[[], bool] = lambda: True) -> None:
    """Wait until a GET of ``url`` is answered with a status below 500.

    :param url: a loopback URL; proxies of the environment are not asked
    :param seconds: the time limit
    :param alive: asked between attempts; waiting ends early when it says no
    :raises TimeoutError: when there was no such answer in time, or ``alive`` said no
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
