"""The first two steps, executed directly: from the household's grant to its meters, and to a data token."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from grdf.airflow.retries import GasRetryPolicy
from grdf.hooks.adict import AdictHook
from grdf.operators.acquire_token import AcquireTokenOperator
from grdf.operators.rescope_token import RescopeTokenOperator
from include.gas.errors import (
    CredentialsRefused,
    FailNow,
    GrantRefused,
    IdTokenRefused,
    ServiceUnavailable,
)
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
from tests.plugins.steps import acquire

SECRETS = ("token", "nonce", "secret", "expires")


def document(world: LocalWorld, account_id: str) -> dict[str, Any]:
    return world.book.get(account_id) or {}


def edit(world: LocalWorld, account_id: str, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Change an account's document, and return it."""
    stored = document(world, account_id)
    change(stored)
    world.book.save(stored)
    return document(world, account_id)


def next_try(error: BaseException) -> timedelta | None:
    return GasRetryPolicy().evaluate(error, 1, 3).retry_delay


def token_calls(world: LocalWorld) -> int:
    return sum(entry["path"].endswith("/access_token") for entry in world.control.log())


@pytest.mark.parametrize(("connect", "calls"), [(connect_cozy, 0), (connect_code, 1)])
@pytest.mark.parametrize("meters", [1, 3])
def test_the_first_launch(
    clean: LocalWorld, account_id: str, connect: Callable[..., tuple[str, ...]], calls: int, meters: int
) -> None:
    pces = connect(clean, account_id, meters)
    clean.control.clear_log()
    assert acquire(account_id) == {"account": account_id, "meters": meters, "first_launch": True}
    assert sum(entry["grant"] == "authorization_code" for entry in clean.control.log()) == calls
    stored = document(clean, account_id)
    results = stored["oauth_callback_results"]
    assert results["pce_id"] == pces[0]
    rights = {right["id_pce"]: right["id_droit_acces"] for right in clean.control.consents()}
    assert [entry["pce"] for entry in results["consents"]] == list(pces)
    assert all(entry["id_accreditation"] == rights[entry["pce"]] for entry in results["consents"])
    assert not any(word in key for key in [*stored["oauth"], *results] for word in SECRETS)
    assert "code" not in stored["oauth"]
    assert "eyJ" not in json.dumps(stored)


def test_later_launches_do_nothing(clean: LocalWorld, account_id: str) -> None:
    connect_cozy(clean, account_id, 2)
    acquire(account_id)
    before = document(clean, account_id)
    clean.control.clear_log()
    assert acquire(account_id) == {"account": account_id, "meters": 2, "first_launch": False}
    assert document(clean, account_id) == before
    assert clean.control.log() == []


def test_an_account_that_the_konnector_left(clean: LocalWorld, account_id: str) -> None:
    """It names its meter and no right, and has kept the token, which shows the right."""
    (pce,) = connect_cozy(clean, account_id)
    edit(clean, account_id, lambda stored: stored["oauth_callback_results"].update(pce_id=pce))
    assert acquire(account_id) == {"account": account_id, "meters": 1, "first_launch": False}
    (right,) = (each for each in clean.control.consents() if each["id_pce"] == pce)
    results = document(clean, account_id)["oauth_callback_results"]
    assert results["consents"] == [{"pce": pce, "id_accreditation": right["id_droit_acces"]}]
    assert document(clean, account_id)["status"]["meters"][pce]["word"] == "active"


def claims(world: LocalWorld, account_id: str) -> dict[str, Any]:
    token = document(world, account_id)["oauth_callback_results"]["id_token"]
    return dict(jwt.decode(token, options={"verify_signature": False}))


FORGERIES: dict[str, Callable[[dict[str, Any], str], str]] = {
    "another key": lambda told, _: jwt.encode(told, "k" * 32, algorithm="HS256"),
    "another audience": lambda told, secret: jwt.encode(told | {"aud": "somebody"}, secret),
    "a broken list": lambda told, secret: jwt.encode(told | {"consentements": '[{"pce": "1"}]'}, secret),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_id_token_leaves_the_account_as_it_was(clean: LocalWorld, account_id: str, name: str) -> None:
    connect_cozy(clean, account_id)
    forged = FORGERIES[name](claims(clean, account_id), clean.facts["client_secret"])
    before = edit(clean, account_id, lambda stored: stored["oauth_callback_results"].update(id_token=forged))
    with pytest.raises(IdTokenRefused, match=account_id) as caught:
        acquire(account_id)
    assert json.dumps(document(clean, account_id)) == json.dumps(before), "byte for byte, revision and all"
    assert forged.split(".")[1] not in str(caught.value)
    assert len(str(caught.value).split(". ")) >= 2, "a cause and a next step"


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

    before = {
        each["pce"]: each for each in edit(clean, account_id, connect_again)["oauth_callback_results"]["consents"]
    }
    assert acquire(account_id) == {"account": account_id, "meters": 2, "first_launch": True}
    renewed, kept = document(clean, account_id)["oauth_callback_results"]["consents"]
    assert (renewed["pce"], kept) == (first, before[second])
    assert renewed["id_accreditation"] != before[first]["id_accreditation"]


def test_a_used_code_asks_the_household_to_act(clean: LocalWorld, account_id: str) -> None:
    connect_code(clean, account_id)
    code = document(clean, account_id)["oauth"]
    acquire(account_id)
    edit(clean, account_id, lambda stored: stored.update(oauth=code))
    assert acquire(account_id)["meters"] == 1, "the right that is known is in force"
    stored = document(clean, account_id)
    assert (stored["state"], stored["state_partial"]) == ("USER_ACTION_NEEDED.OAUTH_OUTDATED", True)
    assert code["code"] not in stored["state_message"]
    lose(clean, stored["oauth_callback_results"]["pce_id"])
    check()
    edit(clean, account_id, lambda stored: stored.update(oauth=code))
    with pytest.raises(GrantRefused, match=account_id) as caught:
        acquire(account_id)
    stored = document(clean, account_id)
    assert stored["state_message"] == str(caught.value)
    assert stored["oauth_callback_results"]["pce_id"], "the meters stay known"


def test_no_grant_at_all(clean: LocalWorld, account_id: str) -> None:
    clean.book.save({"_id": account_id, "account_type": "grdfgrandlyon"})
    with pytest.raises(GrantRefused, match=account_id):
        acquire(account_id)
    assert document(clean, account_id)["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"


def test_our_own_credentials_are_no_household_s_fault(clean: LocalWorld, account_id: str) -> None:
    connect_code(clean, account_id)
    clean.control.fault("access_token", status=401, body={"error": "invalid_client"})
    before = document(clean, account_id)
    with pytest.raises(CredentialsRefused):
        acquire(account_id)
    assert document(clean, account_id) == before


def test_an_outage_leaves_the_code_for_the_next_try(clean: LocalWorld, account_id: str) -> None:
    connect_code(clean, account_id)
    clean.control.fault("access_token", status=503)
    before = document(clean, account_id)
    with pytest.raises(ServiceUnavailable, match=account_id) as caught:
        acquire(account_id)
    assert document(clean, account_id) == before
    assert next_try(caught.value) == timedelta(seconds=30), "a code lives for minutes"
    assert acquire(account_id, try_number=2)["first_launch"]


def test_an_outage_of_the_provider_s_keys_does_not_cost_the_code(
    clean: LocalWorld, account_id: str, grdf: Callable[..., str]
) -> None:
    clean.control.set(id_token_alg="RS256")
    connect_code(clean, account_id)
    keys = {"id_token_algorithms": ["RS256"], "jwks_url": clean.facts["jwks_url"]}
    grdf(AdictHook.default_conn_name, extra=keys)
    clean.control.fault("jwk_uri", status=503)

    def run() -> dict[str, Any]:
        operator = AcquireTokenOperator(task_id="t", account_id=account_id)
        operator.__dict__["adict"] = AdictHook(shelf=MemoryShelf())
        return dict(operator.execute(context()))

    with pytest.raises(ServiceUnavailable, match=account_id) as caught:
        run()
    assert next_try(caught.value) == timedelta(seconds=30)
    assert run()["first_launch"], "a code serves once: it may not be spent before the rest can be done"


# -- rescope -----------------------------------------------------------------------------------------------------------


def test_one_token_serves_all_accounts(clean: LocalWorld, account_id: str) -> None:
    shelf = MemoryShelf()
    results = []
    for name in (account_id, f"{account_id}-other", f"{account_id}-third"):
        task = with_memory_shelf(RescopeTokenOperator(task_id="rescope_token", account_id=name), shelf)
        results.append(task.execute(context()))
    assert [result["asked"] for result in results] == [True, False, False]
    assert token_calls(clean) == 1
    value = json.loads(shelf.text or "{}")["value"]
    assert value not in json.dumps(results)
    left = datetime.fromisoformat(results[0]["until"]) - datetime.now(UTC)
    assert timedelta(hours=3, minutes=44) < left <= timedelta(hours=4)


def test_a_refused_client_stops_here(clean: LocalWorld, account_id: str) -> None:
    known_account(clean, account_id)
    clean.control.fault("access_token", status=401, body={"error": "invalid_client"})
    before = document(clean, account_id)
    with pytest.raises(FailNow):
        with_memory_shelf(RescopeTokenOperator(task_id="rescope_token", account_id=account_id)).execute(context())
    assert document(clean, account_id) == before


def test_a_nonce_that_is_not_ours(clean: LocalWorld, account_id: str) -> None:
    connect_cozy(clean, account_id)
    before = edit(clean, account_id, lambda stored: stored["oauth"].update(nonce="the one we sent"))
    with pytest.raises(IdTokenRefused, match=account_id):
        acquire(account_id)
    assert document(clean, account_id) == before
