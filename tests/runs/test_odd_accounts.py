"""Invalid account documents are reported, left unchanged, and do not affect other accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.helpers import known_account
from tests.runs.shelves import data_revisions

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

PCE = "09999995900001"
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "oauth a list": ({"oauth": ["x"]}, "its oauth is not an object"),
    "pce_id a number": ({"oauth_callback_results": {"pce_id": 9999995900001}}, "its pce_id is not a string"),
    "consents a text": ({"oauth_callback_results": {"consents": PCE}}, "list of consents is not a list"),
}
"""Documents, and what is wrong with them. All that may be: tests/gas/account."""


@pytest.mark.parametrize("name", ODD)
def test_odd_document(world: LocalWorld, airflow: Worker, account_id: str, name: str) -> None:
    parts, cause = ODD[name]
    world.book.save({"_id": account_id, "account_type": "grdfgrandlyon", **parts})
    before = world.book.get(account_id)
    run = airflow.run(account_id)
    assert run.state == "failed"
    assert run.tasks["acquire_token"] == "failed"
    assert run.calls == []
    assert re.search(
        f"BadAccount: Account {account_id}: .*{cause}.*Correct or remove the account's document", run.output
    )
    assert world.book.get(account_id) == before
    assert data_revisions(world, account_id) == {}


@pytest.mark.parametrize("parts", [{}, {"oauth": {}, "oauth_callback_results": {}}, {"oauth": None}])
def test_account_without_any_grant(world: LocalWorld, airflow: Worker, account_id: str, parts: dict[str, Any]) -> None:
    world.book.save({"_id": account_id, "account_type": "grdfgrandlyon", **parts})

    run = airflow.run(account_id)

    assert run.tasks["acquire_token"] == "failed"
    assert re.search(f"GrantRefused: Account {account_id}: no meter is known.*must connect again", run.output)
    assert (world.book.get(account_id) or {})["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"


@pytest.mark.parametrize("kind", ["enedissgegrandlyon", "grdfgrandlyon.delete", None, 7])
def test_account_of_another_type_has_no_dag_and_is_left_alone(
    world: LocalWorld, airflow: Worker, steps: Worker, account_id: str, kind: Any
) -> None:
    world.book.save({"_id": account_id, "account_type": kind, "oauth_callback_results": {"pce_id": PCE}})
    before = world.book.get(account_id)

    assert airflow.run(account_id).state is None
    for step in ("acquire", "extract"):
        answer, run = steps.step(step, account_id, world.control.today())
        assert answer["error"].startswith(f"BadAccount: Account {account_id}: its account_type is not grdfgrandlyon")
        assert run.calls == []
    assert world.book.get(account_id) == before


def test_account_that_is_gone(world: LocalWorld, steps: Worker, account_id: str) -> None:
    known_account(world, "60201-60201")  # so that there is a database of accounts
    for step, more in (("acquire", {}), ("extract", {}), ("load", {"staged": {}})):
        answer, run = steps.step(step, account_id, world.control.today(), **more)
        assert re.match(f"BadAccount: Account {account_id}: there is no such account in CouchDB.*", answer["error"])
        assert run.calls == []


def test_id_that_cannot_be_a_dag_harms_nobody(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    known_account(world, account_id)
    name = "it's a bad id!"
    url = f"{world.couch.url}/io-cozy-accounts/{requests.utils.quote(name, safe='')}"
    auth = (world.couch.user, world.couch.password)
    made = requests.put(url, json={"account_type": "grdfgrandlyon"}, auth=auth, timeout=30)
    made.raise_for_status()
    try:
        assert airflow.run(account_id).state == "success"
    finally:
        requests.delete(url, params={"rev": made.json()["rev"]}, auth=auth, timeout=30).raise_for_status()
