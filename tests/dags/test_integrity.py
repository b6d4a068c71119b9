"""The DAG files as Airflow sees them: every account's DAG, the same at each parse, and only one DAG for a worker."""

from __future__ import annotations

import json
import secrets
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from include.gas.days.spread import dag_file_of
from include.gas.documents.gas_days import dag_id
from include.sandbox.connect import AccountBook
from include.sandbox.local_world import LocalWorld
from tests.dags.parsing import ACCOUNTS, ROOT, Parsed, parse, run_python
from tests.forks import Forks

TASKS = ["acquire_token", "rescope_token", "extract", "load"]


def account_dags(parsed: Parsed) -> dict[str, dict[str, Any]]:
    return {name: data["dag"] for name, data in parsed.dags.items() if name.startswith("grdf_account__")}


def tasks(dag: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["__var"]["task_id"]: task["__var"] for task in dag["tasks"]}


def test_nothing_fails_to_import(parsed: Parsed) -> None:
    assert parsed.errors == {}


def test_each_account_has_its_dag(parsed: Parsed) -> None:
    assert sorted(account_dags(parsed)) == sorted(dag_id(name) for name in ACCOUNTS)


def test_what_every_dag_says_of_itself(parsed: Parsed) -> None:
    for name, data in parsed.dags.items():
        dag = data["dag"]
        assert "grdf" in dag["tags"], name
        assert len(dag["doc_md"].strip()) > 200, name
        assert dag.get("catchup", False) is False, name
        assert parsed.owners[name] == ["grdf"], name


def test_an_account_s_dag(parsed: Parsed) -> None:
    for name, dag in account_dags(parsed).items():
        assert dag["max_active_runs"] == 1, name
        assert not dag.get("params"), f"{name}: Params cost a form and time at every parse"
        assert set(dag["tags"]) == {"grdf", "account"}
        assert dag["is_paused_upon_creation"] is False
        assert dag["timetable"]["__type"] == "grdf.timetable.GasDayTimetable"
        chain = tasks(dag)
        assert sorted(chain) == sorted(TASKS)
        for before, after in pairwise(TASKS):
            assert after in chain[before].get("downstream_task_ids", []), name
        assert chain["load"].get("downstream_task_ids", []) == []


def test_accounts_do_not_start_at_the_same_minute(parsed: Parsed) -> None:
    minutes = {dag["timetable"]["__var"]["minutes"] for dag in account_dags(parsed).values()}
    assert len(minutes) == len(ACCOUNTS)


def test_the_account_is_in_the_fields_and_no_secret_is(parsed: Parsed, world: LocalWorld) -> None:
    text = json.dumps(parsed.dags)
    for secret in (world.couch.password, world.facts["client_secret"], world.facts["delete_client_secret"]):
        assert secret not in text
    for name in ACCOUNTS:
        for task in tasks(account_dags(parsed)[dag_id(name)]).values():
            assert task["account_id"] == name


def test_tasks_announce_by_aliases_and_the_assets_are_there(parsed: Parsed) -> None:
    """Accounts share few aliases, of which Airflow reads all with each event (see ``grdf.airflow.announcing``)."""
    aliases, assets = [], set()
    for data in parsed.dags.values():
        for task in tasks(data["dag"]).values():
            aliases += [outlet["__var"]["name"] for outlet in task.get("outlets", [])]
            assets |= {inlet["__var"]["name"] for inlet in task.get("inlets", [])}
    assert len(aliases) == len(ACCOUNTS) + 3
    assert {f"grdf-changes:grdf_accounts_{dag_file_of(name) % 8}" for name in ACCOUNTS} < set(aliases)
    assert assets == {f"com.grandlyon.grdf.{what}" for what in ("day", "month", "year")}


def test_no_step_of_a_deletion_reads_what_another_returned(parsed: Parsed) -> None:
    """Users who may edit a DAG's runs can change it."""
    assert "xcom_pull" not in json.dumps(parsed.dags["grdf_delete_account"])


def test_all_tasks_are_in_the_pool_of_the_setting_and_none_goes_before_others_tasks(
    three_accounts: dict[str, str], parser: Forks
) -> None:
    for pool in ("default_pool", "grdf"):
        found = parse(three_accounts | {"AIRFLOW__GRDF__POOL": pool}, parser)
        every = {
            f"{name}.{task_id}": task.get("partial_kwargs", task)
            for name, data in found.dags.items()
            for task_id, task in tasks(data["dag"]).items()
        }
        assert {task.get("pool", "default_pool") for task in every.values()} == {pool}
        assert {task.get("weight_rule") for task in every.values()} == {"absolute"}
        later = {name for name, task in every.items() if task.get("priority_weight", 1) != 1}
        assert later == {"grdf_history.read", "grdf_import_accounts.import_accounts", "grdf_published.read_published"}
        assert {every[name]["priority_weight"] for name in later} == {0}, "after the daily runs"


def test_every_try_of_every_task_has_an_end(parsed: Parsed) -> None:
    limits = {
        f"{name}.{task_id}": task.get("partial_kwargs", task).get("execution_timeout")
        for name, data in parsed.dags.items()
        for task_id, task in tasks(data["dag"]).items()
    }
    assert {name for name, limit in limits.items() if limit is None} == {"grdf_delete_account.approve"}, "a person's"
    hour = 3600.0
    for name in ACCOUNTS:
        found = {task: limits[f"{dag_id(name)}.{task}"] for task in TASKS}
        assert found == {"acquire_token": hour, "rescope_token": hour, "extract": 6 * hour, "load": 2 * hour}
    assert limits["grdf_history.read"] == {"__var": 6 * hour, "__type": "timedelta"}
    assert limits["grdf_published.read_published"] < 24 * hour, "over before the next run is due"


def test_a_first_launch_that_cannot_start_keeps_no_holder_waiting_for_long() -> None:
    """The next look waits for the run, and Airflow may not know the DAG of an account that is new or odd."""
    from dags.grdf_waiting_rights import dag

    task = dag.get_task("first_launch")
    assert task.partial_kwargs["retries"] * task.partial_kwargs["retry_delay"] <= timedelta(minutes=1)


def test_no_other_dag_than_an_account_s_is_started() -> None:
    """Users may be allowed to edit XComs, but not to start every DAG."""
    from dags.grdf_waiting_rights import dag
    from include.gas.documents.gas_days import accounts_dag

    assert dag.get_task("first_launch").expand_input.value["trigger_dag_id"].callables == [accounts_dag]


def test_failures_are_tried_again_by_our_policy() -> None:
    code = """
import sys, warnings
warnings.simplefilter("ignore")
import json, os
os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = "grdf_account__home"
sys.path.insert(0, sys.argv[1])
from grdf.account_dag import account_dag
dag = account_dag("home")
print("RESULT" + json.dumps({task.task_id: [type(task.retry_policy).__name__, task.retries,
      task.retry_delay.total_seconds(), task.owner] for task in dag.tasks}))
"""
    found = json.loads(run_python(code, str(ROOT / "dags"), env={}))
    assert found == {task: ["GasRetryPolicy", 3, 600.0, "grdf"] for task in TASKS}


def test_two_parses_are_alike(parsed: Parsed, three_accounts: dict[str, str]) -> None:
    again = parse(three_accounts | {"PYTHONHASHSEED": "4711"})
    assert again.hashes == parsed.hashes
    assert again.dags == parsed.dags


def test_no_file_reads_a_connection_to_grdf(parsed: Parsed, three_accounts: dict[str, str], parser: Forks) -> None:
    """Therefore ``docker-compose.yaml`` gives none to the DAG processor."""
    unreadable = {f"AIRFLOW_CONN_{name}": "{" for name in ("GRDF_ADICT", "GRDFGRANDLYON_DELETE", "GRDF_STAGING")}
    found = parse(three_accounts | unreadable, parser)
    assert (found.errors, found.hashes) == ({}, parsed.hashes)


def test_a_broken_account_takes_no_other_with_it(
    three_accounts: dict[str, str], world: LocalWorld, parser: Forks, tmp_path: Path
) -> None:
    prefix = f"broken{secrets.token_hex(4)}/"
    book = AccountBook(world.couch.url, world.couch.user, world.couch.password, prefix)
    for name in ("good", "not good"):
        book.save({"_id": name, "account_type": "grdfgrandlyon"})
    fields = json.loads(three_accounts["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": prefix}}
    found = parse({"AIRFLOW_CONN_COUCHDB": json.dumps(fields), "AIRFLOW_HOME": str(tmp_path)}, parser)
    assert list(account_dags(found)) == ["grdf_account__good"]
    assert found.errors == {}, "grdf_health and the page name it"


def test_with_couchdb_down_the_files_still_parse(parser: Forks, tmp_path: Path) -> None:
    gone = json.dumps({"conn_type": "generic", "host": "http://127.0.0.1:9", "login": "a", "password": "b"})
    (tmp_path / "grdf").mkdir()
    (tmp_path / "grdf" / "accounts.json").write_text(json.dumps(["kept"]))
    found = parse({"AIRFLOW_CONN_COUCHDB": gone, "AIRFLOW_HOME": str(tmp_path)}, parser)
    assert found.errors == {}
    assert list(account_dags(found)) == ["grdf_account__kept"]


def test_a_worker_builds_the_dag_it_runs_and_pays_for_nothing_else(tmp_path: Path) -> None:
    gone = json.dumps({"conn_type": "generic", "host": "http://127.0.0.1:9", "login": "a", "password": "b"})
    env = {
        "AIRFLOW_CONN_COUCHDB": gone,
        "AIRFLOW_HOME": str(tmp_path),
        "_AIRFLOW_PARSING_CONTEXT_DAG_ID": "grdf_account__home-1",
    }
    found = parse(env)
    assert found.errors == {}
    assert list(account_dags(found)) == ["grdf_account__home-1"]
    assert not (tmp_path / "grdf" / "accounts.json").exists()
    heavy = [name for name in found.loaded if name.partition(".")[0] in {"cloudant", "jwt", "flask", "fastapi", "yaml"}]
    assert heavy == []
    assert not any(name.startswith("grdf.hooks") for name in found.loaded)


@pytest.mark.parametrize("name", ["settings.py", "account_dag.py"])
def test_no_setting_is_read_at_random(name: str) -> None:
    """``now()``, ``uuid4()`` and the like in a DAG file would create a new version of the DAG at every parse."""
    text = next(ROOT.glob(f"*/**/{name}")).read_text()
    assert not any(word in text for word in ("now(", "uuid", "random"))
