"""The GRDF connection's fields, in any type and form. All problems are reported in one message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from grdf.hooks.connection import API_BASE, AUTHORIZE_URL, TOKEN_URL, GrdfConnection, issuer_of
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.errors import BadSettings
from include.sandbox.local_world import LocalWorld


def read(conn_id: str) -> GrdfConnection:
    return GrdfOAuthHook(conn_id).facts


def test_login_and_password_are_enough(connection: Callable[..., str]) -> None:
    facts = read(connection("grdf_x", login="id", password="secret"))
    assert (facts.api_base, facts.token_url, facts.authorize_url) == (API_BASE, TOKEN_URL, AUTHORIZE_URL)
    assert facts.scope == "/adict/v2"
    assert facts.issuer == "https://sofit-sso-oidc.grdf.fr:443/openam/oauth2/externeGrdf"
    assert facts.id_token_algorithms == ("HS256",)
    assert (facts.redirect_uri, facts.jwks_url) == ("", "")


@pytest.mark.parametrize("conn_type", ["generic", "grdf", "http", "aws", "no-such-type"])
def test_any_connection_type_does(connection: Callable[..., str], conn_type: str) -> None:
    facts = read(connection("grdf_x", conn_type=conn_type, login="id", password="secret"))
    assert facts.client_secret == "secret"


def test_a_connection_in_uri_form(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"token_url": "https://t.example/token", "redirect_uri": "https://us.example/back?a=b"}
    base = quote("https://api.example/adict/v2", safe="")
    uri = f"grdf://id%40home:se%2Fcret%23@{base}/?{urlencode(extra)}"
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_X", uri)
    facts = read("grdf_x")
    assert (facts.client_id, facts.client_secret) == ("id@home", "se/cret#")
    assert facts.api_base == "https://api.example/adict/v2"
    assert (facts.token_url, facts.redirect_uri) == (extra["token_url"], extra["redirect_uri"])


@pytest.mark.parametrize(
    ("fields", "base"),
    [
        ({}, API_BASE),
        ({"host": "https://h.example/adict/v2/"}, "https://h.example/adict/v2"),
        ({"host": "h.example/adict/v2"}, "https://h.example/adict/v2"),
        ({"host": "127.0.0.1/adict/v2", "schema": "http"}, "http://127.0.0.1/adict/v2"),
        ({"host": "h.example/adict/v2", "port": 8443}, "https://h.example:8443/adict/v2"),
        ({"host": "http://localhost:81/x", "port": 82}, "http://localhost:81/x"),
    ],
)
def test_the_api_base_in_every_form(connection: Callable[..., str], fields: dict[str, object], base: str) -> None:
    assert read(connection("grdf_x", login="id", password="secret", **fields)).api_base == base


def test_the_scope_is_the_path_of_the_api_base_unless_named(connection: Callable[..., str]) -> None:
    usual = {"login": "id", "password": "secret", "host": "https://h.example/adict/v3"}
    assert read(connection("grdf_x", **usual)).scope == "/adict/v3"
    assert read(connection("grdf_x", **usual, extra={"scope": "/other"})).scope == "/other"
    assert read(connection("grdf_x", login="id", password="s", host="https://h.example")).scope == "/adict/v2"


PLACES = ("host", "token_url", "authorize_url", "jwks_url")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "machine", ["h.example", "10.0.0.7", "127.0.0.1.h.example", "localhost.h.example", "[2001:db8::1]"]
)
def test_plain_http_to_another_machine_is_refused(connection: Callable[..., str], place: str, machine: str) -> None:
    url = f"http://{machine}/x"
    fields = {"host": url} if place == "host" else {"extra": {place: url}}
    with pytest.raises(BadSettings) as caught:
        read(connection("grdf_x", login="id", password="secret", **fields))
    text = str(caught.value)
    assert "grdf_x" in text
    assert re.search(rf"\b{place} is an address.*https", text)
    assert machine not in text


def test_plain_http_is_refused_whichever_field_says_so(connection: Callable[..., str]) -> None:
    for fields in (
        {"host": "h.example/adict/v2", "schema": "http"},
        {"host": "HTTP://h.example/adict/v2"},
        {"host": "h.example", "port": 80, "schema": "http"},
    ):
        with pytest.raises(BadSettings, match=r"host is .*https"):
            read(connection("grdf_x", login="id", password="secret", **fields))


@pytest.mark.parametrize("machine", ["localhost", "127.0.0.1", "127.0.0.1:8000", "[::1]:8000"])
def test_plain_http_on_this_machine_is_taken(connection: Callable[..., str], machine: str) -> None:
    url = f"http://{machine}/x"
    extra = {place: url for place in PLACES if place != "host"}
    facts = read(connection("grdf_x", login="id", password="secret", host=url, extra=extra))
    assert {facts.api_base, facts.token_url, facts.authorize_url, facts.jwks_url} == {url}


@pytest.mark.parametrize("algorithms", ["RS256, HS256", ["RS256", "HS256"]])
def test_algorithms_as_text_or_list(connection: Callable[..., str], algorithms: object) -> None:
    extra = {"id_token_algorithms": algorithms, "jwks_url": "https://h.example/keys"}
    assert read(connection("grdf_x", login="i", password="s", extra=extra)).id_token_algorithms == ("RS256", "HS256")


@pytest.mark.parametrize("extra", ['{"token_url": "https://x/s3cret"', '["s3cret"]', "s3cret", "null", "[" * 9000])
def test_an_extra_that_is_no_json_object_is_said(monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    """Airflow treats it as empty, so GRDF's production would be called with a test login."""
    fields = {"conn_type": "http", "host": "http://127.0.0.1:9", "login": "i", "password": "s", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_X", json.dumps(fields))
    for ask in (lambda: read("grdf_x"), lambda: CouchDBHook("grdf_x").get_conn()):
        with pytest.raises(
            BadSettings, match="connection grdf_x is incomplete: its extra is not a JSON object"
        ) as caught:
            ask()
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("extra", ["", " ", "{}"])
def test_no_extra_is_fine(monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    fields = {"conn_type": "http", "host": "http://127.0.0.1:9", "login": "i", "password": "s", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_X", json.dumps(fields))
    assert read("grdf_x").token_url == TOKEN_URL


def test_all_problems_stand_in_one_message(connection: Callable[..., str]) -> None:
    extra = {"token_url": "ftp://t", "authorize_url": "nowhere", "id_token_algorithms": ["None", "RS256"]}
    with pytest.raises(BadSettings) as caught:
        read(connection("grdf_x", host="gopher://h", extra=extra))
    text = str(caught.value)
    for word in (
        "grdf_x",
        "login",
        "password",
        "host",
        "token_url",
        "authorize_url",
        "'none'",
        "jwks_url",
    ):
        assert word in text
    assert "AIRFLOW_CONN_GRDF_X" in text
    assert caught.value.state is None


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"extra": {"authorize_url": "https://h.example:port/authorize"}}, "authorize_url"),
        ({"extra": {"token_url": 5}}, "token_url"),
        ({"extra": {"token_url": "https://"}}, "token_url"),
        ({"host": "https://"}, "host"),
        ({"host": "https://h.example:99999/adict/v2"}, "host"),
        ({"extra": {"id_token_algorithms": [256]}}, "id_token_algorithms"),
        ({"extra": {"id_token_algorithms": 256}}, "id_token_algorithms"),
        ({"extra": {"id_token_algorithms": ["XS999"]}}, "id_token_algorithms"),
        ({"extra": {"redirect_uri": ["https://a.example"]}}, "redirect_uri"),
        ({"extra": {"scope": ["/adict/v2"]}}, "scope"),
    ],
)
def test_an_odd_value_is_named_and_never_a_traceback(
    connection: Callable[..., str], fields: dict[str, object], word: str
) -> None:
    with pytest.raises(BadSettings, match=word):
        read(connection("grdf_x", login="id", password="secret", **fields))


def test_the_secret_is_in_no_repr_and_no_message(connection: Callable[..., str]) -> None:
    facts = read(connection("grdf_x", login="id", password="hush-hush"))
    assert "hush-hush" not in repr(facts)
    with pytest.raises(BadSettings) as caught:
        read(connection("grdf_x", password="hush-hush"))
    assert "hush-hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("page", "issuer"),
    [
        (AUTHORIZE_URL, "https://sofit-sso-oidc.grdf.fr:443/openam/oauth2/externeGrdf"),
        ("https://h.example:8443/openam/oauth2/realms/x/authorize", "https://h.example:8443/openam/oauth2/x"),
        ("http://h.example/openam/oauth2/realms/x/authorize", "http://h.example:80/openam/oauth2/x"),
        ("https://h.example/oauth2/authorize", "https://h.example:443/oauth2"),
    ],
)
def test_the_issuer_follows_the_habit_of_grdf_s_server(page: str, issuer: str) -> None:
    assert issuer_of(page) == issuer


def test_the_issuer_of_the_sandbox(world: LocalWorld) -> None:
    assert issuer_of(world.facts["authorize_url"]) == world.facts["issuer"]


@pytest.mark.parametrize("hook", [GrdfOAuthHook, CouchDBHook])
def test_a_connection_that_does_not_exist_or_cannot_be_read(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def used() -> None:
        made = hook("missing_x")
        made.get_conn() if isinstance(made, CouchDBHook) else made.facts

    told = r"no connection missing_x, or cannot read it\..*AIRFLOW_CONN_MISSING_X"
    with pytest.raises(BadSettings, match=told):
        used()
    monkeypatch.setenv("AIRFLOW_CONN_MISSING_X", '{"conn_type": "http", "password": "hidden-word"')
    with pytest.raises(BadSettings, match=told) as caught:
        used()
    assert "hidden-word" not in str(caught.value)
    assert caught.value.__cause__ is None
