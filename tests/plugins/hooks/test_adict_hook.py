"""The ADICT hook: what it sends, the turn it waits for, and the error class for every answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.meters.meter_requests import book_calls
from grdf.quota.call_terms import Terms
from grdf.quota.governor import governor_for
from include.gas.days.windows import Window
from include.gas.errors import (
    CredentialsRefused,
    QuotaWait,
)
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, adict_hook, known_account
from tests.plugins.clockwork import call
from tests.plugins.conftest import Reply, Serve, Server

Adict = Callable[..., tuple[AdictHook, Server]]
pytestmark = pytest.mark.usefixtures("home")
PCE = "09999995000010"
WINDOW = Window(date(2026, 6, 1), date(2026, 6, 4))
TOKEN = {"access_token": "the-data-token", "scope": "/adict/v2", "expires_in": 14399}
IMPATIENT = Terms(longest_wait=0.2)


def seen(world: LocalWorld) -> list[tuple[str, int]]:
    return [(entry["path"].rpartition("/")[2], entry["status"]) for entry in world.control.log()]


DATA, ACCESS = "donnees_consos_informatives", "access_token"


def test_a_401_for_everybody_costs_three_calls_and_not_three_an_account(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    shelf = MemoryShelf()
    adict_hook(shelf).data_token()
    clean.control.clear_log()
    clean.control.fault("/pce/", status=401, times=None)
    with pytest.raises(CredentialsRefused, match=account_id) as refused:  # a person sees one red task
        adict_hook(shelf).daily_lines(pce, WINDOW, account=account_id)
    assert refused.value.state is None
    for _ in range(12):
        with pytest.raises(QuotaWait, match=r"refuses our client .*login and password .*grdf_adict"):
            adict_hook(shelf).daily_lines(pce, WINDOW, account=account_id, terms=IMPATIENT)
    assert seen(clean) == [(DATA, 401), (ACCESS, 200), (DATA, 401)]


def test_a_booking_does_not_name_the_account_and_frees_what_was_not_called(clean: LocalWorld) -> None:
    governor = governor_for(adict_hook().oauth.facts)
    before = governor.calls_left()
    with book_calls(adict_hook(), "of-durand:a run", 5, "daily") as one:
        call(governor, booking=one.booking)
        assert governor.calls_left() == before - 5
        assert "durand" not in repr(one)
    with book_calls(adict_hook(), "x", 1, "daily") as other:
        assert governor.calls_left() == before - 1
        assert one.booking
        assert other.booking
        assert one.booking.name != other.booking.name


@pytest.fixture
def adict(serve: Serve, connection: Callable[..., str]) -> Adict:
    def make(reply: Reply, **extra: Any) -> tuple[AdictHook, Server]:
        server = serve(lambda heard: Reply(TOKEN) if heard.path == "/token" else reply)
        conn_id = connection(
            "grdf_wire", login="our-client", password="our-secret", host=f"{server.url}/adict/v2",
            extra={"token_url": f"{server.url}/token", "calls_per_second": 1000, **extra},
        )  # fmt: skip
        return AdictHook(conn_id, token_store=MemoryShelf()), server

    return make


def test_neither_the_secret_nor_extra_fields_are_sent_for_data_or_logged(
    adict: Adict, caplog: pytest.LogCaptureFixture
) -> None:
    hook, server = adict(Reply(""), private_note="not for GRDF", scope="/adict/v2")
    with caplog.at_level(logging.DEBUG):
        hook.daily_lines(PCE, WINDOW, account="home-1")
    assert not [secret for secret in ("the-data-token", "our-secret") if secret in caplog.text]
    token, data = server.heard
    assert data.headers["Authorization"] == "Bearer the-data-token"
    usual = {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection", "Authorization"}
    assert set(data.headers) <= usual
    assert data.headers["Accept"] == "application/x-ndjson"
    assert "not for GRDF" not in json.dumps([heard.__dict__ | {"body": str(heard.body)} for heard in server.heard])
    assert "our-secret" not in json.dumps([token.path, token.headers, data.path, data.headers])
    assert token.form["client_secret"] == "our-secret"
    dates = "date_debut=2026-06-01&date_fin=2026-06-04"
    assert data.path == f"/adict/v2/pce/{PCE}/donnees_consos_informatives?{dates}"


@pytest.mark.parametrize("kind", ["application/x-ndjson", "text/html", "text/plain; charset=iso-8859-1"])
def test_an_answer_is_utf_8_whatever_its_header_says_and_odd_bytes_lose_nothing_else(adict: Adict, kind: str) -> None:
    sent = '{"statut_conso": "Définitive"}\n'.encode() + b'{"a": "\xe9"}\n{"b": 1}'
    hook, _ = adict(Reply(sent, headers={"Content-Type": kind}))
    body = hook.daily_lines(PCE, WINDOW, account="home-1").body
    assert "Définitive" in body
    assert '{"b": 1}' in body
