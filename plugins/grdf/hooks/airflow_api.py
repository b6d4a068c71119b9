"""Airflow's own REST API, for what a task cannot see or do otherwise: all DAGs, and removing an account's history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

import msgspec
import requests
from airflow.sdk import BaseHook

from grdf.hooks.connection import airflow_connection, base_url
from grdf.transport.addresses import what_is_wrong
from grdf.transport.http_limits import LimitedAdapter, outcome, why
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import redact_address

TIMEOUT = (5.0, 60.0)
WHOLE = 300.0
"""Seconds for a whole answer. Below it, the largest answer in bytes: a page of runs takes some hundred kilobytes."""
LARGEST = 10_000_000
PAGE = 100
"""The largest page that Airflow returns by default (``[api] maximum_page_limit``)."""
NOT_FOUND = HTTPStatus.NOT_FOUND


class AirflowApiHook(BaseHook):
    """Calls Airflow's API as the user of a connection.

    :param airflow_conn_id: connection with the API server's host, and the login and password of an Airflow user who may
        delete DAGs and their runs, and read runs, XComs and asset events
    """

    def __init__(self, airflow_conn_id: str) -> None:
        super().__init__()
        self.airflow_conn_id = airflow_conn_id
        self._token: str | None = None

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return a JSON object, empty if Airflow does not know the path.

        :param path: path below ``/api/v2``, quoted
        :param query: query parameters
        :raises BadSettings: if the connection has no address that can be used, or Airflow refuses the user
        :raises ServiceUnavailable: if Airflow does not answer
        """
        answer = self._send("GET", path, query)
        return {} if answer.status_code == NOT_FOUND else self._told(answer)

    def entries(self, path: str, what: str, kind: Any = dict, *, known: bool = True, **query: Any) -> Iterator[Any]:
        """Yield the entries of a list, page by page.

        :param what: the name of the list in an answer
        :param kind: the type of an entry
        :param known: whether Airflow must know the path; otherwise there are no entries if it does not
        :raises GasError: as :meth:`get`, or if the list is none
        """
        seen, total = 0, 1
        while seen < total:
            page = self.get(path, limit=str(PAGE), offset=str(seen), **query)
            if not (page or known):
                return
            try:
                rows = msgspec.convert(page.get(what), list[kind])
                total = msgspec.convert(page.get("total_entries"), int) if rows else 0
            except msgspec.ValidationError:
                raise BadSettings.about(
                    None,
                    f"the server at the address of the connection {self.airflow_conn_id} does not answer {path} like "
                    "the API of Airflow 3.3",
                    "Set it to the address at which the API server of this Airflow answers, without a path of the UI.",
                ) from None
            yield from rows
            seen += len(rows)

    def delete(self, path: str) -> None:
        """Remove something. It is fine if Airflow does not know the path.

        :param path: path below ``/api/v2``, quoted
        :raises BadSettings: if the connection has no address that can be used, or Airflow refuses the user
        :raises ServiceUnavailable: if Airflow does not answer, or if what should be removed is in use
        """
        self._send("DELETE", path, {})

    def _send(self, method: str, path: str, query: Mapping[str, str]) -> requests.Response:
        connection = airflow_connection(self.airflow_conn_id)
        url = base_url(connection, default_scheme="http")
        if fault := what_is_wrong(url):
            raise BadSettings.about(
                None,
                f"the host of the Airflow connection {self.airflow_conn_id} {fault}",
                "Nothing was sent. Correct it under Admin, Connections (or in "
                f"AIRFLOW_CONN_{self.airflow_conn_id.upper()}).",
            )
        try:
            if self._token is None:
                login = self._session.post(
                    f"{url}/auth/token",
                    json={"username": connection.login, "password": connection.password},
                    timeout=TIMEOUT,
                    allow_redirects=False,  # a redirect would carry the password to another address
                )
                self._check(login, "let the user in")
                self._token = str(self._told(login).get("access_token"))
            answer = self._session.request(
                method,
                f"{url}/api/v2{path}",
                params=query,
                headers={"Authorization": f"Bearer {self._token}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ServiceUnavailable.about(
                None, f"Airflow's API at {redact_address(url)} {outcome(error)} ({why(error)})"
            ) from None
        if answer.status_code != NOT_FOUND:
            self._check(answer, f"{'show' if method == 'GET' else 'remove'} {path}")
        return answer

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, LimitedAdapter(seconds=WHOLE, most=LARGEST))
        return session

    def _told(self, response: requests.Response) -> dict[str, Any]:
        try:
            told = response.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ServiceUnavailable.about(
                None,
                f"the server at the address of Airflow's API (connection {self.airflow_conn_id}) does not "
                "answer like Airflow's API",
            )
        return told

    def _check(self, response: requests.Response, what: str) -> None:
        if response.is_redirect:
            raise BadSettings.about(
                None,
                f"Airflow's API answers HTTP {response.status_code}, so it has moved",
                f"Set the connection {self.airflow_conn_id} to the address at which the API itself answers.",
            )
        if response.ok:
            return
        if response.status_code in (401, 403):
            raise BadSettings.about(
                None,
                f"Airflow did not {what} (HTTP {response.status_code}, connection {self.airflow_conn_id})",
                "Give the connection a user who may delete DAGs and runs, and read XComs and asset events, or "
                "clear [grdf] airflow_conn_id.",
            )
        raise ServiceUnavailable.about(None, f"Airflow did not {what} (HTTP {response.status_code})")
