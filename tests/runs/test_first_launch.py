"""The first run of either kind of account, and what later runs do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.days.gas_day import gas_day_of
from include.gas.days.windows import oldest_allowed
from include.sandbox.connect import consent, cozy_account
from tests.helpers import connect_code, connect_cozy, holder, known_account
from tests.runs.shelves import assert_as_grdf, data_revisions, days, revisions, secrets_in

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

CONNECT = {"cozy": connect_cozy, "code": connect_code}


def last_day(world: LocalWorld) -> Any:
    """Return the gas day of a manual run that starts now."""
    return gas_day_of(world.control.now()) - timedelta(days=1)


@pytest.mark.parametrize("shape", ["cozy", "code"])
@pytest.mark.parametrize("meters", [1, 2])
def test_first_launch_then_second(world: LocalWorld, airflow: Worker, account_id: str, shape: str, meters: int) -> None:
    pces = CONNECT[shape](world, account_id, meters)
    assert secrets_in(world.book.get(account_id))

    run = airflow.run(account_id)

    assert run.state == "success", run.output
    assert [call["pce"] for call in run.data_calls] == list(pces), "one call per meter"
    for call in run.data_calls:
        assert call["query"]["date_debut"] == oldest_allowed(world.control.today()).isoformat(), "the whole history"
        assert call["query"]["date_fin"] == (last_day(world) + timedelta(days=1)).isoformat()
    for pce in pces:
        assert_as_grdf(world, account_id, pce, last_day(world))
        assert len(days(world, account_id, pce)) > 1000
    document = world.book.get(account_id)
    assert document is not None
    assert secrets_in(document) == []
    results = document["oauth_callback_results"]
    rights = {right["id_pce"]: right["id_droit_acces"] for right in world.control.consents() if right["id_pce"] in pces}
    assert results["pce_id"] == pces[0]
    assert [(entry["pce"], entry["id_accreditation"]) for entry in results["consents"]] == [
        (pce, rights[pce]) for pce in pces
    ]
    assert not document.get("state")

    before = revisions(world, account_id)
    again = airflow.run(account_id)

    assert again.state == "success", again.output
    assert [call["pce"] for call in again.data_calls] == list(pces)
    assert len(again.calls) == len(pces), "nothing but one call per meter"
    stored = max(date.fromisoformat(day) for day in days(world, account_id, pces[0]))
    missing = min(last_day(world), stored + timedelta(days=1))  # the meter's newest day may not be available yet
    assert again.data_calls[0]["query"]["date_debut"] == (missing - timedelta(days=62)).isoformat()
    assert revisions(world, account_id) == before, "nothing was written"


def test_account_that_the_konnector_made(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    pces = connect_cozy(world, account_id)
    document = world.book.get(account_id)
    assert document is not None
    document["oauth_callback_results"] |= {"pce_id": pces[0], "id_token": "eyJhbGciOiJIUzI1NiJ9.e30.expired-long-ago"}
    document["cozyMetadata"] = {"createdAt": datetime.now(UTC).isoformat()}
    world.book.save(document)

    run = airflow.run(account_id)

    assert run.state == "success", run.output
    assert run.asked("/access_token") == [] or all(call["status"] == 200 for call in run.asked("/access_token"))
    assert len(run.data_calls) == 1
    assert_as_grdf(world, account_id, pces[0], last_day(world))
    after = world.book.get(account_id)
    assert after is not None
    assert secrets_in(after["oauth_callback_results"]) == [], "its id_token must not pass for a new consent later"
    assert after["oauth_callback_results"]["pce_id"] == pces[0]
    assert after["oauth_callback_results"]["consents"][0]["id_accreditation"], "learnt from GRDF, for a later deletion"

    before = revisions(world, account_id)
    assert airflow.run(account_id).state == "success"
    assert revisions(world, account_id) == before


def test_consent_made_anew_is_taken(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    """The household was asked to act, and connects again with one more meter."""
    (first,) = connect_cozy(world, account_id)
    assert airflow.run(account_id).state == "success"
    right = next(right for right in world.control.consents() if right["id_pce"] == first)
    world.control.revoke(right["id_droit_acces"], by="holder")
    assert airflow.run(account_id).state == "failed"
    kept = days(world, account_id, first)
    document = world.book.get(account_id) or {}
    assert document["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"

    both = holder(account_id, 2).pces
    fresh = cozy_account(account_id, consent(world.facts, holder(account_id, 2)), world.facts)
    document["oauth"] = fresh["oauth"]
    document["oauth_callback_results"] |= fresh["oauth_callback_results"]
    world.book.save(document)
    run = airflow.run(account_id)

    assert run.state == "success", run.output
    assert [call["pce"] for call in run.data_calls] == list(both)
    assert secrets_in(world.book.get(account_id)) == []
    assert kept.items() <= days(world, account_id, first).items()
    for pce in both:
        assert_as_grdf(world, account_id, pce, last_day(world))


def test_account_gone_meanwhile_gets_no_documents(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    run = airflow.run(account_id)
    assert run.state is None, "no account, no DAG"
    assert data_revisions(world, account_id) == {}


def test_consent_covers_a_few_days_alone(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    today = world.control.today()
    first, end = today - timedelta(days=30), today - timedelta(days=10)
    (pce,) = known_account(world, account_id, history=False, conso_debut=first.isoformat(), conso_fin=end.isoformat())

    run = airflow.run(account_id)

    assert run.state == "success", run.output
    assert [call["query"] for call in run.data_calls] == [
        {"date_debut": first.isoformat(), "date_fin": end.isoformat()}
    ]
    assert sorted(days(world, account_id, pce)) == [(first + timedelta(days=n)).isoformat() for n in range(20)]
