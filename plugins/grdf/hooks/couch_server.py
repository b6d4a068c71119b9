"""The CouchDB server: connection, requests and answers. The only module that imports ``cloudant``.

It uses its connection and session only: its document, result and feed classes cache for ever, hide conflicts, or stop
after the first page.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

import requests
from airflow.sdk import BaseHook
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from grdf.hooks.connection import address_fault, airflow_connection, base_url, extra_of, incomplete_connection
from grdf.hooks.http_calls import LimitedAdapter, no_answer_error, parse_json
from include.gas.answers.lone_surrogates import replace_lone_surrogates
from include.gas.documents.day_documents import database_name
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import excerpt

with warnings.catch_warnings():  # its warning that it is unmaintained is known
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudant.client import CouchDB
    from cloudant.error import CloudantException


TIMEOUT = (3.05, 60.0)
READS = 2
"""Time of a whole answer, in timeouts of single reads."""
LARGEST = 200_000_000
"""Largest answer in bytes; a page of documents has some megabytes."""
BUSY = (429, 502, 503)
JSON = {"Content-Type": "application/json"}
LOCKED_OUT = "temporarily locked due to multiple authentication failures"
"""The text of a lockout (CouchDB 3.4, ``[chttpd_auth_lockout]``), which is a 403 like others."""
LOCKOUT_SECONDS = 300.0
"""Seconds of a lockout by default (``max_lifetime``)."""


class Facts(NamedTuple):
    """The fields of the Airflow connection."""

    url: str
    login: str
    password: str
    prefix: str


class CouchServer(BaseHook):
    """Sends requests to the CouchDB of an Airflow connection.

    ``BadSettings`` if a person must correct connection or server, ``ServiceUnavailable`` without a usable answer.

    :param timeout: seconds to connect and for a part of an answer; a whole one may take :data:`READS` times the latter
    """

    conn_name_attr = "couchdb_conn_id"
    default_conn_name = "couchdb"

    def __init__(
        self, couchdb_conn_id: str = default_conn_name, *, timeout: tuple[float, float] = TIMEOUT, patience: int = 4
    ) -> None:
        super().__init__()
        self.couchdb_conn_id = couchdb_conn_id
        self._timeout = timeout
        self._patience = patience
        self.requests_sent = 0

    @cached_property
    def facts(self) -> Facts:
        """The connection's fields, checked."""
        connection = airflow_connection(self.couchdb_conn_id)
        url, login, password = base_url(connection, default_scheme="http"), connection.login, connection.password
        prefix = extra_of(connection).get("database_prefix") or ""
        faults = {
            "host": address_fault(url),
            "login": "" if login else "is missing",
            "password": "" if password else "is missing",
            "database_prefix": "" if isinstance(prefix, str) else "is not a string",
        }
        if any(faults.values()):
            raise incomplete_connection(self.couchdb_conn_id, faults)
        return Facts(url, login or "", password or "", prefix)

    def get_conn(self) -> requests.Session:
        """Return the session of this hook."""
        return self._session

    @cached_property
    def _session(self) -> requests.Session:
        facts = self.facts
        client = CouchDB(
            facts.login.encode(),  # as bytes: requests encodes a str as Latin-1, CouchDB expects UTF-8
            facts.password.encode(),
            url=facts.url,
            use_basic_auth=True,
            timeout=self._timeout,
            adapter=LimitedAdapter(seconds=READS * self._timeout[1], most=LARGEST, pool_maxsize=16),
        )
        client.connect()  # with Basic authentication this sends nothing
        session: requests.Session = client.r_session
        session.hooks["response"] = []  # cloudant's own fails on an error answer without a JSON object
        return session

    def request(self, method: str, doctype: str, path: str, **more: Mapping[str, Any] | None) -> requests.Response:
        """Send a request to a doctype's database; the path is below it, quoted."""
        name = quote(database_name(doctype, self.facts.prefix), safe="")
        return self.request_server(method, f"/{name}{path}", **more)

    def request_server(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        """Send a request with a JSON body and return the answer, whatever its status.

        It is repeated while the server is busy or unreachable. A sent request without an answer may have been carried
        out. urllib3's ``Retry`` would log addresses, and so meter numbers.
        """
        url, session = self.facts.url + path, self._session
        data = None if body is None else replace_lone_surrogates(json.dumps(body))
        waits = iter([0.25 * 2**n for n in range(self._patience)])
        while True:
            self.requests_sent += 1
            try:
                # cloudant's session adds credentials and timeouts, and raises nothing.
                response = session.request(
                    method, url, params=query, data=data, headers=JSON if data else None, allow_redirects=False
                )
                if response.status_code not in BUSY or (wait := next(waits, None)) is None:
                    return response
            except (requests.RequestException, CloudantException) as error:
                if not _was_not_sent(error) or (wait := next(waits, None)) is None:
                    do = (
                        "Nothing is lost: it is tried again automatically. If this continues, check whether CouchDB is "
                        f"running, and the Airflow connection {self.couchdb_conn_id}."
                    )
                    raise no_answer_error(f"CouchDB at {self.facts.url}", error, do=do) from None
            time.sleep(wait)

    def require_success(self, response: requests.Response) -> requests.Response:
        """Return a successful answer, otherwise raise its error. A locked login is temporary."""
        if response.ok and not response.is_redirect:
            return response
        status, whose = response.status_code, f"the Airflow connection {self.couchdb_conn_id}"
        answer = parse_json(response)
        reason = str(answer.get("reason") if isinstance(answer, dict) else response.reason)
        cause = f"CouchDB at {self.facts.url} answered {status} ({excerpt(reason)})"
        if status == 403 and LOCKED_OUT in reason.lower():
            raise ServiceUnavailable.about(
                None,
                cause,
                f"The login of {whose} may be right: after a program has sent wrong passwords, CouchDB locks the login "
                "for some minutes for all programs on the same machine. It is tried again automatically. If this "
                "continues, look there for a program that still uses an old password.",
                retry_after=LOCKOUT_SECONDS,
            )
        if response.is_redirect:
            do = f"It names another address. Set {whose} to the one at which CouchDB itself answers."
        elif status in (401, 403):
            do = f"Check login and password of {whose}. Run ./grdf couchdb setup to give its user access."
        elif status in (400, 404, 405, 412, 413, 415):
            do = f"Check that {whose} names a CouchDB 3 server. If it does, it refuses what was sent to it."
        else:
            raise ServiceUnavailable.about(None, cause)
        raise BadSettings.about(None, cause, do)

    def request_json(
        self, method: str, doctype: str, path: str, **more: Mapping[str, Any] | None
    ) -> dict[str, Any] | None:
        """Return the JSON object for a :meth:`request`; ``None`` without such a document or database."""
        response = self.request(method, doctype, path, **more)
        return None if response.status_code == 404 else self.json_object(response)

    def rows(self, doctype: str, *, keys: list[str] | None = None, **options: Any) -> list[dict[str, Any]]:
        """Return rows of ``_all_docs``, all or by id, with CouchDB's options; none without a database."""
        query = {name: json.dumps(value, ensure_ascii=False) for name, value in options.items()}
        method, body = ("GET", None) if keys is None else ("POST", {"keys": keys})
        answer = self.request_json(method, doctype, "/_all_docs", query=query, body=body)
        rows = [] if answer is None else answer.get("rows")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._error("sent an answer that has no rows")
        return rows

    def rows_with_docs(self, doctype: str, **options: Any) -> list[dict[str, Any]]:
        """Return :meth:`rows` with a document. An ``error`` in one is raised: without it totals would be too low."""
        found: list[dict[str, Any]] = []
        for row in self.rows(doctype, include_docs=True, **options):
            value, error = row.get("value"), row.get("error")
            if row.get("doc") and not error:
                found.append(row)
            elif not (error == "not_found" or (isinstance(value, dict) and value.get("deleted") is True)):
                what = f"could not read a document that it holds ({excerpt(str(error or 'no document'))})"
                raise self._error(what, "It is tried again automatically. If this continues, check its shards.")
        return found

    def json_object(self, response: requests.Response) -> dict[str, Any]:
        """Return the JSON object of a successful answer."""
        answer = parse_json(self.require_success(response))
        if isinstance(answer, dict):
            return answer
        raise self._error("sent an answer that is not a JSON object")

    def _error(self, what: str, do: str | None = None) -> ServiceUnavailable:
        return ServiceUnavailable.about(None, f"CouchDB at {self.facts.url} {what}", do)

    def logs_in(self) -> bool:
        """Return whether the server accepts the login."""
        response = self.request_server("GET", "/_session")
        return response.status_code != 401 and self.require_success(response).ok

    def is_administrator(self) -> bool:
        """Return whether the login is a server administrator."""
        who = self.json_object(self.request_server("GET", "/_session")).get("userCtx")
        return "_admin" in ((who or {}).get("roles") or [])


def _was_not_sent(error: Exception) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, ConnectTimeoutError | NewConnectionError)
