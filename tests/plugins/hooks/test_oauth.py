"""The OAuth hook with the sandbox's OAuth server, and with responses that no good server sends."""

from __future__ import annotations

import hmac
import json
import socket
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWK

from grdf.hooks.oauth import MARGIN, GrdfOAuthHook
from include.gas.errors import (
    BadSettings,
    CredentialsRefused,
    FailNow,
    GrantRefused,
    IdTokenRefused,
    QuotaExceeded,
    RetryLater,
    ServiceUnavailable,
)
from include.sandbox.connect import consent
from include.sandbox.local_world import LocalWorld
from tests.helpers import holder
from tests.plugins.conftest import Heard, Reply, Server

Serve = Callable[[Callable[[Heard], Reply]], Server]
Grdf = Callable[..., str]


def grant(world: LocalWorld, account_id: str, meters: int = 1) -> dict[str, str]:
    return consent(world.facts, holder(account_id, meters))


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_code_gives_the_household_s_meters(clean: LocalWorld, account_id: str) -> None:
    got, hook = grant(clean, account_id, meters=2), GrdfOAuthHook()
    token = hook.exchange_code(got["code"], got["redirect_uri"], account=account_id)
    claims = hook.claims_of(token, account=account_id, nonce=got["nonce"])
    assert [entry.pce for entry in claims] == list(holder(account_id, 2).pces)
    rights = {right["id_pce"]: right["id_droit_acces"] for right in clean.control.consents()}
    assert all(entry.right == rights[entry.pce] for entry in claims)


def test_without_a_redirect_uri_the_connection_s_is_sent(clean: LocalWorld, account_id: str) -> None:
    got = grant(clean, account_id)
    assert GrdfOAuthHook().exchange_code(got["code"], None, account=account_id)


def test_a_data_token(clean: LocalWorld) -> None:
    hook, before = GrdfOAuthHook(), datetime.now(UTC)
    token = hook.ask_data_token()
    assert before <= token.until - timedelta(seconds=14399) + MARGIN <= datetime.now(UTC)
    assert token.serves(hook.facts)
    assert token.value not in repr(token)


@pytest.mark.parametrize("field", ["login", "password"])
def test_a_refused_client(clean: LocalWorld, grdf: Grdf, field: str) -> None:
    hook = GrdfOAuthHook(grdf(**{field: "not-the-right-one"}))
    with pytest.raises(CredentialsRefused, match="invalid_client") as caught:
        hook.ask_data_token()
    assert caught.value.state is None, "no household can help that"
    assert "not-the-right-one" not in str(caught.value)


def test_a_refused_scope_says_which_setting(clean: LocalWorld, grdf: Grdf) -> None:
    with pytest.raises(FailNow, match=r"invalid_scope.*`scope`"):
        GrdfOAuthHook(grdf(extra={"scope": "/adict/v9"})).ask_data_token()


def test_a_code_serves_once(clean: LocalWorld, account_id: str) -> None:
    got, hook = grant(clean, account_id), GrdfOAuthHook()
    hook.exchange_code(got["code"], got["redirect_uri"], account=account_id)
    with pytest.raises(GrantRefused, match=account_id) as caught:
        hook.exchange_code(got["code"], got["redirect_uri"], account=account_id)
    assert caught.value.state == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert got["code"] not in str(caught.value)


def test_a_code_that_is_too_old(clean: LocalWorld, account_id: str) -> None:
    got = grant(clean, account_id)
    clean.control.set_clock(datetime.now(UTC) + timedelta(minutes=10))
    with pytest.raises(GrantRefused):
        GrdfOAuthHook().exchange_code(got["code"], got["redirect_uri"], account=account_id)


def test_a_code_with_another_redirect_uri(clean: LocalWorld, account_id: str) -> None:
    got = grant(clean, account_id)
    with pytest.raises(FailNow, match=account_id):
        GrdfOAuthHook().exchange_code(got["code"], "https://elsewhere.example/back", account=account_id)


def test_the_secret_travels_in_the_body_and_redirects_are_not_followed(serve: Serve, grdf: Grdf) -> None:
    trap = serve(lambda _: Reply({"access_token": "t", "scope": "/adict/v2", "expires_in": 60}))
    server = serve(lambda _: Reply(status=307, headers={"Location": f"{trap.url}/token"}))
    with pytest.raises(BadSettings, match="token_url"):
        GrdfOAuthHook(grdf(password="hush", extra={"token_url": f"{server.url}/token"})).ask_data_token()
    assert trap.heard == []
    (heard,) = server.heard
    assert heard.form["client_secret"] == "hush"
    assert "hush" not in heard.path
    assert "Authorization" not in heard.headers


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply("<html>maintenance</html>", 503, {"Retry-After": "120"}), ServiceUnavailable),
        (Reply("<html>hello</html>", 200), ServiceUnavailable),
        (Reply("[1, 2]", 200), ServiceUnavailable),
        (Reply("", 200), ServiceUnavailable),
        (Reply(b"\xff\xfe\x00", 500), ServiceUnavailable),
        (Reply({"token_type": "Bearer"}, 200), ServiceUnavailable),
        (Reply({"access_token": 5, "scope": "/adict/v2"}, 200), ServiceUnavailable),
        (Reply({"access_token": "t", "scope": "openid"}, 200), CredentialsRefused),
        (Reply({"error": "temporarily_unavailable"}, 400), ServiceUnavailable),
        (Reply("slow down", 429, {"Retry-After": "7"}), QuotaExceeded),
        (Reply("nothing here", 404), BadSettings),
    ],
)
def test_every_odd_answer_has_its_place_in_the_tree(serve: Serve, grdf: Grdf, reply: Reply, kind: type) -> None:
    server = serve(lambda _: reply)
    hook = GrdfOAuthHook(grdf(extra={"token_url": f"{server.url}/token"}))
    with pytest.raises(kind) as caught:
        hook.ask_data_token()
    if "Retry-After" in reply.headers:
        assert isinstance(caught.value, RetryLater)
        assert caught.value.retry_after == float(reply.headers["Retry-After"])


@pytest.mark.parametrize("value", ["Wed, 21 Oct 2026 07:28:00 GMT", "-5", "soon", "²"])
def test_a_retry_after_that_is_no_number_of_seconds_is_none(serve: Serve, grdf: Grdf, value: str) -> None:
    server = serve(lambda _: Reply("", 503, {"Retry-After": value}))
    with pytest.raises(ServiceUnavailable) as caught:
        GrdfOAuthHook(grdf(extra={"token_url": f"{server.url}/token"})).ask_data_token()
    assert caught.value.retry_after is None


def test_the_clock_is_taken_before_the_request(serve: Serve, grdf: Grdf) -> None:
    server = serve(lambda _: Reply({"access_token": "t", "scope": "/adict/v2", "expires_in": 600}, delay=0.3))
    token = GrdfOAuthHook(grdf(extra={"token_url": f"{server.url}/token"})).ask_data_token()
    assert datetime.now(UTC) + timedelta(seconds=300) - token.until >= timedelta(seconds=0.3), "half of its life"


def test_nobody_listens(grdf: Grdf) -> None:
    hook = GrdfOAuthHook(grdf(extra={"token_url": f"http://127.0.0.1:{closed_port()}/token"}))
    with pytest.raises(ServiceUnavailable, match="could not be reached"):
        hook.ask_data_token()


def test_a_server_that_never_answers(serve: Serve, grdf: Grdf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grdf.hooks.http_calls.TIMEOUT", (0.2, 0.2))
    server = serve(lambda _: Reply(delay=1))
    with pytest.raises(ServiceUnavailable, match="Timeout"):
        GrdfOAuthHook(grdf(extra={"token_url": f"{server.url}/token"})).ask_data_token()


def test_an_answer_without_id_token(serve: Serve, grdf: Grdf) -> None:
    server = serve(lambda _: Reply({"access_token": "t", "scope": "openid"}))
    hook = GrdfOAuthHook(grdf(extra={"token_url": f"{server.url}/token"}))
    with pytest.raises(IdTokenRefused, match="home-1"):
        hook.exchange_code("code", None, account="home-1")


# -- id_token ----------------------------------------------------------------------------------------------------------


def rs256(world: LocalWorld, grdf: Grdf, **extra: object) -> GrdfOAuthHook:
    usual = {"id_token_algorithms": ["RS256"], "jwks_url": world.facts["jwks_url"]}
    return GrdfOAuthHook(grdf(extra=usual | extra))


def test_rs256_with_the_provider_s_keys(clean: LocalWorld, grdf: Grdf, account_id: str) -> None:
    clean.control.set(id_token_alg="RS256")
    got, hook = grant(clean, account_id), rs256(clean, grdf)
    token = hook.exchange_code(got["code"], got["redirect_uri"], account=account_id)
    assert jwt.get_unverified_header(token)["alg"] == "RS256"
    assert hook.claims_of(token, account=account_id, nonce=got["nonce"])[0].pce == holder(account_id).pces[0]
    with pytest.raises(IdTokenRefused):
        GrdfOAuthHook().claims_of(token, account=account_id, nonce=got["nonce"])  # only HS256 is accepted there


def test_an_hs256_token_signed_with_the_public_key_is_refused(clean: LocalWorld, grdf: Grdf, account_id: str) -> None:
    clean.control.set(id_token_alg="RS256")
    got = grant(clean, account_id)
    hook = rs256(clean, grdf, id_token_algorithms=["RS256", "HS256"])
    token = hook.exchange_code(got["code"], got["redirect_uri"], account=account_id)
    key = requests.get(clean.facts["jwks_url"], timeout=10).json()["keys"][0]
    public = PyJWK(key).key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (public, key["n"].encode(), json.dumps(key).encode()):
        head = encoded(b'{"alg":"HS256","typ":"JWT","kid":"' + key["kid"].encode() + b'"}')
        signed = f"{head}.{token.split('.')[1]}"  # without PyJWT, which refuses to do this
        forged = f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"
        with pytest.raises(IdTokenRefused, match=account_id):
            hook.claims_of(forged, account=account_id, nonce=got["nonce"])


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("reply", [Reply("no keys", 500), Reply("<html>", 200)])
def test_keys_that_cannot_be_read_are_asked_again_later(
    clean: LocalWorld, serve: Serve, grdf: Grdf, account_id: str, reply: Reply
) -> None:
    server = serve(lambda _: reply)
    with pytest.raises(ServiceUnavailable, match=account_id):
        rs256(clean, grdf, jwks_url=f"{server.url}/keys").claims_of("a.b.c", account=account_id)


def test_keys_that_are_no_set(clean: LocalWorld, serve: Serve, grdf: Grdf, account_id: str) -> None:
    server = serve(lambda _: Reply("[]"))
    with pytest.raises(BadSettings, match="jwks_url"):
        rs256(clean, grdf, jwks_url=f"{server.url}/keys").claims_of("a.b.c", account=account_id)
