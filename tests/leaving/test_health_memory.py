"""What the check of health remembers of an account goes with the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from grdf.health import known_accounts
from grdf.stores import shared_list
from tests.leaving.household import household
from tests.leaving.steps import delete

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Airflow's Variables, which a test process cannot write."""
    kept: dict[str, str] = {}

    def keep(name: str, value: str, **_: Any) -> None:
        kept[name] = value

    monkeypatch.setattr("airflow.sdk.Variable.get", lambda name, default=None: kept.get(name, default))
    monkeypatch.setattr("airflow.sdk.Variable.set", keep)
    monkeypatch.setattr("airflow.sdk.Variable.keys", lambda prefix: [name for name in kept if name.startswith(prefix)])
    return kept


def lost(couchdb: CouchDBHook, present: set[str]) -> tuple[Mapping[str, str], int]:
    return known_accounts.lost(couchdb, known_accounts.seen_before(couchdb), present)


def remembered() -> set[str]:
    found = shared_list.read_surely(known_accounts.VARIABLE)
    return set(found[0]["ids"]) if found else set()


def test_a_deleted_account_is_forgotten_and_not_missed(
    clean: LocalWorld, account_id: str, variables: dict[str, str]
) -> None:
    from grdf.hooks.couchdb import CouchDBHook

    household(clean, account_id)
    couchdb = CouchDBHook()
    assert lost(couchdb, {account_id, "neighbour"}) == ({}, 0)
    assert remembered() == {account_id, "neighbour"}
    delete(account_id)
    assert remembered() == {"neighbour"}
    assert lost(couchdb, {"neighbour"}) == ({}, 1)
