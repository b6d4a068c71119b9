"""Pressing *Test* with wrong values, by somebody who may not know the secret: nothing is given away, nobody stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.helpers import adict_hook
from tests.plugins.conftest import Heard, Reply, Server

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

Press = Callable[..., tuple[bool, str]]
Tried = Callable[..., tuple[bool, str]]
Serve = Callable[[Callable[[Heard], Reply]], Server]
ELSEWHERE = "https://elsewhere.example.org/token"


@pytest.mark.parametrize("conn_id", ["grdf_adict", "grdfgrandlyon_delete"])
@pytest.mark.parametrize("token_url", [ELSEWHERE, "https://grdf.fr.example.org/t", "https://notgrdf.fr/t"])
def test_the_secret_is_not_sent_elsewhere(press: Press, conn_id: str, token_url: str) -> None:
    """Airflow fills in the stored password as long as the host is the stored one."""
    good, message = press(conn_id, extra={"token_url": token_url})
    assert not good
    assert "a Test does not send the secret there" in message
    assert "./grdf doctor" in message


@pytest.mark.parametrize("own", ["localhost", "127.0.0.1", "x.grdf.fr"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_way_of_writing_an_address_leads_elsewhere(tried: Tried, serve: Serve, own: str, scheme: str) -> None:
    """What the check reads as the host's name must be what the client connects to."""
    other = serve(lambda _: Reply("{}"))
    good, message = tried(token_url=f"{scheme}://{urlsplit(other.url).netloc}\\@{own}/token")
    assert not other.heard
    assert not good
    assert "not an http(s) address" in message


def test_a_stored_password_of_anything_else_stays_here(press: Press) -> None:
    """The type of the form is not that of the stored connection, which is a mail server."""
    fields: dict[str, Any] = {"host": "smtp.example.org", "port": 587, "login": "mailer", "password": "invented-word"}
    good, message = press("grdfgrandlyon_delete", extra={"token_url": ELSEWHERE}, **fields)
    assert (good, "does not send the secret" in message) == (False, True)


@pytest.fixture
def tried(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Tried:
    """A function that presses *Test* in this process, whose quota is the tasks', with some fields changed."""
    from grdf.provider.hooks import GrdfAdict

    def tried(**extra: Any) -> tuple[bool, str]:
        usual = json.loads(clean.connections()["AIRFLOW_CONN_GRDF_ADICT"])
        usual["extra"] = {**usual["extra"], **extra}
        monkeypatch.setenv("AIRFLOW_CONN_BEING_TRIED", json.dumps(usual))
        return GrdfAdict("being_tried").test_connection()

    return tried


def test_a_server_that_asks_for_patience_stops_no_worker(tried: Tried, serve: Serve) -> None:
    """It may be any server: the address is what a person has typed."""
    other = serve(lambda _: Reply("{}", 429, {"Retry-After": "86400"}))
    assert not tried(token_url=f"{other.url}/token")[0]
    assert [heard.method for heard in other.heard if heard.method == "POST"], "it was asked"
    adict_hook().all_access_rights()


def test_a_mistyped_rate_stops_no_worker(tried: Tried) -> None:
    began = time.monotonic()
    assert tried(calls_per_second=0.0003)[0]
    adict_hook().all_access_rights()
    assert time.monotonic() - began < 60, "far less than the hour that such a rate would keep free"
