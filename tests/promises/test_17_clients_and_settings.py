"""Promise 17: several clients of GRDF in one installation; wrong settings take no DAG away and are named."""

from __future__ import annotations

import json

import pytest

from tests.promises import stack_adapter as product
from tests.promises.stack import CODE, COZY, PEOPLE, SOUTH, Stack, dag_of, wait

CREDENTIALS = "AIRFLOW_CONN_GRDF_SOUTH"
LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
DAG_FOLDER = json.dumps([{"name": "dags-folder", "classpath": LOCAL, "kwargs": {}}])
"""The folder ``dags`` alone; its files find the accounts by themselves."""


def test_each_account_is_read_by_its_own_client(stack: Stack) -> None:
    for account, client in ((COZY, "grdf_adict"), (SOUTH, product.SOUTH)):
        run = stack.first_run(account)
        assert run["state"] == "success", stack.log_of(run)
        assert {call["client_id"] for call in stack.calls(*PEOPLE[account].pces)} == {product.CLIENTS[client]}
        assert stack.days(account, PEOPLE[account].pces[0])


def test_a_client_that_grdf_refuses_stops_no_other(stack: Stack) -> None:
    assert stack.first_run(CODE)["state"] == "success"
    wrong = json.loads(stack.airflow.env[CREDENTIALS]) | {"login": "unknown-to-grdf", "password": "wrong-and-invented"}
    refused = stack.command("run", SOUTH, "--no-wait", env={CREDENTIALS: json.dumps(wrong)})
    assert refused.returncode not in (0, 2)
    assert product.SOUTH in refused.stderr, "which client"
    assert "wrong-and-invented" not in refused.stdout + refused.stderr
    goes_on = stack.command("run", CODE, env={CREDENTIALS: json.dumps(wrong)})
    assert goes_on.returncode == 0, goes_on.stderr


def test_wrong_settings_take_no_dag_away(stack: Stack) -> None:
    wait(lambda: all(stack.has_dag(dag_of(account)) for account in (COZY, CODE)), "DAGs")
    env = {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in product.WRONG_SETTINGS.items()}
    env["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = DAG_FOLDER
    done = stack.command("airflow", "dags", "list", "--local", "--output", "json", env=env)
    assert done.returncode == 0, done.stderr[-3000:]
    table = done.stdout[done.stdout.find("[{") : done.stdout.rfind("]") + 1]
    found = {each["dag_id"] for each in json.loads(table)}
    assert found >= {dag_of(COZY), dag_of(CODE), "grdf_history", "grdf_delete_account", "grdf_health", "grdf_retention"}
    assert "list-import-errors" not in done.stdout + done.stderr, "Airflow points to files that cannot be read"


@pytest.mark.parametrize("settings", [product.WRONG_SETTINGS, {"rereed_days": "30"}], ids=["wrong", "misspelt"])
def test_the_doctor_names_settings_and_what_to_do(stack: Stack, settings: dict[str, str]) -> None:
    env = {f"AIRFLOW__GRDF__{name.upper()}": value for name, value in settings.items()}
    done = stack.command("doctor", "--json", env=env)
    assert done.returncode == 1
    bad = product.to_mend(done.stdout).items()
    assert {name for name in settings for text, do in bad if name in text and do} == settings.keys()
