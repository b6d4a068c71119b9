"""What Airflow's database shows of the accounts' DAGs: rows in, sights out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from grdf.health.airflow_sight import by_database
from include.gas.documents.gas_days import dag_id
from include.gas.health.sights import MISSING, PAUSED, STALE, Sight

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=30)


def seen(account: str = "a", **rows: list[tuple[Any, ...]]) -> Sight:
    """Return what is seen of an account in an Airflow in which another one's runs succeed."""
    usual: dict[str, list[tuple[Any, ...]]] = {"dags": [(dag_id("a"), False, False)], "came": [], "read": []}
    usual["runs"] = [*rows.pop("runs", []), (dag_id("b"), 1, 0)]
    return by_database(usual | rows, [account], NOW)[account]


def test_a_dag_that_reads_nothing() -> None:
    assert seen("other") == MISSING
    assert seen(dags=[(dag_id("a"), False, True)]) == STALE
    assert seen(dags=[(dag_id("a"), 1, 0)], read=[(dag_id("a"),)]) == PAUSED


def test_one_whose_load_succeeds() -> None:
    assert seen(read=[(dag_id("a"),)], came=[(dag_id("a"), OLD)], runs=[(dag_id("a"), 1, 0)]) == Sight(had_runs=True)


@pytest.mark.parametrize(
    ("runs", "told"), [([], "never had any"), ([(0, 0)], "failed or were skipped"), ([(1, 1)], "they wait")]
)
def test_one_that_no_run_has_read(runs: list[tuple[int, int]], told: str) -> None:
    """A DAG of yesterday is not asked for runs yet, however old its account is: it was adopted, or Airflow is new."""
    of_runs = [(dag_id("a"), *each) for each in runs]
    old = seen(runs=of_runs, came=[(dag_id("a"), f"{OLD:%Y-%m-%d %H:%M:%S}")])
    assert told in old.problem
    assert old.of_runs
    assert seen(runs=of_runs, came=[(dag_id("a"), NOW - timedelta(days=1))]).problem == ""


def test_an_airflow_in_which_nothing_succeeds_is_told_on_the_first_day() -> None:
    rows = {"dags": [(dag_id("a"), 0, 0)], "came": [(dag_id("a"), NOW)], "read": [], "runs": [(dag_id("a"), 0, 0)]}
    sight = by_database(rows, ["a"], NOW)["a"]
    assert "nor one of any other account" in sight.problem
    assert not sight.of_runs
