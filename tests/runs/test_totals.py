"""After a run that is repeated, corrects or is tried again, months and years are the sums of their days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from include.gas.days.gas_day import gas_day_of
from tests.helpers import known_account
from tests.runs.shelves import assert_as_grdf, assert_totals, data_revisions, loads, shelf

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

WIDE = {"AIRFLOW__GRDF__REREAD_DAYS": "450"}


def run_day(world: LocalWorld) -> date:
    return gas_day_of(world.control.now()) - timedelta(days=1)


def test_correction_in_a_past_year_reaches_its_totals(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    last = run_day(world)
    (pce,) = known_account(world, account_id, history=False)
    assert airflow.run(account_id, env=WIDE).state == "success"
    before = loads(world, account_id, pce)
    corrected = date(last.year - 1, 12, 15)
    day, month, year = corrected.isoformat(), corrected.isoformat()[:7], str(corrected.year)
    revisions = data_revisions(world, account_id)
    world.control.correct(pce, corrected, before[day] + 5.5)

    narrow = airflow.run(account_id, env={"AIRFLOW__GRDF__REREAD_DAYS": "5"})
    assert narrow.state == "success", narrow.output
    assert data_revisions(world, account_id) == revisions, "its window does not reach that day"
    run = airflow.run(account_id, env=WIDE)

    assert run.state == "success", run.output
    after = loads(world, account_id, pce)
    assert {period for period in after if after[period] != before[period]} == {day, month, year}
    assert after[year] == before[year] + 5.5
    assert after[month] == before[month] + 5.5
    assert_as_grdf(world, account_id, pce, last)
    changed = {name for name, revision in data_revisions(world, account_id).items() if revision != revisions.get(name)}
    assert len(changed) == 3, "one day, one month, one year; each is still one document"
    assert "totals computed anew: 1 month(s), 1 year(s)" in run.output

    again = data_revisions(world, account_id)
    assert airflow.run(account_id, env=WIDE).state == "success"
    assert data_revisions(world, account_id) == again


def test_the_seeds_example(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    """A year with a total of 76.712 has 82.212 after one more day has been read, and there is still one document."""
    last = date(run_day(world).year - 1, 9, 20)
    (pce,) = known_account(world, account_id, conso_debut=(last - timedelta(days=2)).isoformat())
    for ago, load in ((2, 40.5), (1, 36.212)):
        world.control.correct(pce, last - timedelta(days=ago), load)
    assert airflow.run(account_id, last - timedelta(days=1)).state == "success"
    years = shelf(world).documents("com.grandlyon.grdf.year", account_id, pce)
    assert [document["load"] for document in years] == [76.712]
    world.control.correct(pce, last, 5.5)

    run = airflow.run(account_id, last)

    assert run.state == "success", run.output
    assert "totals computed anew: 1 month(s), 1 year(s)" in run.output
    years = shelf(world).documents("com.grandlyon.grdf.year", account_id, pce)
    assert [(document["load"], document["days"]) for document in years] == [(82.212, 3)]
    assert_totals(world, account_id, pce)


def test_outage_that_passes_is_retried_within_the_run(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    (pce,) = known_account(world, account_id)
    world.control.fault("/donnees_consos", status=503, times=1)
    world.control.fault("/donnees_consos", status=429, times=1, retry_after=1)

    run = airflow.run(account_id, env={"AIRFLOW__GRDF__RETRIES": "2", "AIRFLOW__GRDF__RETRY_SECONDS": "1"})

    assert run.state == "success", run.output
    assert [call["status"] for call in run.data_calls] == [503, 429, 200]
    assert not (world.book.get(account_id) or {}).get("state")
    assert_totals(world, account_id, pce)
