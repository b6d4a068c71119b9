"""A stored secret is not sent by a Test of another type: Airflow fills it in for any."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.plugins.conftest import Heard, Reply, Server

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack

SECRET = "INVENTED-SECRET"


@pytest.fixture(params=["grdf_adict", "couchdb", "mail_of_the_city"])
def stored(request: pytest.FixtureRequest, api_server: AirflowStack) -> Iterator[str]:
    """The id of a stored connection, of the type that the compose file gives it."""
    body = {"connection_id": request.param, "conn_type": "http", "login": "us", "password": SECRET, "schema": "http"}
    assert api_server.api("POST", "/connections", json=body).status_code == 201
    yield request.param
    assert api_server.api("DELETE", f"/connections/{request.param}").status_code == 204


@pytest.fixture
def listener(serve: Callable[[Callable[[Heard], Reply]], Server]) -> Server:
    return serve(lambda _: Reply("{}"))


def heard(listener: Server) -> list[str]:
    return [each.headers.get("Authorization", "") for each in listener.heard]


@pytest.mark.parametrize("hidden", [{}, {"password": None}, {"password": ""}, {"password": "***"}])
@pytest.mark.parametrize("schema", ["http://{place}/?x=", "http://{place}/#"])
def test_a_typed_schema_leads_nowhere(
    api_server: AirflowStack, stored: str, listener: Server, schema: str, hidden: dict[str, Any]
) -> None:
    body = {"connection_id": stored, "conn_type": "http", "schema": schema.format(place=urlsplit(listener.url).netloc)}
    answer = api_server.api("POST", "/connections/test", json=body | hidden)
    assert heard(listener) == []
    assert (answer.status_code, "Include the credentials" in answer.text) == (400, True)


@pytest.mark.parametrize(("schema", "status"), [("another_database", 200), ("", 200), ("https", 400), ("HTTP", 400)])
def test_a_schema_that_is_a_name_may_be_tried(api_server: AirflowStack, stored: str, schema: str, status: int) -> None:
    body = {"connection_id": stored, "conn_type": "http", "schema": schema}
    assert api_server.api("POST", "/connections/test", json=body).status_code == status


@pytest.mark.parametrize("name", [str, str.upper])
def test_another_type_does_not_get_it(
    api_server: AirflowStack, stored: str, listener: Server, name: Callable[[str], str]
) -> None:
    """Airflow finds connections of the environment in whatever case."""
    body = {"connection_id": name(stored), "conn_type": "grdf", "extra": f'{{"token_url": "{listener.url}/t"}}'}
    answer = api_server.api("POST", "/connections/test", json=body)
    assert [each for each in listener.heard if SECRET in str(each)] == []
    assert answer.status_code == (400 if name is str else 200)


def test_somebody_s_own_secret_is_sent(api_server: AirflowStack, stored: str, listener: Server) -> None:
    """Whoever types a password knows it."""
    schema = f"http://{urlsplit(listener.url).netloc}/?x="
    body = {"connection_id": stored, "conn_type": "http", "schema": schema, "login": "me", "password": "mine"}
    answer = api_server.api("POST", "/connections/test", json=body)
    assert answer.json()["status"] is True
    assert heard(listener) == ["Basic " + b64encode(b"me:mine").decode()]


def test_what_is_no_connection_goes_to_airflow(api_server: AirflowStack) -> None:
    for body in (b"", b"[1]", b"{", b'{"connection_id": 7}', b"[" * 100_000):
        assert api_server.api("POST", "/connections/test", data=body).status_code == 422
    assert api_server.api("POST", "/connections/test", data=b" " * 1_000_001).status_code == 413
