"""The *Test* button of a real API server: green for the sandbox, and a sentence for each thing broken on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from grdf.quota.governor import governor_for
from include.sandbox.local_world import form_connections
from include.sandbox.processes import free_port
from tests.plugins.conftest import Heard, Reply, Server
from tests.strangers import OLD_COUCHDB, self_signed

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ADICT, DELETION, COUCHDB = "grdf_adict", "grdfgrandlyon_delete", "couchdb"
Press = Callable[..., tuple[bool, str]]
Serve = Callable[[Callable[[Heard], Reply]], Server]


def red(pressed: tuple[bool, str], *words: str) -> None:
    good, message = pressed
    assert not good, message
    assert [word for word in words if word not in message] == [], message


@pytest.mark.parametrize("conn_id", [ADICT, DELETION, COUCHDB])
def test_it_is_green_for_the_sandbox(press: Press, conn_id: str) -> None:
    good, message = press(conn_id)
    assert good, message
    expected = {ADICT: "lists", DELETION: "nothing was revoked", COUCHDB: "databases are there"}
    assert expected[conn_id] in message


def test_it_takes_a_token_and_one_call(clean: LocalWorld, press: Press) -> None:
    press(ADICT)
    heard = [(entry["method"], entry["path"].rsplit("/", 1)[-1]) for entry in clean.control.log()]
    # HEAD tells the time without a login; the consent page is asked as a browser would.
    assert sorted(heard) == [
        ("GET", "authorize"), ("GET", "droits_acces"), ("HEAD", "access_token"), ("POST", "access_token"),
    ]  # fmt: skip


def test_the_deletion_secret_is_asked_for_a_token_and_revokes_nothing(clean: LocalWorld, press: Press) -> None:
    assert press(DELETION)[0]
    assert [(entry["method"], entry["path"].rsplit("/", 1)[-1]) for entry in clean.control.log()] == [
        ("HEAD", "access_token"), ("POST", "access_token"),
    ]  # fmt: skip


def test_on_a_worker_it_uses_what_it_is_handed(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker knows the connection's own id. What is stored under it is none of the test's business."""
    from airflow.sdk import Connection

    fields = form_connections(clean.connections())[DELETION]
    monkeypatch.setenv("AIRFLOW_CONN_GRDFGRANDLYON_DELETE", "what-is-stored://nobody@nowhere")
    handed = Connection(**{**fields, "conn_id": DELETION, "extra": json.dumps(fields["extra"])})
    good, message = handed.test_connection()
    assert good, message
    assert "nothing was revoked" in message


# -- GRDF --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conn_id", [ADICT, DELETION])
def test_a_bad_secret(press: Press, conn_id: str) -> None:
    red(press(conn_id, password="not-the-secret"), "invalid_client", "login and password")


def test_no_secret(press: Press) -> None:
    red(press(ADICT, password=""), "password (GRDF's client secret) is missing")


@pytest.mark.parametrize("conn_id", [ADICT, DELETION])
def test_a_wrong_scope(press: Press, conn_id: str) -> None:
    red(press(conn_id, extra={"scope": "/adict/v9"}), "invalid_scope", "Set `scope`")


@pytest.mark.parametrize(("ahead", "way"), [(timedelta(minutes=10), "behind"), (timedelta(minutes=-10), "ahead of")])
def test_a_clock_that_is_off(press: Press, serve: Serve, ahead: timedelta, way: str) -> None:
    def answer(_: Heard) -> Reply:
        return Reply("", 400)

    server = serve(answer)
    handler: Any = server._server.RequestHandlerClass
    handler.date_time_string = lambda *_: format_datetime(datetime.now(UTC) + ahead, usegmt=True)
    red(press(ADICT, extra={"token_url": f"{server.url}/token"}), "This machine's clock is", f"s {way} GRDF's", "(NTP)")


def test_a_host_that_cannot_be_reached(press: Press) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    red(press(ADICT, extra={"token_url": f"{nobody}/token"}), nobody, "nothing listens there", "token_url")
    red(press(ADICT, host=f"{nobody}/adict/v2"), "could not be reached", "nothing listens there")


def test_a_name_that_nobody_has(press: Press) -> None:
    there = "https://grdf.invalid"
    told = press(ADICT, host=f"{there}/adict/v2", extra={"token_url": f"{there}/token"})
    red(told, "host name is not known", "DNS")


def test_a_certificate_that_nobody_trusts(press: Press, stranger: str) -> None:
    red(press(ADICT, extra={"token_url": f"{stranger}/token"}), "does not trust the certificate (TLS)", "REQUESTS_CA")
    red(press(ADICT, host=f"{stranger}/adict/v2"), "does not trust the certificate (TLS)", "REQUESTS_CA")


def test_an_address_without_adict(clean: LocalWorld, press: Press) -> None:
    red(press(ADICT, host=clean.facts["adict_base"].replace("v2", "v7")), "HTTP 404", "the address of ADICT")


def test_a_contract_without_access_rights(clean: LocalWorld, press: Press) -> None:
    clean.control.fault("droits_acces", status=403)
    red(press(ADICT), "does not let it list access rights", "ask GRDF to open the access rights")


def test_a_contract_without_client_connect(clean: LocalWorld, press: Press) -> None:
    clean.control.set(authorize_error="unauthorized_client")
    red(press(ADICT), "lacks Client Connect", "unauthorized_client", "Ask GRDF to open Client Connect")


def test_a_redirect_uri_that_grdf_does_not_know(press: Press) -> None:
    elsewhere = "https://elsewhere.example/grdf/callback"
    red(press(ADICT, extra={"redirect_uri": elsewhere}), elsewhere, "(HTTP 400)", "take client_connect out of")


# -- CouchDB -----------------------------------------------------------------------------------------------------------


def test_a_couchdb_that_is_not_there(press: Press) -> None:
    red(press(COUCHDB, port=free_port()), "could not be reached", "nothing listens there")


def test_a_wrong_password_of_couchdb(press: Press) -> None:
    red(press(COUCHDB, password="not-the-password"), "refuses this login", "couchdb setup")


def test_a_user_without_rights_on_the_databases(clean: LocalWorld, press: Press) -> None:
    user = {"name": "nobody-s-guest", "password": "guest-s-password", "roles": [], "type": "user"}
    auth, path = (clean.couch.user, clean.couch.password), f"{clean.couch.url}/_users"
    requests.put(path, auth=auth, timeout=30)
    requests.put(f"{path}/org.couchdb.user:{user['name']}", json=user, auth=auth, timeout=30)
    red(press(COUCHDB, login=user["name"], password=user["password"]), "answered 403", "to give its user access")


def test_databases_that_are_missing(press: Press) -> None:
    red(press(COUCHDB, extra={"database_prefix": "not-set-up-"}), "not-set-up-com-grandlyon-grdf-day", "couchdb setup")


def test_a_couchdb_that_is_too_old(press: Press, serve: Serve) -> None:
    old = serve(lambda _: Reply(OLD_COUCHDB))
    place = {"host": old.url, "port": None, "schema": None}
    red(press(COUCHDB, **place), "CouchDB: version 1.7.2 answers, which is too old", "Install CouchDB 3.5")


# -- what it never does ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("conn_id", [ADICT, DELETION, COUCHDB])
def test_no_answer_holds_a_secret_or_an_id_that_nobody_knows(clean: LocalWorld, press: Press, conn_id: str) -> None:
    """Airflow makes up an id for each test. An answer that named it would send people to look for it."""
    secret = "hush-hush-secret"
    answers = [press(conn_id, password=secret)[1], press(conn_id, password="", login="")[1], press(conn_id)[1]]
    assert not [text for text in answers if secret in text or "AIRFLOW_CONN_" in text]
    assert "this connection is incomplete" in answers[1].lower()
    assert not [text for text in answers if "the this connection" in text.lower()]
    assert clean.facts["client_secret"] not in str(answers)


def test_its_calls_count_in_the_quota(clean: LocalWorld) -> None:
    from grdf.provider.hooks import GrdfAdict

    hook = GrdfAdict(ADICT)
    governor = governor_for(hook.oauth.facts)
    before = governor.left()
    assert hook.test_connection()[0]
    assert governor.left() == before - 2


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply({"error": "invalid_client"}, 401), "invalid_client"),
        (Reply("{}", 429, {"Retry-After": "86400"}), "HTTP 429"),
    ],
)
def test_a_mistyped_address_stops_no_worker(clean: LocalWorld, serve: Serve, reply: Reply, said: str) -> None:
    """A token address of another environment refuses the right secret. That says nothing about the right address."""
    from grdf.provider.hooks import GrdfAdict
    from tests.helpers import adict_hook

    refusing = serve(lambda _: reply)
    with pytest.MonkeyPatch.context() as patch:
        usual = clean.connections()["AIRFLOW_CONN_GRDF_ADICT"]
        patch.setenv("AIRFLOW_CONN_BEING_TRIED", usual.replace(clean.facts["token_url"], f"{refusing.url}/token"))
        for _ in range(3):
            red(GrdfAdict("being_tried").test_connection(), said)
    began = datetime.now(UTC)
    adict_hook().all_access_rights()
    assert datetime.now(UTC) - began < timedelta(seconds=2)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose certificate nobody has signed but itself."""
    with self_signed(tmp_path_factory.mktemp("tls")) as address:
        yield address
