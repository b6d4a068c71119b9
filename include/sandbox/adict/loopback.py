"""Requests to the sandbox's controls must come from this machine, by a loopback name.

A web page elsewhere cannot reach them through DNS rebinding.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request

from include.sandbox.adict import answers

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


def loopback_only() -> Response | None:
    """Return the response that refuses a request to another name, ``None`` if the request may pass."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    return None if host in _LOOPBACK else answers.body({"error": "The control API answers loopback names only."}, 403)
