"""The ADICT hook: what it sends, how it handles a refused token, and the error class for every answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from grdf.airflow.retries import GasRetryPolicy
from grdf.hooks.adict import AdictHook
from grdf.quota.governor import Turn
from include.gas.days.windows import Window
from include.gas.errors import (
    BadRequest,
    BadSettings,
    ConsentLost,
    CredentialsRefused,
    QuotaExceeded,
    ServiceUnavailable,
)
from include.gas.meter_tag import meter_tag
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, adict_hook, known_account
from tests.plugins.conftest import Heard, Reply, Server

Serve = Callable[[Callable[[Heard], Reply]], Server]
WINDOW = Window(date(2026, 6, 1), date(2026, 6, 4))
TOKEN = {"access_token": "the-data-token", "scope": "/adict/v2", "expires_in": 14399}


def data_calls(world: LocalWorld) -> list[dict[str, Any]]:
    return [entry for entry in world.control.log() if "donnees_consos" in entry["path"]]


def token_calls(world: LocalWorld) -> int:
    return sum(entry["path"].endswith("/access_token") for entry in world.control.log())


def test_one_call_for_a_whole_window(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    end = clean.control.today()
    window = Window(end - timedelta(days=900), end)
    answer = adict_hook().daily_lines(pce, window, account=account_id)
    assert answer.window == window
    assert answer.body.count("journee_gaziere") > 800
    (call,) = data_calls(clean)
    assert call["query"] == {"date_debut": str(window.first), "date_fin": str(window.end)}
    assert call["grant"] == "client_credentials"


def test_a_refused_token_is_renewed_once(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    shelf = MemoryShelf()
    hook = adict_hook(shelf)
    hook.daily_lines(pce, WINDOW, account=account_id)
    first = shelf.text
    clean.control.drop_tokens()
    hook.daily_lines(pce, WINDOW, account=account_id)
    assert [call["status"] for call in data_calls(clean)] == [200, 401, 200]
    assert token_calls(clean) == 2
    assert shelf.text != first, "the new token is there for the others"


def test_a_second_refusal_counts(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.fault("donnees_consos", status=401, times=None)
    with pytest.raises(CredentialsRefused, match=account_id) as caught:
        adict_hook().daily_lines(pce, WINDOW, account=account_id)
    assert caught.value.state is None
    assert len(data_calls(clean)) == 2
    assert token_calls(clean) == 2


def test_a_token_that_another_worker_renewed_is_taken(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    shelf = MemoryShelf()
    one, other = adict_hook(shelf), adict_hook(shelf)
    for hook in (one, other):
        hook.daily_lines(pce, WINDOW, account=account_id)
    clean.control.drop_tokens()
    for hook in (one, other):
        hook.daily_lines(pce, WINDOW, account=account_id)
    assert token_calls(clean) == 2, "one at first and one after the refusal, for both"


def test_the_quota_says_when_to_come_back(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.set(calls_per_day=1, retry_after=41)
    hook = adict_hook()
    hook.daily_lines(pce, WINDOW, account=account_id)
    with pytest.raises(QuotaExceeded, match=account_id) as caught:
        hook.daily_lines(pce, WINDOW, account=account_id)
    assert caught.value.retry_after == 41
    decision = GasRetryPolicy().evaluate(caught.value, 1, 3)
    assert (decision.action.value, decision.retry_delay) == ("retry", timedelta(seconds=41))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, "<html>outage</html>", ServiceUnavailable),
        (504, "", ServiceUnavailable),
        (429, "", QuotaExceeded),
        (403, "", ConsentLost),
        (404, "", BadRequest),
        (301, "", BadSettings),
        (
            400,
            {"statut_restitution": {"code": "1000099", "message": "La date de fin est incorrecte"}},
            BadRequest,
        ),
    ],
)
def test_each_status_has_its_place_in_the_tree(
    clean: LocalWorld, account_id: str, status: int, body: object, kind: type
) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.fault("donnees_consos", status=status, body=body)
    with pytest.raises(kind, match=account_id) as caught:
        adict_hook().daily_lines(pce, WINDOW, account=account_id)
    assert meter_tag(account_id, pce) in str(caught.value)
    assert pce not in str(caught.value)
    assert "Account" in str(caught.value)


def test_an_answer_cut_in_the_middle(clean: LocalWorld, account_id: str) -> None:
    (pce,) = known_account(clean, account_id)
    clean.control.fault("donnees_consos", cut=True)
    with pytest.raises(ServiceUnavailable, match=account_id):
        adict_hook().daily_lines(pce, WINDOW, account=account_id)


def test_access_rights_in_one_call(clean: LocalWorld, account_id: str) -> None:
    pces = known_account(clean, account_id, meters=3)
    rights = adict_hook().listed_rights(pces, account=account_id).rights
    assert {right.pce for right in rights} == set(pces)
    assert sum("droits_acces" in entry["path"] for entry in clean.control.log()) == 1


# -- what goes over the wire -------------------------------------------------------------------------------------------


@pytest.fixture
def adict(serve: Serve, connection: Callable[..., str]) -> Callable[..., tuple[AdictHook, Server]]:
    """A function that returns a hook, and a server that sends the given answer of ADICT and also issues the token."""

    def make(reply: Reply, **extra: Any) -> tuple[AdictHook, Server]:
        server = serve(lambda heard: Reply(TOKEN) if heard.path == "/token" else reply)
        conn_id = connection(
            "grdf_wire",
            conn_type="http",
            login="our-client",
            password="our-secret",
            host=f"{server.url}/adict/v2",
            extra={"token_url": f"{server.url}/token", "calls_per_second": 1000, **extra},
        )
        return AdictHook(conn_id, shelf=MemoryShelf()), server

    return make


def test_neither_the_secret_nor_extra_fields_are_sent_for_data(adict: Callable[..., tuple[AdictHook, Server]]) -> None:
    hook, server = adict(Reply(""), private_note="not for GRDF", scope="/adict/v2")
    hook.daily_lines("09999995000010", WINDOW, account="home-1")
    token, data = server.heard
    assert data.headers["Authorization"] == "Bearer the-data-token"
    usual = {"Host", "User-Agent", "Accept-Encoding", "Accept", "Connection", "Authorization"}
    assert set(data.headers) <= usual
    assert data.headers["Accept"] == "application/x-ndjson"
    everything = json.dumps([heard.__dict__ | {"body": str(heard.body)} for heard in server.heard])
    assert "not for GRDF" not in everything
    assert "our-secret" not in json.dumps([data.path, data.headers])
    assert token.form["client_secret"] == "our-secret"
    assert (
        data.path
        == "/adict/v2/pce/09999995000010/donnees_consos_informatives?date_debut=2026-06-01&date_fin=2026-06-04"
    )


def test_redirects_are_not_followed(serve: Serve, adict: Callable[..., tuple[AdictHook, Server]]) -> None:
    trap = serve(lambda _: Reply(""))
    hook, _ = adict(Reply(status=302, headers={"Location": f"{trap.url}/adict/v2"}))
    with pytest.raises(BadSettings, match="host"):
        hook.daily_lines("09999995000010", WINDOW, account="home-1")
    assert trap.heard == [], "a redirect would carry the token to another address"


def test_an_answer_is_utf_8_whatever_its_header_says(adict: Callable[..., tuple[AdictHook, Server]]) -> None:
    body = '{"statut_conso": "Définitive", "pce": "é"}\n'.encode()
    for kind in ("application/x-ndjson", "text/html", "text/plain; charset=iso-8859-1"):
        hook, _ = adict(Reply(body, headers={"Content-Type": kind}))
        assert "Définitive" in hook.daily_lines("09999995000010", WINDOW, account="home-1").body


def test_bytes_that_are_no_utf_8_lose_nothing_else(adict: Callable[..., tuple[AdictHook, Server]]) -> None:
    hook, _ = adict(Reply(b'{"a": "\xe9"}\n{"b": 1}'))
    assert '{"b": 1}' in hook.daily_lines("09999995000010", WINDOW, account="home-1").body


def test_a_server_that_does_not_answer_in_time(
    adict: Callable[..., tuple[AdictHook, Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grdf.hooks.http_calls.TIMEOUT", (0.2, 0.2))
    hook, _ = adict(Reply(delay=1))
    with pytest.raises(ServiceUnavailable, match=r"home-1.*Timeout"):
        hook.daily_lines("09999995000010", WINDOW, account="home-1")


def test_every_request_has_a_time_limit(
    adict: Callable[..., tuple[AdictHook, Server]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    send = requests.Session.send

    def spy(self: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        seen.append(more.get("timeout"))
        return send(self, request, **more)

    monkeypatch.setattr(requests.Session, "send", spy)
    hook, server = adict(Reply(""))
    hook.daily_lines("09999995000010", WINDOW, account="home-1")
    hook.listed_rights(["09999995000010"], account="home-1")
    assert len(seen) == len(server.heard) == 3
    assert all(isinstance(limit, tuple) and all(limit) for limit in seen)


def test_no_secret_is_logged(adict: Callable[..., tuple[AdictHook, Server]], caplog: pytest.LogCaptureFixture) -> None:
    hook, _ = adict(Reply(""))
    with caplog.at_level(logging.DEBUG):
        hook.daily_lines("09999995000010", WINDOW, account="home-1")
    assert "the-data-token" not in caplog.text
    assert "our-secret" not in caplog.text


def test_the_turn_is_taken_when_all_but_the_sending_is_done(
    serve: Serve, grdf: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work between the turn and sending would bring calls closer together at GRDF, with a 429 on a busy machine."""
    order: list[str] = []
    prepare, take = requests.Session.prepare_request, Turn.take

    def answer(heard: Heard) -> Reply:
        order.append("sent")
        return Reply({**TOKEN} if "token" in heard.path else "")

    def preparing(session: requests.Session, request: requests.Request) -> requests.PreparedRequest:
        order.append("prepared")
        return prepare(session, request)

    def taking(turn: Turn) -> None:
        take(turn)
        order.append("turn")

    server = serve(answer)
    monkeypatch.setattr(requests.Session, "prepare_request", preparing)
    monkeypatch.setattr(Turn, "take", taking)
    hook = AdictHook(grdf(host=server.url), shelf=MemoryShelf())
    before = datetime.now(UTC)
    answer = hook.daily_lines("09999990000042", WINDOW, account="home")
    assert order[-3:] == ["prepared", "turn", "sent"], "after the token's call, which goes to the sandbox"
    assert datetime.fromisoformat(answer.read_at) > before
