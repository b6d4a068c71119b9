"""The CouchDB server: its connection, and HTTP requests to it. The only module that imports ``cloudant``.

It uses the parts of ``cloudant`` that work: the connection and its HTTP session. Its document, result and feed classes
cache for ever, hide conflicts, or stop after the first page.
"""

from __future__ import annotations

import json
import threading
import time
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests
from airflow.sdk import BaseHook
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util import Retry

from grdf.hooks.connection import airflow_connection, base_url, extra_of
from grdf.hooks.couch_answers import checked, json_object, place
from grdf.transport.addresses import what_is_wrong
from grdf.transport.http_limits import LimitedAdapter, TooLarge, outcome, why
from include.gas.answers.half_pairs import without_half_pairs
from include.gas.documents.gas_days import database_name
from include.gas.errors import BadSettings, ServiceUnavailable

with warnings.catch_warnings():  # importing it warns that the package is unmaintained, which is known and accepted
    warnings.simplefilter("ignore", DeprecationWarning)
    from cloudant.client import CouchDB
    from cloudant.error import CloudantException


TIMEOUT = (3.05, 60.0)
READS = 5
"""How many single reads' timeouts a whole answer may take: not every caller is a task with a limit of its own."""
JSON = {"Content-Type": "application/json"}
LARGEST = 1_000_000_000
"""Largest answer in bytes. A page of documents is some megabytes."""


class AnswerTooLarge(ServiceUnavailable):
    """An answer of CouchDB is larger than the hook reads. One that asks for less may not be."""


class CouchServer(BaseHook):
    """Sends requests to the CouchDB of an Airflow connection.

    :param couchdb_conn_id: Airflow connection with host, port, schema, login, password and, in its extra,
        ``database_prefix``
    :param timeout: seconds to wait for a connection and for an answer
    :param patience: how often a request is sent again when the server is busy or restarting
    :param largest: largest answer in bytes
    :param whole: seconds for a whole answer; ``None`` for :data:`READS` times that of one read
    """

    conn_name_attr = "couchdb_conn_id"
    default_conn_name = "couchdb"

    def __init__(
        self,
        couchdb_conn_id: str = default_conn_name,
        *,
        timeout: tuple[float, float] = TIMEOUT,
        patience: int = 4,
        largest: int = LARGEST,
        whole: float | None = None,
    ) -> None:
        super().__init__()
        self.couchdb_conn_id = couchdb_conn_id
        self.largest = largest
        self._timeout = timeout
        self._patience = patience
        self._whole = READS * timeout[1] if whole is None else whole
        self._client: CouchDB | None = None
        self._lock = threading.Lock()
        self.prefix = ""
        self.requests_sent = 0

    def get_conn(self) -> CouchDB:
        """Return the client, which is connected on first use and kept by this hook.

        :raises BadSettings: if the connection is incomplete or CouchDB refuses its login
        :raises ServiceUnavailable: if CouchDB cannot be reached
        """
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> CouchDB:
        connection = airflow_connection(self.couchdb_conn_id)
        url = base_url(connection, default_scheme="http")
        prefix = extra_of(connection).get("database_prefix") or ""
        wrong = [
            f"{field} is missing"
            for field, value in (("host", url), ("login", connection.login), ("password", connection.password))
            if not value
        ]
        if url and (fault := what_is_wrong(url)):
            wrong.append(f"host {fault}")
        if not isinstance(prefix, str):
            wrong.append(f"database_prefix is a {type(prefix).__name__}, not a string")
        if wrong:
            raise BadSettings.about(
                account=None,
                cause=f"the Airflow connection {self.couchdb_conn_id} is incomplete: {'; '.join(wrong)}",
                next_step=f"Set it under Admin, Connections (or in AIRFLOW_CONN_{self.couchdb_conn_id.upper()}).",
            )
        self.prefix = prefix
        retry = Retry(
            total=self._patience,
            connect=0,  # see _sent
            read=0,  # a request without an answer may have been carried out: the caller decides
            other=0,
            status=self._patience,
            backoff_factor=0.25,
            status_forcelist=(429, 502, 503),
            allowed_methods=None,
            raise_on_status=False,
            respect_retry_after_header=False,  # a gateway may ask for hours: wait between the task's tries instead
        )
        client = CouchDB(
            (connection.login or "").encode(),  # as bytes: requests encodes a str as Latin-1, CouchDB expects UTF-8
            (connection.password or "").encode(),
            url=url,
            use_basic_auth=True,
            timeout=self._timeout,
            adapter=LimitedAdapter(seconds=self._whole, most=self.largest, pool_maxsize=16, max_retries=retry),
        )
        client.connect()  # with Basic authentication this sends nothing
        client.r_session.hooks["response"] = []  # cloudant's own fails on an error answer that is not a JSON object
        return client

    def request(
        self,
        method: str,
        doctype: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> requests.Response:
        """Send one request to a doctype's database and return the answer, whatever its status.

        :param path: what follows the database's name, quoted
        :param query: query parameters
        :param body: JSON body
        :raises AnswerTooLarge: if the answer is larger than this hook reads
        :raises ServiceUnavailable: if there is no answer
        """
        client = self.get_conn()
        name = quote(database_name(doctype, self.prefix), safe="")
        return self._send(method, f"{client.server_url}/{name}{path}", query=query, body=body)

    def ask_server(self, method: str, path: str, *, body: Mapping[str, Any] | None = None) -> requests.Response:
        """Send one request to the server and return the answer, whatever its status.

        :param path: path on the server, quoted
        :param body: JSON body
        :raises ServiceUnavailable: if there is no answer
        """
        return self._send(method, self.get_conn().server_url + path, body=body)

    def _send(
        self, method: str, url: str, *, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        client = self.get_conn()
        self.requests_sent += 1
        sent = None if body is None else without_half_pairs(json.dumps(body))
        try:
            response = self._sent(client.r_session, method, url, params=query, data=sent)
        except (requests.RequestException, CloudantException) as error:
            kind = AnswerTooLarge if isinstance(error, TooLarge) else ServiceUnavailable
            raise kind.about(
                account=None,
                cause=f"CouchDB at {place(url)} {outcome(error)} ({why(error)}; connection {self.couchdb_conn_id})",
                next_step="Nothing is lost: it is tried again automatically. If this continues, check whether "
                "CouchDB is running.",
            ) from None
        return response

    def _sent(self, session: requests.Session, method: str, url: str, **what: Any) -> requests.Response:
        """Send a request again while CouchDB cannot be connected to, as while it restarts.

        urllib3 would log the address each time as a warning, and documents' ids contain meters' numbers.
        """
        headers, waits = JSON if what["data"] else None, iter([0.25 * 2**n for n in range(self._patience)])
        while True:
            try:
                # cloudant's session adds the credentials and the timeouts, and raises nothing by itself.
                return session.request(method, url, headers=headers, allow_redirects=False, **what)
            except requests.ConnectionError as error:
                if not _was_not_sent(error) or (wait := next(waits, None)) is None:
                    raise
            time.sleep(wait)

    def good(self, response: requests.Response) -> requests.Response:
        """Return an answer if it is a success.

        :raises BadSettings: if a person must correct the connection or the server
        :raises ServiceUnavailable: for anything that may be temporary
        """
        return checked(response, self.couchdb_conn_id)

    # -- what the server says of itself and of our login --------------------------------------------------------------

    def greeting(self) -> dict[str, Any]:
        """Return the server's description of itself: version, features."""
        return json_object(self.good(self.ask_server("GET", "/")))

    def logs_requests(self) -> bool:
        """Return whether the server writes a line for each request into its own log. Only an administrator is told.

        It does at the levels ``debug``, ``info`` and ``notice`` (``chttpd:maybe_log``), and its default is ``info``
        (``[log] level``). Where the level cannot be read, such as on the embedded server, the answer is no.
        """
        response = self.ask_server("GET", "/_node/_local/_config/log/level")
        if response.status_code == 404:
            return "unknown_config_value" in response.text
        return response.ok and response.text.strip().strip('"').lower() in ("debug", "info", "notice")

    def clock(self) -> datetime | None:
        """Return what the server's clock says, aware, to the second; ``None`` if the answer does not tell."""
        response = self.good(self.ask_server("GET", "/"))
        try:
            moment = parsedate_to_datetime(response.headers.get("Date", ""))
        except ValueError:
            return None
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

    @property
    def login(self) -> tuple[str, str]:
        """The connection's login and password."""
        connection = airflow_connection(self.couchdb_conn_id)
        return connection.login or "", connection.password or ""

    def logs_in(self) -> bool:
        """Return whether the server accepts the login."""
        response = self.ask_server("GET", "/_session")
        return response.status_code != 401 and self.good(response).ok

    def is_administrator(self) -> bool:
        """Return whether the login is a server administrator, who may create databases and purge."""
        who = json_object(self.good(self.ask_server("GET", "/_session"))).get("userCtx")
        return "_admin" in ((who or {}).get("roles") or [])


def _was_not_sent(error: requests.ConnectionError) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, ConnectTimeoutError | NewConnectionError)
