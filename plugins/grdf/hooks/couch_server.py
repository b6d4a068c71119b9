"""The CouchDB server: its connection, HTTP requests to it, and its answers. The only module that imports ``cloudant``.

It uses the parts of ``cloudant`` that work: the connection and its HTTP session. Its document, result and feed classes
cache for ever, hide conflicts, or stop after the first page.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
import requests
from airflow.sdk import BaseHook
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from grdf.hooks.connection import airflow_connection, base_url, extra_of, incomplete, what_is_wrong
from grdf.hooks.http_calls import LimitedAdapter, no_answer
from include.gas.answers.half_pairs import without_half_pairs
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import excerpt

with warnings.catch_warnings():  # importing it warns that the package is unmaintained, which is known and accepted
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudant.client import CouchDB
    from cloudant.error import CloudantException


TIMEOUT = (3.05, 60.0)
READS = 2
"""How many single reads' timeouts a whole answer may take: not every caller is a task with a limit of its own."""
LARGEST = 200_000_000
"""Largest answer in bytes. A page of documents is some megabytes."""
BUSY = (429, 502, 503)
JSON = {"Content-Type": "application/json"}
LOCKED_OUT = "temporarily locked due to multiple authentication failures"
"""The text by which a lockout of CouchDB 3.4 and later, ``[chttpd_auth_lockout]``, differs from any other 403."""
LOCKOUT_SECONDS = 300.0
"""How long a lockout lasts in seconds unless CouchDB is configured otherwise (``max_lifetime``)."""


class Facts(NamedTuple):
    """What the Airflow connection says."""

    url: str
    login: str
    password: str
    prefix: str


class CouchServer(BaseHook):
    """Sends requests to the CouchDB of an Airflow connection.

    :param couchdb_conn_id: Airflow connection with host, port, schema, login, password and, in its extra,
        ``database_prefix``
    :param timeout: seconds to wait for a connection and for a part of an answer; a whole one may take :data:`READS`
        times the latter
    :param patience: how often a request is sent again when the server is busy or restarting
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
        """The connection's fields, checked.

        :raises BadSettings: if a field is missing or wrong
        """
        connection = airflow_connection(self.couchdb_conn_id)
        prefix = extra_of(connection).get("database_prefix") or ""
        facts = Facts(
            base_url(connection, default_scheme="http"), connection.login or "", connection.password or "", prefix
        )
        names = {"host": facts.url, "login": facts.login, "password": facts.password}
        wrong = [f"{name} is missing" for name, value in names.items() if not value]
        if facts.url and (fault := what_is_wrong(facts.url)):
            wrong.append(f"host {fault}")
        if not isinstance(prefix, str):
            wrong.append(f"database_prefix is a {type(prefix).__name__}, not a string")
        if wrong:
            raise incomplete(self.couchdb_conn_id, wrong)
        return facts

    @property
    def prefix(self) -> str:
        """What the names of the databases begin with."""
        return self.facts.prefix

    def get_conn(self) -> requests.Session:
        """Return the session, which is kept by this hook."""
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
        session.hooks["response"] = []  # cloudant's own fails on an error answer that is not a JSON object
        return session

    def request(self, method: str, doctype: str, path: str, **more: Mapping[str, Any] | None) -> requests.Response:
        """Send one request to a doctype's database, see :meth:`ask_server`.

        :param path: what follows the database's name, quoted
        """
        name = quote(database_name(doctype, self.prefix), safe="")
        return self.ask_server(method, f"/{name}{path}", **more)

    def ask_server(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        """Send one request with a JSON body to the server and return the answer, whatever its status.

        It is sent again while the server is busy or cannot be connected to, as while it restarts. A request that was
        sent and has no answer may have been carried out: the caller decides. urllib3's own ``Retry`` would log the
        address, and documents' ids contain meters' numbers.

        :raises ServiceUnavailable: if there is no answer
        """
        url, session = self.facts.url + path, self._session
        data = None if body is None else without_half_pairs(json.dumps(body))
        waits = iter([0.25 * 2**n for n in range(self._patience)])
        while True:
            self.requests_sent += 1
            try:
                # cloudant's session adds the credentials and the timeouts, and raises nothing by itself.
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
                    raise no_answer(f"CouchDB at {place(url)}", error, do=do) from None
            time.sleep(wait)

    def good(self, response: requests.Response) -> requests.Response:
        """Return an answer if it is a success.

        :raises BadSettings: if a person must correct the connection or the server
        :raises ServiceUnavailable: for anything that may be temporary, including a login that is locked because another
            program sent wrong passwords
        """
        if response.ok and not response.is_redirect:
            return response
        status, whose = response.status_code, f"the Airflow connection {self.couchdb_conn_id}"
        answer = _json(response)
        reason = str(answer.get("reason") if isinstance(answer, dict) else response.reason)
        cause = f"CouchDB at {place(response.url)} answered {status} ({excerpt(reason)})"
        if status == 403 and LOCKED_OUT in reason.lower():
            raise ServiceUnavailable.about(
                None,
                cause,
                f"The login of {whose} may be right: after a program has sent wrong passwords, CouchDB locks the login "
                "for some minutes for all programs on the same machine. It is tried again automatically. If this "
                "continues, look there for a program that still uses an old password.",
                retry_after=LOCKOUT_SECONDS,
            )
        do = ""
        if response.is_redirect:
            do = f"It names another address. Set {whose} to the one at which CouchDB itself answers."
        elif status in (401, 403):
            do = f"Check login and password of {whose}. Run ./grdf couchdb setup to give its user access."
        elif status in (400, 404, 405, 412, 413, 415):
            do = f"Check that {whose} names a CouchDB 3 server. If it does, it refuses what was sent to it."
        if do:
            raise BadSettings.about(None, cause, do)
        raise ServiceUnavailable.about(None, cause)

    # -- what the server says of itself and of our login --------------------------------------------------------------

    def logs_requests(self) -> bool:
        """Return whether the server writes a line for each request into its own log. Only an administrator is told.

        It does at the levels ``debug``, ``info`` and ``notice`` (``chttpd:maybe_log``), and its default is ``info``
        (``[log] level``). Where the level cannot be read, such as on the embedded server, the answer is no.
        """
        response = self.ask_server("GET", "/_node/_local/_config/log/level")
        if response.status_code == 404:
            return "unknown_config_value" in response.text
        return response.ok and response.text.strip().strip('"').lower() in ("debug", "info", "notice")

    def logs_in(self) -> bool:
        """Return whether the server accepts the login."""
        response = self.ask_server("GET", "/_session")
        return response.status_code != 401 and self.good(response).ok

    def is_administrator(self) -> bool:
        """Return whether the login is a server administrator, who may create databases and purge."""
        who = json_object(self.good(self.ask_server("GET", "/_session"))).get("userCtx")
        return "_admin" in ((who or {}).get("roles") or [])


def place(url: str) -> str:
    """Return scheme, host and port of a URL alone: document ids contain meter numbers."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def json_keys(**options: Any) -> dict[str, str]:
    """Return query parameters as CouchDB reads them: each value as JSON."""
    return {name: json.dumps(value, ensure_ascii=False) for name, value in options.items()}


def json_object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer.

    :raises ServiceUnavailable: if the answer is anything else
    """
    answer = _json(response)
    if not isinstance(answer, dict):
        raise _unusable(response, "sent an answer that is not a JSON object")
    return answer


def rows_of(response: requests.Response) -> list[dict[str, Any]]:
    """Return the rows of ``_all_docs``, or those of ``_bulk_docs``, which have no object around them.

    :raises ServiceUnavailable: if there are no rows
    """
    answer = _json(response)
    rows = answer.get("rows") if isinstance(answer, dict) else answer
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unusable(response, "sent an answer that has no rows")
    return rows


def docs_of(response: requests.Response) -> list[dict[str, Any]]:
    """Return the rows of ``_all_docs`` that have a document. Documents that were asked for by id may not exist.

    A row that CouchDB could not read, for example because a shard of a cluster does not answer, has an ``error``
    instead of a document. Leaving it out would make totals too low.

    :raises ServiceUnavailable: if a document that exists could not be read
    """
    found: list[dict[str, Any]] = []
    for row in rows_of(response):
        value, error = row.get("value"), row.get("error")
        if row.get("doc") and not error:
            found.append(row)
        elif not (error == "not_found" or (isinstance(value, dict) and value.get("deleted") is True)):
            what = f"could not read a document that it holds ({excerpt(str(error or 'no document'))})"
            raise _unusable(response, what, "It is tried again automatically. If this continues, check its shards.")
    return found


def _json(response: requests.Response) -> Any:
    try:
        return msgspec.json.decode(response.content)  # a year of days takes half as long as with requests
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return response.json()  # half a surrogate pair, which the embedded server keeps, is one account's trouble
    except (ValueError, RecursionError):
        return None


def _unusable(response: requests.Response, what: str, do: str | None = None) -> ServiceUnavailable:
    return ServiceUnavailable.about(None, f"CouchDB at {place(response.url)} {what}", do)


def _was_not_sent(error: Exception) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, ConnectTimeoutError | NewConnectionError)
