"""The shared data token: when it is used, when it is renewed, and that who waits to renew it looks again."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest

from grdf.hooks.adict import AdictHook
from grdf.hooks.connection import GrdfConnection
from grdf.hooks.oauth import VARIABLE, DataToken, Variables
from grdf.quota.governor import governor_for
from include.gas.errors import CredentialsRefused
from include.sandbox.local_world import LocalWorld
from tests.helpers import MemoryShelf, adict_hook

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
Grdf = Callable[..., str]


def facts(client: str = "us", scope: str = "/adict/v2") -> GrdfConnection:
    return GrdfConnection("grdf_x", client, "secret", scope=scope)


def token(lifetime: object = 14399, *, value: str = "secret-token-value", asked_at: datetime = NOW) -> DataToken:
    return DataToken.granted(value, facts(), asked_at, lifetime)


def serves(some: DataToken, after: float, **of: str) -> bool:
    return some.serves(facts(**of), NOW + timedelta(seconds=after))


def test_it_serves_until_the_work_ahead_no_longer_fits() -> None:
    assert serves(token(), 0)
    assert serves(token(), 14399 - 901)
    assert not serves(token(), 14399 - 900)
    assert not serves(token(), 20000)


def test_a_short_lived_token_serves_for_half_of_its_life() -> None:
    assert serves(token(60), 29)
    assert not serves(token(60), 30)


@pytest.mark.parametrize("odd", [None, "soon", 0, -5, "nan", 1e300, "inf"])
def test_without_a_usable_lifetime_it_is_soon_renewed(odd: object) -> None:
    assert serves(token(odd), 29)
    assert not serves(token(odd), 30)


def test_another_client_or_scope_needs_another_token() -> None:
    assert not serves(token(), 0, client="them")
    assert not serves(token(), 0, scope="/adict/v3")


def test_dump_and_load() -> None:
    assert DataToken.load(token().dump()) == token()
    assert "secret-token-value" not in repr(token())


def changed(**fields: Any) -> str:
    return json.dumps(json.loads(token(asked_at=datetime.now(UTC)).dump()) | fields)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "   ",
        "{",
        "null",
        "5",
        "[]",
        '"text"',
        "{}",
        changed(until="soon"),
        changed(until=5),
        changed(until="2099-01-01T00:00:00"),  # without an offset
        changed(value=None),
        changed(value=5),
        "[" * 100_000,
    ],
)
def test_a_variable_that_somebody_has_changed_counts_as_none(clean: LocalWorld, text: str | None) -> None:
    assert DataToken.load(text) is None
    shelf = MemoryShelf(text)
    got, asked = adict_hook(shelf).data_token()
    assert asked
    assert DataToken.load(shelf.text) == got


def test_the_variable_is_read_where_airflow_keeps_variables(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    text = token().dump()
    assert Variables().get(VARIABLE) is None
    monkeypatch.setenv(f"AIRFLOW_VAR_{VARIABLE.upper()}", text)
    assert Variables().get(VARIABLE) == text


def test_it_is_asked_for_once_and_then_shared(clean: LocalWorld) -> None:
    shelf = MemoryShelf()
    first, asked = adict_hook(shelf).data_token()
    assert asked
    assert adict_hook(shelf).data_token() == (first, False)
    assert shelf.writes == 1
    assert token_requests(clean) == 1


def test_it_is_renewed_before_its_end(clean: LocalWorld) -> None:
    shelf = MemoryShelf()
    first, _ = adict_hook(shelf).data_token()
    shelf[VARIABLE] = replace(first, until=datetime.now(UTC)).dump()
    second, asked = adict_hook(shelf).data_token()
    assert asked
    assert second.value != first.value


def test_a_refused_client_leaves_the_shelf_as_it_was(clean: LocalWorld) -> None:
    clean.control.fault("access_token", status=401, body={"error": "invalid_client"})
    shelf = MemoryShelf("as it was")
    with pytest.raises(CredentialsRefused):
        adict_hook(shelf).data_token()
    assert (shelf.text, shelf.writes) == ("as it was", 0)


def token_requests(world: LocalWorld) -> int:
    return sum(entry["path"].endswith("/access_token") for entry in world.control.log())


def test_who_waits_for_the_turn_takes_what_another_has_renewed_meanwhile(clean: LocalWorld, grdf: Grdf) -> None:
    """At GRDF's pace. Where it takes longer than a second to answer, the next one asks as well."""
    conn_id, shelf, start = grdf(extra={"calls_per_second": 1}), MemoryShelf(), Barrier(8)
    before = governor_for(AdictHook(conn_id).oauth.facts).left()

    def work(_: int) -> bool:
        hook = AdictHook(conn_id, shelf=shelf)
        start.wait()
        return hook.data_token()[1]

    with ThreadPoolExecutor(8) as pool:
        asked = sum(pool.map(work, range(8)))
    assert asked <= 3
    assert token_requests(clean) == shelf.writes == asked
    assert governor_for(AdictHook(conn_id).oauth.facts).left() == before - asked, "the others' calls are not counted"
