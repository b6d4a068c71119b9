"""The OAuth hook with the sandbox's OAuth server and with odd answers; the data token that all workers share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grdf.hooks.connection import GrdfConnection
from grdf.hooks.oauth import MARGIN, VARIABLE, DataToken, GrdfOAuthHook
from include.gas.errors import (
    BadSettings,
    CredentialsRefused,
    IdTokenRefused,
    QuotaExceeded,
    ServiceUnavailable,
)
from include.sandbox.connect import consent
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, adict_hook, holder
from tests.plugins.conftest import Reply, Serve

Grdf = Callable[..., str]


@pytest.fixture
def answered(serve: Serve, grdf: Grdf) -> Callable[..., GrdfOAuthHook]:
    def make(*reply: Any, **more: Any) -> GrdfOAuthHook:
        answer = Reply(*reply, **more)
        return GrdfOAuthHook(grdf(extra={"token_url": f"{serve(lambda _: answer).url}/token"}))

    return make


@pytest.mark.parametrize(
    ("body", "status", "wait", "kind"),
    [
        ("<html>maintenance</html>", 503, "120", ServiceUnavailable), ("slow down", 429, "7", QuotaExceeded),
        *(("", 503, odd, ServiceUnavailable) for odd in ("Wed, 21 Oct 2026 07:28:00 GMT", "-5", "soon", "²")),
        ("<html>hello</html>", 200, "", ServiceUnavailable), ("[1, 2]", 200, "", ServiceUnavailable),
        (b"\xff\xfe\x00", 500, "", ServiceUnavailable), ({"token_type": "Bearer"}, 200, "", ServiceUnavailable),
        ({"access_token": 5, "scope": "/adict/v2"}, 200, "", ServiceUnavailable),
        ({"access_token": "t", "scope": "openid"}, 200, "", CredentialsRefused),
    ],
)  # fmt: skip
def test_every_odd_answer_has_its_place_in_the_tree(
    answered: Callable[..., GrdfOAuthHook], body: Any, status: int, wait: str, kind: type
) -> None:
    with pytest.raises(kind) as caught:
        answered(body, status, {"Retry-After": wait} if wait else {}).request_data_token()
    assert getattr(caught.value, "retry_after", None) == (float(wait) if wait.isascii() and wait.isdigit() else None)


def test_an_answer_without_id_token(answered: Callable[..., GrdfOAuthHook]) -> None:
    with pytest.raises(IdTokenRefused, match="home-1"):
        answered({"access_token": "t", "scope": "openid"}).exchange_code("code", None, account="home-1")


def rs256(world: LocalWorld, grdf: Grdf, **extra: object) -> GrdfOAuthHook:
    usual = {"id_token_algorithms": ["RS256"], "jwks_url": world.facts["jwks_url"]}
    return GrdfOAuthHook(grdf(extra=usual | extra))


def test_a_token_signed_with_the_provider_s_keys(clean: LocalWorld, grdf: Grdf, account_id: str) -> None:
    clean.control.set(id_token_alg="RS256")
    got = consent(clean.facts, holder(account_id))
    owner: Any = {"account": account_id, "nonce": got["nonce"]}
    hook = rs256(clean, grdf, id_token_algorithms=["RS256", "HS256"])
    token = hook.exchange_code(got["code"], got["redirect_uri"], account=account_id)
    assert rs256(clean, grdf).verify_claims(token, **owner)[0].pce == holder(account_id).pces[0]
    with pytest.raises(IdTokenRefused):
        GrdfOAuthHook().verify_claims(token, **owner)  # only HS256 is accepted there


@pytest.mark.parametrize(
    ("body", "status", "kind", "said"),
    [("no keys", 500, ServiceUnavailable, "home"), ("<html>", 200, ServiceUnavailable, "home"),
     ("[]", 200, BadSettings, "jwks_url")],
)  # fmt: skip
def test_keys_that_cannot_be_read(
    clean: LocalWorld, serve: Serve, grdf: Grdf, body: str, status: int, kind: type[Exception], said: str
) -> None:
    server = serve(lambda _: Reply(body, status))
    with pytest.raises(kind, match=said):
        rs256(clean, grdf, jwks_url=f"{server.url}/keys").verify_claims("a.b.c", account="home")


NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def facts(client: str = "us", scope: str = "/adict/v2") -> GrdfConnection:
    return GrdfConnection("grdf_x", client, "secret", scope=scope)


def granted(lifetime: object = 14399, asked_at: datetime = NOW) -> DataToken:
    return DataToken.from_answer("secret-token-value", facts(), asked_at, lifetime)


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [(14399, 14399 - 900), (60, 30), *((odd, 30) for odd in (None, "soon", 0, -5, "nan", 1e300, "inf"))],
)
def test_it_serves_until_the_work_ahead_no_longer_fits_or_half_of_a_short_life(
    lifetime: object, seconds: float
) -> None:
    for after, serves in ((0, True), (seconds - 1, True), (seconds, False)):
        assert granted(lifetime).is_usable(facts(), NOW + timedelta(seconds=after)) is serves
    assert not granted(lifetime).is_usable(facts(client="them"), NOW)
    assert not granted(lifetime).is_usable(facts(scope="/adict/v3"), NOW)


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(granted(asked_at=datetime.now(UTC)).dump()) | fields)


@pytest.mark.parametrize(
    "text",
    [
        None, "", "   ", "{", "null", "5", "[]", '"text"', "{}", changed(until="soon"), changed(until=5),
        changed(until="2099-01-01T00:00:00"),  # without an offset
        changed(value=None), changed(value=5), "[" * 100_000,
    ],
)  # fmt: skip
def test_a_variable_that_somebody_has_changed_counts_as_none(text: str | None) -> None:
    assert DataToken.load(text) is None
    assert DataToken.load(granted().dump()) == granted()
    assert "secret-token-value" not in repr(granted())


def token_requests(world: LocalWorld) -> int:
    return sum(entry["path"].endswith("/access_token") for entry in world.control.log())


def test_it_is_asked_for_once_shared_and_renewed_before_its_end(clean: LocalWorld) -> None:
    shelf, before = MemoryShelf("of no account"), datetime.now(UTC)
    first, asked = adict_hook(shelf).data_token()
    assert before <= first.until - timedelta(seconds=14399) + MARGIN <= datetime.now(UTC), "from before the request"
    assert asked
    assert adict_hook(shelf).data_token() == (first, False)
    assert (shelf.writes, token_requests(clean)) == (1, 1)
    shelf[VARIABLE] = replace(first, until=datetime.now(UTC)).dump()
    second, asked = adict_hook(shelf).data_token()
    assert asked
    assert second.value != first.value
