"""Airflow's own REST API, for the one thing that a task cannot do otherwise: remove a DAG's history."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import requests
from airflow.sdk import BaseHook
from airflow.sdk.configuration import conf

from grdf.hooks.connection import airflow_connection, base_url
from grdf.hooks.limits import LimitedAdapter, outcome, why
from include.gas.errors import BadSettings, ServiceUnavailable

TIMEOUT = (5.0, 60.0)
WHOLE = 300.0
"""Seconds for a whole answer, and how large one may be: Airflow's are a few lines."""
LARGEST = 10_000_000


class AirflowApiHook(BaseHook):
    """Talk to Airflow's API as the user of a connection.

    :param airflow_conn_id: connection with the API server's host, and login and password of an Airflow user who may
        delete DAGs
    """

    conn_name_attr = "airflow_conn_id"

    def __init__(self, airflow_conn_id: str) -> None:
        super().__init__()
        self.airflow_conn_id = airflow_conn_id

    def forget_dag(self, dag_id: str) -> None:
        """Remove a DAG with its runs, XComs, rendered fields and task logs on this machine; one unknown is fine.

        :param dag_id: the DAG
        :raises BadSettings: when Airflow refuses the user
        :raises ServiceUnavailable: when Airflow does not answer
        """
        connection = airflow_connection(self.airflow_conn_id)
        url = base_url(connection, default_scheme="http")
        session = requests.Session()
        for scheme in ("https://", "http://"):
            session.mount(scheme, LimitedAdapter(seconds=WHOLE, most=LARGEST))
        try:
            login = session.post(
                f"{url}/auth/token",
                json={"username": connection.login, "password": connection.password},
                timeout=TIMEOUT,
                allow_redirects=False,  # a redirect would carry the password to another address
            )
            self._check(login, "let the user in")
            removed = session.delete(
                f"{url}/api/v2/dags/{quote(dag_id, safe='')}",
                headers={"Authorization": f"Bearer {login.json()['access_token']}"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ServiceUnavailable.about(None, f"Airflow's API at {url} {outcome(error)} ({why(error)})") from None
        if removed.status_code != 404:
            self._check(removed, f"remove the DAG {dag_id}")
        logs = Path(conf.get("logging", "base_log_folder")) / f"dag_id={dag_id}"
        shutil.rmtree(logs, ignore_errors=True)

    def _check(self, response: requests.Response, what: str) -> None:
        if response.is_redirect:
            raise BadSettings.about(
                None,
                f"Airflow's API answers HTTP {response.status_code}, so it has moved",
                f"Give the connection {self.airflow_conn_id} the address at which the API itself answers.",
            )
        if response.ok:
            return
        if response.status_code in (401, 403):
            raise BadSettings.about(
                None,
                f"Airflow did not {what} (HTTP {response.status_code}, connection {self.airflow_conn_id})",
                "Give the connection a user who may delete DAGs, or empty [grdf] deletion_airflow_conn_id.",
            )
        raise ServiceUnavailable.about(None, f"Airflow did not {what} (HTTP {response.status_code})")
