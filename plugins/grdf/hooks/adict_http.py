"""What is sent to ADICT: a call, its token, and sessions that carry no other secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk import Connection
from requests.auth import AuthBase

from grdf.hooks.connection import GrdfConnection
from grdf.transport.turn_adapter import TurnAdapter

NDJSON = "application/x-ndjson"
JSON = "application/json"


@dataclass(frozen=True)
class Call:
    """A call to ADICT.

    :param method: the HTTP method
    :param path: the path below the API base
    :param what: the subject of the call, for messages
    :param account: the account's id, for messages
    :param data: query parameters of a ``GET``, otherwise the JSON body
    :param accept: the media type of the answer
    :param quoted: whether GRDF's message may be quoted if it refuses; about rights it may name the household
    :param files: sent as ``multipart/form-data`` instead of JSON: pairs of a field, and name, content and media type
    """

    method: str
    path: str = field(repr=False)
    what: str
    account: str | None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    accept: str = NDJSON
    quoted: bool = True
    files: Sequence[tuple[str, tuple[str, bytes, str]]] = field(default=(), repr=False)


class BearerAuth(AuthBase):
    """Authorizes requests with a bearer token (RFC 6750, 2.1)."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class SecretlessHttpHook(HttpHook):
    """The provider's hook with the address alone.

    It creates sessions with adapters and proxies. With the full connection it would also send login and password as
    Basic credentials and the extra fields as headers, which would expose secrets.

    :param facts: the connection to GRDF
    """

    def __init__(self, facts: GrdfConnection, adapter: TurnAdapter) -> None:
        super().__init__("GET", facts.conn_id, adapter=adapter)
        self._address = Connection(conn_id=facts.conn_id, conn_type="http", host=facts.api_base)

    def get_connection(self, conn_id: str) -> Connection:  # type: ignore[override]  # a class method in the base class
        """Return what the provider's hook needs of the connection: the API base, without secrets."""
        return self._address


def text_of(response: requests.Response) -> str:
    """Return a body decoded as UTF-8, which ADICT sends. Without a charset in the header, requests would guess Latin-1.

    :param response: an answer of ADICT
    """
    return response.content.decode("utf-8", errors="replace")
