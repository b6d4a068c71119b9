"""Airflow's own REST API, for what a task cannot do otherwise: see all DAGs, and remove an account's history."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from http import HTTPStatus
from typing import Any

import requests
from airflow.sdk import BaseHook

from grdf.hooks.connection import airflow_connection, base_url, what_is_wrong
from grdf.hooks.http_calls import Bearer, LimitedAdapter, no_answer
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import redact_address

TIMEOUT = (5.0, 60.0)
WHOLE = 300.0
"""Seconds for a whole answer. Below it, the largest answer in bytes: a page of runs takes some hundred kilobytes."""
LARGEST = 10_000_000
PAGE = 100
"""The largest page that Airflow returns by default (``[api] maximum_page_limit``)."""


class AirflowApiHook(BaseHook):
    """Calls Airflow's API as the user of a connection.

    :param airflow_conn_id: connection with the API server's host, and the login and password of an Airflow user who may
        delete DAGs and their runs, and read runs, XComs and asset events
    """

    def __init__(self, airflow_conn_id: str) -> None:
        super().__init__()
        self.airflow_conn_id = airflow_conn_id

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return a JSON object, empty if Airflow does not know the path.

        :param path: path below ``/api/v2``, quoted
        :param query: query parameters
        :raises BadSettings: if the connection has no address that can be used, or Airflow refuses the user
        :raises ServiceUnavailable: if Airflow does not answer
        """
        answer = self._asked(self._session, "GET", f"/api/v2{path}", params=query)
        return {} if answer.status_code == HTTPStatus.NOT_FOUND else self._told(answer)

    def listed(self, path: str, what: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield all entries of a list; none if Airflow does not know the path.

        :param path: path below ``/api/v2``, quoted
        :param what: the key of the entries
        :raises BadSettings: if what answers is no such list; otherwise as :meth:`get`
        """
        seen, total = 0, 1
        while seen < total:
            page = self.get(path, limit=str(PAGE), offset=str(seen), **query)
            rows, total = page.get(what, []), page.get("total_entries", 0)
            if not isinstance(rows, list) or type(total) is not int or not all(isinstance(row, dict) for row in rows):
                raise BadSettings.about(
                    None,
                    f"the server at the address of the connection {self.airflow_conn_id} does not answer {path} like "
                    "the API of Airflow 3.3",
                    "Set it to the address at which the API server of this Airflow answers, without a path of the UI.",
                )
            yield from rows
            seen += len(rows) or total

    def delete(self, path: str) -> None:
        """Remove something. It is fine if Airflow does not know the path.

        :param path: path below ``/api/v2``, quoted
        :raises BadSettings: if the connection has no address that can be used, or Airflow refuses the user
        :raises ServiceUnavailable: if Airflow does not answer, or if what should be removed is in use
        """
        self._asked(self._session, "DELETE", f"/api/v2{path}")

    def address(self) -> str:
        """Return the address of the API server.

        :raises BadSettings: if the connection is missing, or has no address that can be used
        """
        url = base_url(airflow_connection(self.airflow_conn_id), default_scheme="http")
        if fault := what_is_wrong(url):
            raise BadSettings.about(
                None,
                f"the host of the Airflow connection {self.airflow_conn_id} {fault}",
                "Nothing was sent. Correct it under Admin, Connections (or in "
                f"AIRFLOW_CONN_{self.airflow_conn_id.upper()}).",
            )
        return url

    def get_conn(self) -> requests.Session:
        """Return a session without credentials."""
        return LimitedAdapter(seconds=WHOLE, most=LARGEST).session()

    @cached_property
    def _session(self) -> requests.Session:
        connection, session = airflow_connection(self.airflow_conn_id), self.get_conn()
        user = {"username": connection.login, "password": connection.password}
        login = self._asked(session, "POST", "/auth/token", json=user)
        session.auth = Bearer(str(self._told(login).get("access_token")))
        return session

    def _asked(self, session: requests.Session, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request, and return its answer if it is a success or Airflow does not know the path."""
        url, whose = self.address(), f"the connection {self.airflow_conn_id}"
        try:
            # A redirect would carry the password or the token to another address.
            response = session.request(method, url + path, timeout=TIMEOUT, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise no_answer(f"Airflow's API at {redact_address(url)}", error) from None
        status = response.status_code
        if response.is_redirect:
            raise BadSettings.about(
                None,
                f"Airflow's API answers HTTP {status}, so it has moved",
                f"Set {whose} to the address at which the API itself answers.",
            )
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise BadSettings.about(
                None,
                f"Airflow's API refuses {method} {path} (HTTP {status}) to the user of {whose}",
                "Give the connection a user who may delete DAGs and runs, and read XComs and asset events, or "
                "clear [grdf] airflow_conn_id.",
            )
        if not (response.ok or status == HTTPStatus.NOT_FOUND):
            raise ServiceUnavailable.about(None, f"Airflow's API answered {method} {path} with HTTP {status}")
        return response

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
