"""Pressing *Test* with wrong values stops nobody, and takes no more than its part of the day's calls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from grdf.quota.allowance import ANYBODY, TRIALS
from grdf.quota.shared_quota import governor_for
from grdf.quota.terms import Terms
from tests.helpers import adict_hook
from tests.plugins.conftest import Heard, Reply, Server

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

Tried = Callable[..., tuple[bool, str]]
Serve = Callable[[Callable[[Heard], Reply]], Server]


@pytest.mark.parametrize("own", ["localhost", "127.0.0.1", "x.grdf.fr"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_way_of_writing_an_address_leads_elsewhere(tried: Tried, serve: Serve, own: str, scheme: str) -> None:
    """What the check reads as the host's name must be what the client connects to."""
    other = serve(lambda _: Reply("{}"))
    good, message = tried(token_url=f"{scheme}://{urlsplit(other.url).netloc}\\@{own}/token")
    assert not other.heard
    assert not good
    assert "not an http(s) address" in message


@pytest.fixture
def tried(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> Tried:
    """A function that presses *Test* in this process, whose quota is the tasks', with some fields changed."""
    from grdf.provider.hooks import GrdfAdict

    def tried(host: str | None = None, password: str | None = None, **extra: Any) -> tuple[bool, str]:
        usual = json.loads(clean.connections()["AIRFLOW_CONN_GRDF_ADICT"])
        usual |= {"host": host or usual["host"], "password": password or usual["password"]}
        usual["extra"] = {"scope": "/adict/v2", **usual["extra"], **extra}
        monkeypatch.setenv("AIRFLOW_CONN_BEING_TRIED", json.dumps(usual))
        return GrdfAdict("being_tried").test_connection()

    return tried


def test_a_server_that_asks_for_patience_stops_no_worker(tried: Tried, serve: Serve) -> None:
    """It may be any server: the address is what a person has typed."""
    other = serve(lambda _: Reply("{}", 429, {"Retry-After": "86400"}))
    assert not tried(token_url=f"{other.url}/token")[0]
    assert [heard.method for heard in other.heard if heard.method == "POST"], "it was asked"
    adict_hook().all_access_rights()


def calls_left() -> int:
    return governor_for(adict_hook().oauth.facts).left()


def test_a_trial_at_grdf_is_counted_and_a_higher_rate_is_not_believed(tried: Tried) -> None:
    before, began = calls_left(), time.monotonic()
    for _ in range(2):
        assert tried(calls_per_second=1_000_000, calls_per_day=10**9)[0]
    assert calls_left() == before - 4
    assert time.monotonic() - began > 3, "four calls, a second apart"


def test_trials_take_a_part_of_the_day_alone(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    governor = governor_for(adict_hook().oauth.facts)
    for _ in range(TRIALS):
        terms = Terms("trial", longest_wait=1e6)
        monkeypatch.setattr(governor, "sleep", lambda _: None)
        governor.ask(terms, None, 1e6, None, ANYBODY)
    good, message = tried(calls_per_day=10**9)
    assert not good
    assert "the 100 calls a day of Test buttons and ./grdf doctor are used up" in message
    assert "Accounts are read as usual" in message
    assert calls_left() > 0


def test_a_mistyped_rate_stops_no_worker(tried: Tried) -> None:
    began = time.monotonic()
    assert tried(calls_per_second=0.0003)[0]
    adict_hook().all_access_rights()
    assert time.monotonic() - began < 60, "far less than the hour that such a rate would keep free"
