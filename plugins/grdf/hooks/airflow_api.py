"""Airflow's REST API, for seeing all DAGs and removing an account's history."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import requests
from airflow.sdk import BaseHook
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from grdf.hooks.connection import address_fault, airflow_connection, base_url, incomplete_connection
from grdf.hooks.http_calls import bearer, no_answer_error, parse_json
from include.gas.errors import BadSettings, ServiceUnavailable
from include.gas.redact import redact_address

TIMEOUT = (5.0, 60.0)
PAGE = 100
"""The largest page that Airflow returns by default (``[api] maximum_page_limit``)."""
AGAIN = Retry(
    5, connect=0, read=0, other=0, backoff_factor=1, status_forcelist=(500, 502, 503, 504), allowed_methods=None,
    raise_on_status=False, respect_retry_after_header=False,
)  # fmt: skip
"""Tries over half a minute: Airflow on SQLite answers 500 while its database is locked. Each call may be repeated."""


class AirflowApiHook(BaseHook):
    """Calls Airflow's API as a connection's user. A path is below ``/api/v2``, and quoted; an unknown one is empty.

    ``BadSettings`` if the address is unusable or the user refused, ``ServiceUnavailable`` without an answer.

    :param airflow_conn_id: of a user who may delete DAGs and runs, and read runs, XComs and asset events
    """

    def __init__(self, airflow_conn_id: str) -> None:
        super().__init__()
        self.airflow_conn_id = airflow_conn_id

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return a JSON object."""
        return self._ask(self._session, "GET", f"/api/v2{path}", params=query)

    def listed(self, path: str, what: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield all entries of a list under the key ``what``."""
        seen, total = 0, 1
        while seen < total:
            page = self.get(path, limit=str(PAGE), offset=str(seen), **query)
            rows, total = page.get(what, []), page.get("total_entries", 0)
            yield from rows
            seen += len(rows) or total

    def delete(self, path: str) -> None:
        """Remove something; an error if it is in use."""
        self._ask(self._session, "DELETE", f"/api/v2{path}")

    @cached_property
    def _session(self) -> requests.Session:
        connection, session = airflow_connection(self.airflow_conn_id), requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=AGAIN))
        user = {"username": connection.login, "password": connection.password}
        session.auth = bearer(str(self._ask(session, "POST", "/auth/token", json=user).get("access_token")))
        return session

    def _ask(self, session: requests.Session, method: str, path: str, **options: Any) -> dict[str, Any]:
        url = base_url(airflow_connection(self.airflow_conn_id), default_scheme="http")
        if fault := address_fault(url):
            raise incomplete_connection(self.airflow_conn_id, {"host": fault})
        try:
            # A redirect would carry the password or the token to another address.
            response = session.request(method, url + path, timeout=TIMEOUT, allow_redirects=False, **options)
        except requests.RequestException as error:
            raise no_answer_error(f"Airflow's API at {redact_address(url)}", error) from None
        status = response.status_code
        if response.is_redirect or status in (401, 403):
            raise BadSettings.about(
                None,
                f"Airflow's API answers {method} {path} with HTTP {status} to the connection {self.airflow_conn_id}",
                "Set the connection to the address at which the API itself answers, and to a user who may delete DAGs "
                "and runs, and read XComs and asset events, or clear [grdf] airflow_conn_id.",
            )
        if status in (204, 404):
            return {}
        answer = parse_json(response)
        if response.ok and isinstance(answer, dict):
            return answer
        raise ServiceUnavailable.about(
            None,
            f"the server at the address of Airflow's API (connection {self.airflow_conn_id}) does not answer like "
            f"Airflow's API (HTTP {status} to {method} {path})",
        )
