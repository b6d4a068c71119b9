"""Every call to GRDF ends, even if the response drips, unpacks to more than the limit, or is nested endlessly."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from grdf.hooks.revocation import RevocationHook
from include.gas.days.windows import Window
from include.gas.documents.doctypes import ACCOUNT
from include.gas.errors import RetryLater, ServiceUnavailable
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf
from tests.plugins.conftest import Heard, Reply, Server
from tests.plugins.drip import Drip

Grdf = Callable[..., str]
Serve = Callable[[Callable[[Heard], Reply]], Server]
PCE = "09999999900001"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
WEEK = Window(date(2026, 1, 1), date(2026, 1, 8))


@pytest.fixture
def call(clean: LocalWorld, grdf: Grdf, connection: Callable[..., str]) -> Callable[[str, str], object]:
    """A function that makes one kind of call to an address, while all others go to the sandbox."""

    def make(kind: str, url: str) -> object:
        if kind == "token":
            return GrdfOAuthHook(grdf(extra={"token_url": f"{url}/token"})).ask_data_token()
        if kind == "keys":
            extra = {"id_token_algorithms": ["RS256"], "jwks_url": f"{url}/keys"}
            return GrdfOAuthHook(grdf(extra=extra)).claims_of("a.b.c", account="home-1")
        if kind == "revocation":
            facts = clean.facts
            connection(
                "grdfgrandlyon_delete",
                host=url, login=facts["delete_client_id"], password=facts["delete_client_secret"],
                extra={name: facts[name] for name in ("token_url", "authorize_url")} | {"scope": "/adict/v2"},
            )  # fmt: skip
            return RevocationHook().revoke("r", account="home-1")
        hook = AdictHook(grdf(host=url, extra={"scope": "/adict/v2"}), shelf=MemoryShelf())
        return hook.daily_lines(PCE, WEEK, account="home-1")

    return make


Call = Callable[[str, str], object]
KINDS = ("data", "token", "keys", "revocation")


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_drips_ends_in_time_and_is_tried_again_later(
    call: Call, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    for module in ("grdf.hooks.oauth", "grdf.hooks.http_calls"):
        monkeypatch.setattr(f"{module}.SECONDS", 1.0)
    with Drip(HEAD, b" ", every=0.05) as server:
        began = time.monotonic()
        with pytest.raises(RetryLater, match=r"its answer did not arrive in full within 1 s\)\..*again") as caught:
            call(kind, server.url)
        assert time.monotonic() - began < 4
        assert server.requests == 1
    assert caught.value.account == (None if kind == "token" else "home-1")


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_whose_answer_is_far_larger_than_it_looks(
    call: Call, serve: Serve, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("grdf.hooks.http_calls.LARGEST", 2_000_000)
    bomb = gzip.compress(b" " * 3_000_000)
    server = serve(lambda _: Reply(bomb, headers={"Content-Encoding": "gzip"}))
    most = "1 MB" if kind in ("token", "keys") else "2 MB"
    with pytest.raises(ServiceUnavailable, match=rf"its answer is larger than {most}\)"):
        call(kind, server.url)
    assert len(server.heard) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", ['{"a":', "[", '{"liste_x":['])
def test_a_call_whose_answer_nests_without_end(call: Call, serve: Serve, kind: str, unit: str) -> None:
    server = serve(lambda _: Reply(unit * 60_000))
    with suppress(ServiceUnavailable):  # the result does not matter here; the call must only return
        call(kind, server.url)
    assert len(server.heard) == 1


@pytest.mark.parametrize("whole", [True, False])
def test_a_couchdb_that_drips_or_floods_ends_too(
    connection: Callable[..., str], serve: Serve, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    with Drip(HEAD, b" ", every=0.05) as drip:
        monkeypatch.setattr("grdf.hooks.couch_server.LARGEST", 1_000_000)
        flood = serve(lambda _: Reply(" " * 1_000_001))
        connection("couchdb", host=flood.url if whole else drip.url, login="a", password="b")
        said = r"its answer is larger than 1 MB" if whole else r"its answer did not arrive in full within 1 s"
        with pytest.raises(
            ServiceUnavailable, match=rf"did not return a complete answer \({said}\)\..*connection couchdb"
        ):
            CouchDBHook(timeout=(1, 0.5)).get(ACCOUNT, "home-1")
