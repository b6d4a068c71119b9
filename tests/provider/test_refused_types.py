"""Only connections of this project's types are tested, unless the setting says otherwise; and none in a worker."""

from __future__ import annotations

import asyncio
import http.client
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from grdf.connection_types import OURS
from grdf.page.tested_connections import TestedAsStored
from grdf.provider.provider_info import get_provider_info
from tests.plugins.conftest import Heard, Reply, Server
from tests.provider.conftest import serving

if TYPE_CHECKING:
    from include.sandbox.airflow_stack import AirflowStack

TestedAsStored.__test__ = False  # type: ignore[attr-defined]
TEST, IN_A_WORKER = "/connections/test", "/connections/enqueue-test"
STRANGE = ["{}/", "{}//", "{}%0A", "{}%2F", "{}?x=1", "{};x", "/{}", "/.{}", "/x/..{}"]
"""Paths that a server may take for another one."""


@pytest.fixture
def listener(serve: Callable[[Callable[[Heard], Reply]], Server]) -> Server:
    return serve(lambda _: Reply("{}", 403))


@pytest.fixture
def stealing(listener: Server) -> dict[str, Any]:
    """A connection whose Test sends a file of the server to its own address, as an outsider has shown."""
    extra = {
        "region_name": "eu-west-1",
        "role_arn": "arn:aws:iam::123456789012:role/abcdef",
        "assume_role_method": "assume_role_with_web_identity",
        "assume_role_with_web_identity_federation": "file",
        "assume_role_with_web_identity_token_file": "/proc/self/environ",
        "service_config": {"sts": {"endpoint_url": listener.url, "test_connection_endpoint_url": listener.url}},
    }
    return {"connection_id": "mine", "conn_type": "aws", "extra": json.dumps(extra)}


def ask(stack: AirflowStack, method: str, path: str, body: object, token: str | None) -> tuple[int, str]:
    """Send a request whose path and method no client corrects."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    with closing(http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=120)) as line:
        line.request(method, path, json.dumps(body), headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode()


def token(stack: AirflowStack, name: str, password: str) -> str:
    login = {"username": name, "password": password}
    return str(requests.post(f"{stack.url}/auth/token", json=login, timeout=30).json()["access_token"])


@pytest.fixture
def admin(api_server: AirflowStack) -> str:
    return token(api_server, "admin", api_server.password)


@pytest.fixture
def viewer(api_server: AirflowStack) -> str:
    return token(api_server, "viewer", api_server.viewer_password)


def waiting(stack: AirflowStack) -> int:
    """Return how many Tests wait for a worker."""
    with closing(sqlite3.connect(stack.home / "airflow.db")) as database:
        return int(database.execute("SELECT count(*) FROM connection_test_request").fetchone()[0])


def test_our_types_are_those_that_airflow_is_told() -> None:
    assert {each["connection-type"] for each in get_provider_info()["connection-types"]} == OURS


# -- a Test in the API server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["aws", "http", "AWS", " aws", "", "grdf ", "GRDF", "no_such_type"])
def test_another_type_is_refused(
    api_server: AirflowStack, stealing: dict[str, Any], listener: Server, kind: str
) -> None:
    where = urlsplit(listener.url)
    typed = stealing | {"conn_type": kind, "host": where.hostname, "port": where.port, "schema": "http"}
    answer = api_server.api("POST", TEST, json=typed)
    assert answer.status_code == 200, "Airflow's UI shows of an error its name alone"
    assert answer.json()["status"] is False
    message = answer.json()["message"]
    assert "Nothing was tested" in message
    assert "[grdf] test_all_types" in message
    assert listener.heard == []


def test_a_stored_one_of_another_type_is_refused(
    api_server: AirflowStack, stealing: dict[str, Any], listener: Server
) -> None:
    assert api_server.api("POST", "/connections", json=stealing).status_code == 201
    try:
        for kind in ("aws", "grdf"):
            assert api_server.api("POST", TEST, json={"connection_id": "mine", "conn_type": kind}).ok
    finally:
        api_server.api("DELETE", "/connections/mine")
    assert listener.heard == []


def test_the_setting_lets_all_types_be_tested(
    open_server: AirflowStack, stealing: dict[str, Any], listener: Server
) -> None:
    """It also shows that the tests of this file would notice a Test."""
    open_server.api("POST", TEST, json=stealing)
    assert any(b"WebIdentityToken" in each.body for each in listener.heard)


@pytest.mark.parametrize("method", ["POST", "post", "Post", "PUT", "GET"])
@pytest.mark.parametrize("path", ["{}", *STRANGE, "/API/V2/CONNECTIONS/TEST"])
def test_no_spelling_of_the_path_passes(
    api_server: AirflowStack, admin: str, stealing: dict[str, Any], listener: Server, path: str, method: str
) -> None:
    ask(api_server, method, path.format(f"/api/v2{TEST}"), stealing, admin)
    ask(api_server, method, f"/api/v2{path.format(TEST)}", stealing, admin)
    assert listener.heard == []


def test_others_hear_what_airflow_says(
    api_server: AirflowStack, viewer: str, stealing: dict[str, Any], listener: Server
) -> None:
    path = f"/api/v2{TEST}"
    answers = [ask(api_server, "POST", path, stealing, who) for who in (None, "x.y.z", viewer)]
    usual = [ask(api_server, "POST", path, stealing | {"conn_type": "grdf"}, who) for who in (None, "x.y.z", viewer)]
    assert answers == usual
    assert [status for status, _ in answers] == [401, 403, 403]
    assert listener.heard == []


# -- a Test in a worker ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["grdf", "grdfdelete", "couchdb", "aws"])
@pytest.mark.parametrize("server", ["api_server", "open_server"])
def test_no_type_is_tested_in_a_worker(request: pytest.FixtureRequest, server: str, kind: str) -> None:
    stack: AirflowStack = request.getfixturevalue(server)
    body = {"connection_id": "mine", "conn_type": kind, "queue": "deletion"}
    answer = stack.api("POST", IN_A_WORKER, json=body)
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("Nothing was tested. ")
    assert waiting(stack) == 0


@pytest.mark.parametrize("method", ["POST", "post", "Post"])
@pytest.mark.parametrize("path", ["{}", *STRANGE, "/API/V2/CONNECTIONS/ENQUEUE-TEST"])
def test_no_spelling_of_its_path_passes(api_server: AirflowStack, admin: str, path: str, method: str) -> None:
    for each in (path.format(f"/api/v2{IN_A_WORKER}"), f"/api/v2{path.format(IN_A_WORKER)}"):
        status, _ = ask(api_server, method, each, {"connection_id": "mine", "conn_type": "grdf"}, admin)
        assert status != 202
    assert waiting(api_server) == 0


def test_nobody_else_hears_of_it(api_server: AirflowStack, viewer: str) -> None:
    body = {"connection_id": "mine", "conn_type": "grdf"}
    path = f"/api/v2{IN_A_WORKER}"
    told = [ask(api_server, "POST", path, body, who) for who in (None, "x.y.z", viewer)]
    assert [status for status, _ in told] == [401, 403, 403]
    assert [text for _, text in told[:2] if "tested" in text] == []
    assert ask(api_server, "GET", path, None, None)[0] == 401
    assert waiting(api_server) == 0


# -- below a path ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def below(airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowStack]:
    """An API server below a path. Airflow takes requests with it and without."""
    with serving(airflow_home, tmp_path_factory.mktemp("airflow"), below="/air") as stack:
        yield stack


@pytest.mark.parametrize("root", ["", "/air"])
def test_neither_passes_below_a_path(
    below: AirflowStack, stealing: dict[str, Any], listener: Server, root: str
) -> None:
    admin = token(below, "admin", below.password)
    status, text = ask(below, "POST", f"{root}/api/v2{TEST}", stealing, admin)
    assert (status, "Nothing was tested" in text) == (200, True)
    status, text = ask(below, "POST", f"{root}/api/v2{IN_A_WORKER}", stealing | {"conn_type": "grdf"}, admin)
    assert (status, "Nothing was tested" in text) == (403, True)
    assert (listener.heard, waiting(below)) == ([], 0)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot find out who asks, and whose setting is wrong."""
    monkeypatch.setattr("grdf.page.security.CLOSED", True)
    monkeypatch.setenv("AIRFLOW__GRDF__TEST_ALL_TYPES", "perhaps")


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize("root", ["", "/air", "/connections"])
@pytest.mark.parametrize("path", [TEST, IN_A_WORKER])
def test_airflow_gets_nothing_that_it_could_test(root: str, path: str) -> None:
    """Whoever is not known here is for Airflow to refuse. Were it to know him, there would still be nothing to test."""
    body = json.dumps({"connection_id": "mine", "conn_type": "aws", "extra": "{}"}).encode()
    got: list[bytes] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(_: Any) -> None:
        raise AssertionError

    async def airflow(_scope: Any, receive: Any, _send: Any) -> None:
        got.append((await receive())["body"])

    scope = {"type": "http", "method": "POST", "path": f"{root}/api/v2{path}", "root_path": root, "headers": []}
    asyncio.run(TestedAsStored(airflow)(scope, receive, send))
    assert len(got) == 1
    assert b"aws" not in got[0]
