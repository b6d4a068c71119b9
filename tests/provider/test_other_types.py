"""A *Test* sends what is stored only where the stored connection leads, by a real API server that tests all types."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.plugins.conftest import Heard, Reply, Server
from tests.provider.asked_backend import asked
from tests.provider.conftest import serving

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack

Store = Callable[..., None]
SECRET = "INVENTED-SECRET"
KEY = "INVENTED-KEY"
HIDDEN: list[dict[str, Any]] = [{}, {"password": None}, {"password": ""}, {"password": "***"}]
"""The ways of not typing a password."""


@pytest.fixture
def api_server(open_server: AirflowStack) -> AirflowStack:
    """The server that tests connections of all types: ``[grdf] test_all_types``."""
    return open_server


@pytest.fixture(params=["couchdb", "mail_of_the_city"])
def stored(request: pytest.FixtureRequest, store: Store) -> str:
    """The id of a stored connection, of the type that the compose file gives it."""
    store(connection_id=request.param, conn_type="http", login="us", password=SECRET, schema="http")
    return str(request.param)


@pytest.fixture
def store(api_server: AirflowStack) -> Iterator[Store]:
    """A function that stores a connection, until the test is over."""
    made = []

    def store(**fields: Any) -> None:
        assert api_server.api("POST", "/connections", json=fields).status_code == 201
        made.append(fields["connection_id"])

    yield store
    for name in made:
        api_server.api("DELETE", f"/connections/{name}")


@pytest.fixture
def listener(serve: Callable[[Callable[[Heard], Reply]], Server]) -> Server:
    return serve(lambda _: Reply("{}"))


def heard(listener: Server) -> list[str]:
    return [each.headers.get("Authorization", "") for each in listener.heard]


def place(listener: Server) -> str:
    return urlsplit(listener.url).netloc


def basic(login: str, password: str) -> str:
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()


def test(api_server: AirflowStack, **body: Any) -> tuple[bool, str]:
    answer = api_server.api("POST", "/connections/test", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["status"], answer.json()["message"]


test.__test__ = False  # type: ignore[attr-defined]


def refused(tested: tuple[bool, str], what: str) -> None:
    good, message = tested
    assert not good
    assert f"in {what}, so Airflow does not fill in its stored secrets" in message


# -- a password that is not typed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("field", ["schema", "schema_"])
def test_a_typed_schema_leads_nowhere(
    api_server: AirflowStack, stored: str, listener: Server, field: str, hidden: dict[str, Any]
) -> None:
    """Airflow knows the field by two names."""
    typed = {field: f"http://{place(listener)}/?x=", **hidden}
    refused(test(api_server, connection_id=stored, conn_type="http", **typed), "schema")
    assert heard(listener) == []


@pytest.mark.parametrize("schema", ["", None, "plain", "https", "HTTP"])
@pytest.mark.parametrize("kind", ["http", "couchdb"])
def test_a_protocol_stays_as_it_is_stored(
    api_server: AirflowStack, store: Store, listener: Server, kind: str, schema: str | None
) -> None:
    """Without it both types speak plain HTTP, which everybody on the way can read."""
    kept = "http" if schema == "https" else "https"
    where = {"host": "localhost", "port": urlsplit(listener.url).port}
    store(connection_id="city_api", conn_type=kind, login="us", password=SECRET, schema=kept, **where)
    refused(test(api_server, connection_id="city_api", conn_type=kind, schema=schema), "schema")
    assert heard(listener) == []


@pytest.mark.parametrize("extra", [{"proxies": {"http": "{url}"}}, {"proxy": {"http": "{url}"}}, {"verify": False}])
def test_a_typed_extra_leads_nowhere(
    api_server: AirflowStack, store: Store, listener: Server, extra: dict[str, Any]
) -> None:
    store(connection_id="city_api", conn_type="http", host="city.invalid", login="us", password=SECRET, schema="http")
    typed = json.dumps(extra).replace("{url}", listener.url)
    refused(test(api_server, connection_id="city_api", conn_type="http", extra=typed), "extra")
    assert heard(listener) == []


@pytest.mark.parametrize("name", [str, str.upper])
def test_another_type_does_not_get_it(
    api_server: AirflowStack, stored: str, listener: Server, name: Callable[[str], str]
) -> None:
    """Airflow finds connections of the environment in whatever case."""
    body = {"connection_id": name(stored), "conn_type": "grdf", "extra": f'{{"token_url": "{listener.url}/t"}}'}
    good, message = test(api_server, **body)
    assert not good
    assert ("differs from the stored" in message) == (name is str), message
    assert [each for each in listener.heard if SECRET in str(each)] == []


# -- a password that is typed ------------------------------------------------------------------------------------------


def test_somebody_s_own_secret_is_sent(api_server: AirflowStack, stored: str, listener: Server) -> None:
    """Whoever types a password knows it."""
    schema = f"http://{place(listener)}/?x="
    typed = {"schema": schema, "login": "me", "password": "mine"}
    assert test(api_server, connection_id=stored, conn_type="http", **typed)[0]
    assert heard(listener) == [basic("me", "mine")]


@pytest.mark.parametrize("kind", ["http", "aws"])
def test_nothing_stored_goes_with_it(api_server: AirflowStack, store: Store, listener: Server, kind: str) -> None:
    """The HTTP type sends what is in the extra as headers."""
    store(connection_id="city", conn_type=kind, login="us", password=SECRET, extra=json.dumps({"api_key": KEY}))
    typed = {"conn_type": "http", "schema": f"http://{place(listener)}/?x=", "password": "mine"}
    assert test(api_server, connection_id="city", **typed)[0], "what is typed is tested alone"
    assert len(listener.heard) == 1
    assert KEY not in str(listener.heard[0].headers)
    assert heard(listener) == [""], "the login was not typed"
    refused(
        test(api_server, connection_id="city", **typed, extra='{"api_key": "***"}'),
        "schema" if kind == "http" else "type, schema",
    )
    assert len(listener.heard) == 1


# -- what people may try -----------------------------------------------------------------------------------------------


def test_the_stored_connection_is_tested_with_all_that_is_stored(
    api_server: AirflowStack, store: Store, listener: Server
) -> None:
    where = {"host": "localhost", "port": urlsplit(listener.url).port, "schema": "http", "login": "us"}
    extra = json.dumps({"api_key": KEY, "x-city": "north"})
    store(connection_id="city_api", conn_type="http", password=SECRET, extra=extra, **where)
    shown = api_server.api("GET", "/connections/city_api").json()
    assert (KEY in shown["extra"], shown["password"] == SECRET) == (False, False)
    sent = {name: value for name, value in shown.items() if name != "team_name"}
    assert test(api_server, **sent)[0], "as the list's button sends it"
    assert test(api_server, connection_id="city_api", conn_type="http")[0]
    assert heard(listener) == [basic("us", SECRET)] * 2
    assert [each.headers["api_key"] for each in listener.heard] == [KEY] * 2
    assert test(api_server, **sent | {"password": "new-one"})[0], "a new password, before it is stored"
    assert (heard(listener)[-1], listener.heard[-1].headers["api_key"]) == (basic("us", "new-one"), KEY)


def test_a_new_host_is_tried_with_a_password(api_server: AirflowStack, stored: str, listener: Server) -> None:
    where = {"host": "localhost", "port": urlsplit(listener.url).port, "login": "me", "schema": "http"}
    refused(test(api_server, connection_id=stored, conn_type="http", **where), "host, port, login")
    assert test(api_server, connection_id=stored, conn_type="http", password="mine", **where)[0]
    assert heard(listener) == [basic("me", "mine")]


def test_what_is_not_stored_is_tested(api_server: AirflowStack, listener: Server) -> None:
    assert test(api_server, connection_id="nowhere", conn_type="http", schema=f"http://{place(listener)}/?x=")[0]
    assert heard(listener) == [""]


def test_what_is_no_connection_goes_to_airflow(api_server: AirflowStack) -> None:
    for body in (b"", b"[1]", b"{", b'{"connection_id": 7}', b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900):
        assert api_server.api("POST", "/connections/test", data=body).status_code == 422
    assert api_server.api("POST", "/connections/test", data=b" " * 1_000_001).status_code == 413


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_another_encoding_says_the_same(api_server: AirflowStack, stored: str, listener: Server, encoding: str) -> None:
    typed = {"connection_id": stored, "conn_type": "http", "schema": f"http://{place(listener)}/?x="}
    api_server.api("POST", "/connections/test", data=json.dumps(typed).encode(encoding))
    twice = json.dumps(typed).replace('"http",', '"grdf", "conn_type": "http",')
    api_server.api("POST", "/connections/test", data=twice.encode())
    assert heard(listener) == []


# -- connections of the environment, and who asks ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose_server(airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """An API server with the compose file's connection to CouchDB. Airflow reads the setting without its space."""
    couch = {"conn_type": "http", "schema": "http", "host": "couchdb", "port": 5984, "login": "us", "password": SECRET}
    settings = {
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled ",
        "AIRFLOW__GRDF__TEST_ALL_TYPES": "True",
        "AIRFLOW_CONN_COUCHDB": json.dumps(couch),
        "AIRFLOW__SECRETS__BACKEND": "tests.provider.asked_backend.AskedBackend",
    }
    with serving(airflow_home, tmp_path_factory.mktemp("airflow"), **settings) as stack:
        yield stack


@pytest.mark.parametrize("conn_id", ["couchdb", "CouchDB"])
def test_a_connection_of_the_environment_leads_nowhere_else(
    compose_server: AirflowStack, listener: Server, conn_id: str
) -> None:
    extra = json.dumps({"proxies": {"http": listener.url}})
    refused(test(compose_server, connection_id=conn_id, conn_type="http", extra=extra), "extra")
    schema = f"http://{place(listener)}/?x="
    refused(test(compose_server, connection_id=conn_id, conn_type="http", schema=schema), "schema")
    assert heard(listener) == []


def test_no_backend_is_asked_for_somebody_who_may_not(compose_server: AirflowStack) -> None:
    body = {"connection_id": "anything", "conn_type": "http"}
    asked(compose_server.home)
    url = f"{compose_server.url}/api/v2/connections/test"
    assert requests.post(url, json=body, timeout=30).status_code == 401
    assert requests.post(url, json=body, headers={"Authorization": "Bearer x.y.z"}, timeout=30).status_code == 403
    login = {"username": "viewer", "password": compose_server.viewer_password}
    token = requests.post(f"{compose_server.url}/auth/token", json=login, timeout=30).json()["access_token"]
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == 403
    assert "anything" not in asked(compose_server.home)
    test(compose_server, **body)
    assert asked(compose_server.home)[0] == "anything", "an administrator's look-up is made"
