"""cozy-stack has connected an account again without a request: the consent is taken, and no token stays."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from grdf.operators.acquire_token import AcquireTokenOperator
from include.gas.errors import IdTokenRefused
from include.sandbox.connect import consent, cozy_account
from tests.helpers import connect_cozy, context, holder, lose, with_memory_shelf
from tests.leaving.runs import check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def acquire(account_id: str) -> dict[str, Any]:
    task = with_memory_shelf(AcquireTokenOperator(task_id="acquire_token", account_id=account_id))
    return dict(task.execute(context()))


def renew(world: LocalWorld, account_id: str) -> dict[str, Any]:
    """Connect again, and store the result on the account as cozy-stack does. Return the document."""
    fresh = cozy_account(account_id, consent(world.facts, holder(account_id)), world.facts)
    known = world.book.get(account_id) or {}
    results = known["oauth_callback_results"] | fresh["oauth_callback_results"]
    world.book.save(known | {"oauth": fresh["oauth"], "oauth_callback_results": results})
    return world.book.get(account_id) or {}


def age(world: LocalWorld, document: dict[str, Any]) -> str:
    """Make an account's ``id_token`` fourteen hours old, as on the next morning, and return it."""
    results = document["oauth_callback_results"]
    claims = jwt.decode(results["id_token"], options={"verify_signature": False})
    older = {name: int(claims[name] - timedelta(hours=14).total_seconds()) for name in ("iat", "exp")}
    results["id_token"] = jwt.encode(claims | older, world.facts["client_secret"])
    world.book.save(document)
    return str(results["id_token"])


def test_one_that_has_expired_goes_and_its_meters_are_read_on(clean: LocalWorld, account_id: str) -> None:
    connect_cozy(clean, account_id)
    acquire(account_id)
    before = clean.book.get(account_id) or {}
    token = age(clean, renew(clean, account_id))
    assert acquire(account_id)["meters"] == 1
    document = clean.book.get(account_id) or {}
    assert token not in json.dumps(document)
    assert document["oauth_callback_results"]["consents"] == before["oauth_callback_results"]["consents"]
    assert not document.get("state")


def test_a_forged_one_stops_nothing(clean: LocalWorld, account_id: str) -> None:
    connect_cozy(clean, account_id)
    acquire(account_id)
    forged = renew(clean, account_id)
    head, body, _ = forged["oauth_callback_results"]["id_token"].split(".")
    forged["oauth_callback_results"]["id_token"] = f"{head}.{body}.AAAA"
    clean.book.save(forged)
    left = clean.book.get(account_id)
    assert acquire(account_id)["meters"] == 1
    assert clean.book.get(account_id) == left, "as it was"


def test_a_household_that_was_asked_to_act_hears_that_it_failed(clean: LocalWorld, account_id: str) -> None:
    (pce,) = connect_cozy(clean, account_id)
    acquire(account_id)
    lose(clean, pce)
    check()
    age(clean, renew(clean, account_id))
    lose(clean, pce)
    assert (clean.book.get(account_id) or {})["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    with pytest.raises(IdTokenRefused, match="expired"):
        acquire(account_id)
