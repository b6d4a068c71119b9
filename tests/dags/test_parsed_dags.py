"""The DAG files as Airflow sees them: every account's DAG, the same at each parse, whatever is wrong beside them."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from include.gas.documents.day_documents import check_account_dag, dag_id
from include.sandbox.local_world import LocalWorld
from tests.dags.parsing import ACCOUNTS, ROOT, Parsed, parse
from tests.helpers import own_couchdb

TASKS = ["acquire_token", "rescope_token", "extract", "load"]
HOUR = 3600.0


@pytest.fixture(scope="session")
def three(world: LocalWorld, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    fields, book = own_couchdb(world)
    for name in reversed(ACCOUNTS):
        book.save({"_id": name, "account_type": "grdfgrandlyon"})
    return {"AIRFLOW_CONN_COUCHDB": json.dumps(fields), "AIRFLOW_HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="session")
def parsed(three: dict[str, str]) -> Parsed:
    return parse(three)


def test_every_dag(parsed: Parsed, world: LocalWorld) -> None:
    assert parsed.errors == {}
    for name, dag in parsed.dags.items():
        assert "grdf" in dag["tags"], name
        assert name.removeprefix("grdf_account__") in dag["dag_display_name"], "by which Airflow's UI searches"
        assert dag["is_paused_upon_creation"] is (name == "grdf_adopt_konnector"), "for who comes from Cozy"
        assert len(dag["doc_md"].strip()) > 200, name
        assert not dag.get("catchup"), name
    assert {task.get("owner") for task in parsed.every_task.values()} == {"grdf"}
    text = json.dumps(parsed.dags)
    assert not [each for each in (world.couch.password, world.facts["client_secret"]) if each in text]
    assert "xcom_pull" not in json.dumps(parsed.dags["grdf_delete_account"]), "users may edit what a step returned"


def test_an_account_s_dag(parsed: Parsed) -> None:
    assert sorted(parsed.accounts) == [dag_id(name) for name in ACCOUNTS]
    for name in ACCOUNTS:
        dag, chain = parsed.dags[dag_id(name)], parsed.tasks(dag_id(name))
        assert (dag["max_active_runs"], dag["is_paused_upon_creation"], set(dag["tags"])) == (
            1, False, {"grdf", "account"},
        )  # fmt: skip
        assert not dag.get("params"), "Params cost a form and time at every parse"
        assert dag["timetable"]["__type"] == "grdf.timetable.GasDayTimetable"
        assert sorted(chain) == sorted(TASKS)
        assert [chain[task].get("downstream_task_ids", []) for task in TASKS] == [
            *([after] for _, after in pairwise(TASKS)), [],
        ]  # fmt: skip
        assert {task["account_id"] for task in chain.values()} == {name}
    minutes = {dag["timetable"]["__var"]["minutes"] for dag in parsed.accounts.values()}
    assert len(minutes) == len(ACCOUNTS), "they do not start at the same minute"


def test_accounts_have_no_outlets_before_they_run_and_the_asset_is_there(parsed: Parsed) -> None:
    """First events of an alias that coincide would fail a task (see ``grdf.airflow.announcing``)."""
    every = parsed.every_task.values()
    outlets = [outlet["__var"]["name"] for task in every for outlet in task.get("outlets", [])]
    assert outlets == ["grdf-changes:grdf_history"]
    assets = {inlet["__var"]["name"] for task in every for inlet in task.get("inlets", [])}
    assert assets == {"com.grandlyon.grdf.day"}


def test_all_tasks_are_in_the_pool_of_the_setting_and_none_goes_before_others_tasks(
    parsed: Parsed, three: dict[str, str]
) -> None:
    own = {"AIRFLOW__GRDF__POOL": "grdf", "AIRFLOW__GRDF__RETRIES": "7", "AIRFLOW__GRDF__RETRY_SECONDS": "30"}
    every = parse(three | own).every_task
    assert {task.get("pool", "default_pool") for task in parsed.every_task.values()} == {"default_pool"}
    assert {task.get("pool") for task in every.values()} == {"grdf"}
    assert (every["grdf_health.check"]["retries"], every["grdf_health.check"]["retry_delay"]) == (7, 30.0)
    assert {task.get("weight_rule") for task in every.values()} == {"absolute"}
    assert {name: task["priority_weight"] for name, task in every.items() if task.get("priority_weight", 1) != 1} == {
        "grdf_history.read": 0, "grdf_import_accounts.import_accounts": 0, "grdf_published.read_published": 0,
    }, "after the daily runs"  # fmt: skip


def test_every_try_of_every_task_has_an_end(parsed: Parsed) -> None:
    limits = {name: task.get("execution_timeout") for name, task in parsed.every_task.items()}
    assert [name for name, limit in limits.items() if limit is None] == ["grdf_delete_account.approve"], "a person's"
    for name in ACCOUNTS:
        hours = [limits[f"{dag_id(name)}.{task}"] / HOUR for task in TASKS]
        assert hours == [1, 1, 6, 2]
    assert limits["grdf_history.read"]["__var"] == 6 * HOUR
    assert limits["grdf_published.read_published"] < 24 * HOUR, "over before the next run is due"


def test_failures_are_tried_again_by_our_policy() -> None:
    from grdf.account_dag import account_dag

    assert {
        (type(task.retry_policy).__name__, task.retries, task.retry_delay) for task in account_dag("home").tasks
    } == {("GasRetryPolicy", 3, timedelta(minutes=10))}


def test_a_first_launch_starts_nothing_but_accounts_dags_and_gives_up_soon() -> None:
    """Users may edit XComs. The next look waits for the run, and Airflow may not know a new account's DAG yet."""
    from dags.grdf_waiting_rights import dag

    task: Any = dag.get_task("first_launch")
    assert task.expand_input.value["trigger_dag_id"].callables == [check_account_dag]
    assert task.partial_kwargs["retries"] * task.partial_kwargs["retry_delay"] <= timedelta(minutes=1)


def test_a_check_of_health_that_does_not_end_is_red_before_the_next_day_s(parsed: Parsed) -> None:
    """In a missing pool its task never starts. It must also end on the day in March that has 23 hours."""
    dag = parsed.dags["grdf_health"]
    assert (dag["dagrun_timeout"], dag["max_active_runs"]) == (23 * HOUR, 1)
    assert "start_date" not in dag, "it has no run for the time before the installation"
    task = parsed.tasks("grdf_health")["check"]
    assert (task["retries"], task["retry_delay"]) == (3, 600.0)


def test_the_lake_has_a_schedule_where_it_has_a_place(parsed: Parsed, three: dict[str, str]) -> None:
    def timetable(found: Parsed) -> str:
        return str(found.dags["grdf_export_lake"]["timetable"]["__type"])

    assert timetable(parsed).endswith("NullTimetable")
    assert timetable(parse(three | {"AIRFLOW__GRDF__LAKE_URL": "file:///srv/lake"})).endswith("CronTriggerTimetable")


def test_no_file_reads_a_connection_to_grdf(parsed: Parsed, three: dict[str, str]) -> None:
    unreadable = {f"AIRFLOW_CONN_{name}": "{" for name in ("GRDF_ADICT", "GRDFGRANDLYON_DELETE", "GRDF_STAGING")}
    assert parse(three | unreadable) == parsed


def test_airflow_takes_the_commands_that_the_documentation_shows(parsed: Parsed) -> None:
    from airflow.cli.cli_parser import get_parser

    shown = re.findall(r"`\./grdf airflow ([a-z][^`]+)`", (ROOT / "docs" / "past.md").read_text(encoding="utf-8"))
    backfill, trigger = (get_parser().parse_args(shlex.split(each)) for each in sorted(shown))
    assert (backfill.dag_id, trigger.dag_id in parsed.dags) == (dag_id("ID"), True)
    assert json.loads(trigger.conf) == {"accounts": ["ID"]}, "as `named_accounts` reads it"
