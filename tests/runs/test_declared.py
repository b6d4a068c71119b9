"""A household whose right we declare: its DAG declares it, and starts by itself once the holder has accepted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from include.sandbox.adict.meter_data import meters
from tests.helpers import holder
from tests.runs.shelves import assert_as_grdf, days

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

PERSON = ("Durand-Invente", "m.durand@example.org")


def give(world: LocalWorld, account: str) -> str:
    """Create the account, and return its meter."""
    (pce,) = holder(account).pces
    meter = meters.find(pce)
    assert meter
    given = {"pce": pce, "name": PERSON[0], "email": PERSON[1], "postcode": meter.postcode}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", "declaration": given})
    return pce


def accept(world: LocalWorld, pce: str) -> None:
    (right,) = [each for each in world.control.consents() if each["id_pce"] == pce]
    world.control.answer(right["id_droit_acces"])


def test_it_waits_is_accepted_and_starts_by_itself(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    pce = give(world, account_id)
    run = airflow.run(account_id)
    assert run.tasks == {
        "acquire_token": "skipped", "rescope_token": "skipped", "extract": "skipped", "load": "skipped",
    }  # fmt: skip
    assert run.state == "success"
    assert [call["method"] for call in run.calls].count("PUT") == 1
    not_yet = airflow.run_named("grdf_waiting_rights", {})
    assert not_yet.tasks == {"look": "success", "first_launch": "skipped"}
    assert [call["method"] for call in not_yet.calls] == ["POST"]

    accept(world, pce)
    looked = airflow.run_named("grdf_waiting_rights", {})
    assert looked.tasks == {"look": "success", "first_launch0": "success"}, looked.output
    assert [call["method"] for call in looked.calls] == ["POST"]
    assert airflow.ask("runs_of", account=account_id)[-1]["triggered_by"] == "operator"

    first = airflow.run(account_id)
    assert first.state == "success", first.output
    assert len(first.calls) == 1, "its meter's data alone"
    assert len(days(world, account_id, pce)) > 1000
    assert_as_grdf(world, account_id, pce, world.control.today() - timedelta(days=1))
    said = run.output + looked.output + first.output + json.dumps(world.book.get(account_id))
    assert not any(each in said for each in PERSON)


def test_it_starts_too_if_the_morning_s_list_shows_the_acceptance_first(
    world: LocalWorld, airflow: Worker, account_id: str
) -> None:
    pce = give(world, account_id)
    assert airflow.run(account_id).state == "success"
    accept(world, pce)
    assert airflow.run_named("grdf_consents", {}).state == "success"
    looked = airflow.run_named("grdf_waiting_rights", {})
    assert looked.tasks == {"look": "success", "first_launch0": "success"}, looked.output
    assert airflow.ask("runs_of", account=account_id)[-1]["triggered_by"] == "operator"
