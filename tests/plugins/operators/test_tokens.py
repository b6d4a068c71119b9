"""The first two steps, executed directly: from the household's grant to its meters, and to a data token."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from grdf.airflow.retries import GasRetryPolicy
from grdf.operators.rescope_token import RescopeTokenOperator
from include.gas.errors import CredentialsRefused, IdTokenRefused, ServiceUnavailable
from include.sandbox.connect import consent, cozy_account
from include.sandbox.local_world import LocalWorld
from tests.helpers import (
    MemoryShelf,
    connect_code,
    connect_cozy,
    context,
    holder,
    known_account,
    lose,
    with_memory_shelf,
)
from tests.leaving.runs import check
from tests.plugins.steps import acquire, document


def edit(world: LocalWorld, account_id: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Change an account's document, and return it."""
    stored = document(world, account_id)
    change(stored)
    world.book.save(stored)
    return document(world, account_id)


def test_a_token_with_another_nonce_leaves_the_account_as_it_was(clean: LocalWorld, account_id: str) -> None:
    connect_cozy(clean, account_id)
    before = edit(clean, account_id, lambda stored: stored["oauth"].update(nonce="the one we sent"))
    with pytest.raises(IdTokenRefused, match=account_id):
        acquire(account_id)
    assert document(clean, account_id) == before, "revision and all"


@pytest.mark.parametrize("as_cozy", [True, False])
def test_a_meter_that_a_new_consent_does_not_name_stays(clean: LocalWorld, account_id: str, as_cozy: bool) -> None:
    first, second = known_account(clean, account_id, 2)
    grant = consent(clean.facts, holder(account_id))  # only of the first meter

    def connect_again(stored: dict[str, Any]) -> None:
        stored.update(state="USER_ACTION_NEEDED.OAUTH_OUTDATED", state_partial=True, oauth=dict(grant))
        if as_cozy:
            fresh = cozy_account(account_id, grant, clean.facts)
            stored["oauth"] = fresh["oauth"]
            stored["oauth_callback_results"] |= fresh["oauth_callback_results"]

    known = edit(clean, account_id, connect_again)["oauth_callback_results"]["consents"]
    before = {each["pce"]: each for each in known}
    assert acquire(account_id) == {"account": account_id, "meters": 2, "first_launch": True}
    renewed, kept = document(clean, account_id)["oauth_callback_results"]["consents"]
    assert (renewed["pce"], kept) == (first, before[second])
    assert renewed["id_accreditation"] != before[first]["id_accreditation"]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [({"status": 401, "body": {"error": "invalid_client"}}, CredentialsRefused), ({"status": 503}, ServiceUnavailable)],
)
def test_what_is_no_fault_of_the_household_s_leaves_the_code_for_the_next_try(
    clean: LocalWorld, account_id: str, fault: dict[str, Any], kind: type[Exception]
) -> None:
    connect_code(clean, account_id)
    before = document(clean, account_id)
    clean.control.fault("access_token", **fault)
    with pytest.raises(kind) as caught:
        acquire(account_id)
    assert document(clean, account_id) == before
    if kind is ServiceUnavailable:
        delay = GasRetryPolicy().evaluate(caught.value, 1, 3).retry_delay
        assert delay == timedelta(seconds=30), "a code lives for minutes"
        assert acquire(account_id, try_number=2)["first_launch"]


# -- cozy-stack has connected an account again without a request -------------------------------------------------------


@pytest.mark.parametrize("what", ["expired", "forged", "expired, and asked to act"])
def test_a_new_id_token_that_cannot_be_used(clean: LocalWorld, account_id: str, what: str) -> None:
    (pce,) = connect_cozy(clean, account_id)
    acquire(account_id)
    consents = document(clean, account_id)["oauth_callback_results"]["consents"]
    if "asked to act" in what:
        lose(clean, pce)
        check()
    fresh = cozy_account(account_id, consent(clean.facts, holder(account_id)), clean.facts)
    token = fresh["oauth_callback_results"]["id_token"]
    if what == "forged":
        token = f"{token.rpartition('.')[0]}.AAAA"
    else:  # as on the next morning
        claims = jwt.decode(token, options={"verify_signature": False})
        old = {name: int(claims[name] - timedelta(hours=14).total_seconds()) for name in ("iat", "exp")}
        token = jwt.encode(claims | old, clean.facts["client_secret"])

    def renew(stored: dict[str, Any]) -> None:
        stored["oauth"] = fresh["oauth"]
        stored["oauth_callback_results"] |= fresh["oauth_callback_results"] | {"id_token": token}

    before = edit(clean, account_id, renew)
    if "asked to act" in what:
        lose(clean, pce)
        with pytest.raises(IdTokenRefused, match="expired"):
            acquire(account_id)
        return
    assert acquire(account_id)["meters"] == 1, "its meters are read on"
    after = document(clean, account_id)
    if what == "forged":
        assert after == before
    else:
        assert token not in json.dumps(after)
        assert after["oauth_callback_results"]["consents"] == consents
        assert not after.get("state")


# -- rescope -----------------------------------------------------------------------------------------------------------


def rescope(account_id: str, shelf: MemoryShelf) -> dict[str, Any]:
    task = with_memory_shelf(RescopeTokenOperator(task_id="rescope_token", account_id=account_id), shelf)
    return dict(task.execute(context()))


def test_one_token_serves_all_accounts(clean: LocalWorld, account_id: str) -> None:
    shelf = MemoryShelf()
    results = [rescope(f"{account_id}{other}", shelf) for other in ("", "-other", "-third")]
    assert [result["asked"] for result in results] == [True, False, False]
    assert sum(entry["path"].endswith("/access_token") for entry in clean.control.log()) == 1
    assert json.loads(shelf.text or "{}")["value"] not in json.dumps(results)
    time_left = datetime.fromisoformat(results[0]["until"]) - datetime.now(UTC)
    assert timedelta(hours=3, minutes=44) < time_left <= timedelta(hours=4)
