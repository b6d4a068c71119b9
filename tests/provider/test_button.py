"""Airflow's *Test* button: green for the sandbox, and a sentence for each thing broken on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests

from grdf.couchdb_setup import set_up
from grdf.hooks.couchdb import CouchDBHook
from grdf.provider.hooks import GrdfAdict
from grdf.quota.governor import governor_for
from include.sandbox.local_world import LocalWorld, form_connections
from include.sandbox.processes import free_port
from tests.connect.site import Site
from tests.helpers import adict_hook
from tests.plugins.conftest import Reply, Serve, Server
from tests.plugins.drip import Drip, certificate_for

ADICT, DELETION, COUCHDB = KINDS = ("grdf_adict", "grdfgrandlyon_delete", "couchdb")
GREEN = {ADICT: "lists", DELETION: "nothing was revoked", COUCHDB: "databases are there"}
pytestmark = pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")  # Airflow's API asks so
Press = Callable[..., tuple[bool, str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(Server(answer).running())


@pytest.fixture
def press(clean: LocalWorld, airflow_home: object, monkeypatch: pytest.MonkeyPatch) -> Press:
    set_up(CouchDBHook(), say=str)
    usual = form_connections(clean.connections())
    admin = Site(clean, settings={"AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}).opened(monkeypatch).program("admin")
    for name in KINDS:  # what the button tests is what it is sent
        monkeypatch.delenv(f"AIRFLOW_CONN_{name.upper()}", raising=False)

    def press(conn_id: str, *, extra: dict[str, Any] | None = None, **fields: Any) -> tuple[bool, str]:
        given = usual[conn_id]
        body = {**given, **fields, "connection_id": conn_id, "extra": json.dumps({**given["extra"], **(extra or {})})}
        answer = admin.post(f"{admin.site.url}/api/v2/connections/test", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["status"], answer.json()["message"]

    return press


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    old = Server(lambda _: Reply({"couchdb": "Welcome", "version": "1.7.2", "vendor": {"name": "Debian"}}))
    certificate = certificate_for(tmp_path_factory.mktemp("tls"))
    with Drip(b"", b"", every=1, certificate=certificate) as stranger, old.running():
        yield {"closed": f"http://127.0.0.1:{free_port()}", "stranger": stranger.url, "old": old.url}


def red(pressed: tuple[bool, str], *words: str) -> None:
    good, message = pressed
    assert not good, message
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("conn_id", KINDS)
def test_it_is_green_for_the_sandbox_and_tells_no_secret(clean: LocalWorld, press: Press, conn_id: str) -> None:
    """Airflow makes up an id for each test. An answer that named it would send people to look for it."""
    good, message = press(conn_id)
    assert good, message
    assert GREEN[conn_id] in message
    heard = sorted((entry["method"], entry["path"].rsplit("/", 1)[-1]) for entry in clean.control.log())
    # HEAD tells the time without a login; the consent page is asked as a browser would.
    token = [("HEAD", "access_token"), ("POST", "access_token")]
    assert (
        heard == {ADICT: [("GET", "authorize"), ("GET", "droits_acces"), *token], DELETION: token, COUCHDB: []}[conn_id]
    )
    secret = "hush-hush-secret"
    answers = [message, press(conn_id, password=secret)[1], press(conn_id, password="", login="")[1]]
    assert not [text for text in answers if secret in text or "AIRFLOW_CONN_" in text]
    assert "incomplete" in answers[2].lower()
    assert clean.facts["client_secret"] not in str(answers)


def test_on_a_worker_it_uses_what_it_is_handed(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk import Connection

    fields = form_connections(clean.connections())[DELETION]
    monkeypatch.setenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", "what-is-stored://nothing@nowhere")
    handed = Connection(**{**fields, "conn_id": DELETION, "extra": json.dumps(fields["extra"])})
    good, message = handed.test_connection()
    assert (good, GREEN[DELETION] in message) == (True, True), message


Row = tuple[str, dict[str, Any], tuple[str, ...]]
WRONG: tuple[Row, ...] = (
    (ADICT, {"password": "not-the-secret"}, ("invalid_client", "login and password")),
    (DELETION, {"password": "not-the-secret"}, ("invalid_client", "login and password")),
    (ADICT, {"password": ""}, ("password (GRDF's client secret) is missing",)),
    (ADICT, {"extra": {"scope": "/adict/v9"}}, ("invalid_scope", "Set `scope`")),
    (DELETION, {"extra": {"scope": "/adict/v9"}}, ("invalid_scope", "Set `scope`")),
    (ADICT, {"extra": {"token_url": "{closed}/token"}}, ("{closed}", "nothing listens there", "token_url")),
    (ADICT, {"host": "{closed}/adict/v2"}, ("could not be reached", "nothing listens there")),
    (ADICT, {"host": "https://grdf.invalid/adict/v2"}, ("host name is not known", "DNS")),
    (ADICT, {"extra": {"token_url": "{stranger}/token"}}, ("(TLS)", "REQUESTS_CA")),
    (ADICT, {"host": "{stranger}/adict/v2"}, ("(TLS)", "REQUESTS_CA")),
    (ADICT, {"host": "{adict}"}, ("HTTP 404", "the address of ADICT")),
    (ADICT, {"extra": {"redirect_uri": "https://elsewhere.example/grdf/callback"}},
     ("https://elsewhere.example/grdf/callback", "(HTTP 400)", "client_connect")),
    (COUCHDB, {"host": "{closed}", "port": None, "schema": None}, ("could not be reached", "nothing listens there")),
    (COUCHDB, {"password": "not-the-password"}, ("refuses this login", "couchdb setup")),
    (COUCHDB, {"extra": {"database_prefix": "not-set-up-"}}, ("not-set-up-com-grandlyon-grdf-day", "couchdb setup")),
    (COUCHDB, {"host": "{old}", "port": None, "schema": None}, ("1.7.2", "too old", "Install CouchDB 3.5")),
)  # fmt: skip


@pytest.mark.parametrize(("conn_id", "fields", "words"), WRONG, ids=str)
def test_what_is_wrong_in_a_connection(
    clean: LocalWorld,
    press: Press,
    places: dict[str, str],
    conn_id: str,
    fields: dict[str, Any],
    words: tuple[str, ...],
) -> None:
    there = places | {"adict": clean.facts["adict_base"].replace("v2", "v7")}

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        return re.sub(r"{(\w+)}", lambda place: there[place[1]], value) if isinstance(value, str) else value

    red(press(conn_id, **filled(fields)), *map(filled, words))


def test_what_grdf_has_not_opened_for_the_contract(clean: LocalWorld, press: Press) -> None:
    clean.control.fault("droits_acces", status=403)
    red(press(ADICT), "access rights", "ask GRDF")
    clean.control.set(authorize_error="unauthorized_client")
    red(press(ADICT), "Client Connect", "unauthorized_client", "Ask GRDF")


@pytest.mark.parametrize(("ahead", "way"), [(timedelta(minutes=10), "behind"), (timedelta(minutes=-10), "ahead of")])
def test_a_clock_that_is_off(press: Press, serve: Serve, ahead: timedelta, way: str) -> None:
    server = serve(lambda _: Reply("", 400))
    handler: Any = server._server.RequestHandlerClass
    handler.date_time_string = lambda *_: format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    red(press(ADICT, extra={"token_url": f"{server.url}/token"}), "clock", f"s {way} GRDF's", "(NTP)")


def test_a_user_without_rights_on_the_databases(clean: LocalWorld, press: Press) -> None:
    user = {"name": "no-guest", "password": "guest-s-password", "roles": [], "type": "user"}
    auth, path = (clean.couch.user, clean.couch.password), f"{clean.couch.url}/_users"
    requests.put(path, auth=auth, timeout=30)
    requests.put(f"{path}/org.couchdb.user:{user['name']}", json=user, auth=auth, timeout=30)
    red(press(COUCHDB, login=user["name"], password=user["password"]), "403", "to give its user access")


def test_its_calls_count_in_the_quota(clean: LocalWorld) -> None:
    hook = GrdfAdict(ADICT)
    governor = governor_for(hook.oauth.facts)
    before = governor.calls_left()
    assert hook.test_connection()[0]
    assert governor.calls_left() == before - 2


@pytest.mark.parametrize(
    "reply", [Reply({"error": "invalid_client"}, 401), Reply("{}", 429, {"Retry-After": "86400"})], ids=["401", "429"]
)
def test_a_mistyped_address_stops_no_worker(
    clean: LocalWorld, serve: Serve, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    refusing, usual = serve(lambda _: reply), clean.connections()["AIRFLOW_CONN_GRDF_ADICT"]
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_BEING_TRIED", usual.replace(clean.facts["token_url"], f"{refusing.url}/token"))
        for _ in range(3):
            red(GrdfAdict("being_tried").test_connection())
    governor = governor_for(adict_hook().oauth.facts)
    assert governor.usage().pause == 0
    adict_hook().query_all_rights()
