"""A CouchDB that is set up by ``./grdf couchdb setup``, and what a test does with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import requests

from include.gas.documents.gas_days import database_name

Put = Callable[..., str]
Run = Callable[..., tuple[int, str, str]]
"""The command with its arguments: its exit code, what it printed, and its errors."""


class Server:
    """A CouchDB, with the connections to it that a test needs."""

    def __init__(self, url: str, user: str, password: str, connection: Put) -> None:
        self.url, self.connection = url, connection
        self.http = requests.Session()
        self.http.auth, self.http.trust_env = (user, password), False
        self.prefix = f"setup{secrets.token_hex(4)}/"
        self.member = f"grdf-test-{secrets.token_hex(4)}"
        self.extra = {"database_prefix": self.prefix}

    def connect(self, member: str = "", password: str = "member-password", *, admin: bool = True, **more: Any) -> None:
        """Set ``couchdb`` to the member's login, and ``couchdb_admin`` to the administrator's."""
        fields = {"host": self.url, "extra": self.extra} | more
        self.connection("couchdb", **fields, login=member or self.member, password=password)
        if admin:
            user, secret = self.http.auth
            self.connection("couchdb_admin", **fields, login=user, password=secret)

    def only_one(self) -> None:
        user, secret = self.http.auth
        self.connection("couchdb", host=self.url, extra=self.extra, login=user, password=secret)

    def path(self, doctype: str) -> str:
        return f"{self.url}/{quote(database_name(doctype, self.prefix), safe='')}"

    def security(self, doctype: str) -> dict[str, Any]:
        return dict(self.http.get(self.path(doctype) + "/_security", timeout=30).json())

    def user(self, name: str) -> dict[str, Any]:
        path = quote(f"org.couchdb.user:{name}", safe="")
        return dict(self.http.get(f"{self.url}/_users/{path}", timeout=30).json())

    def databases(self) -> set[str]:
        return {
            name for name in self.http.get(f"{self.url}/_all_dbs", timeout=30).json() if name.startswith(self.prefix)
        }
