"""Which tasks the worker of deletions runs. ``tests/machines`` tries it with real workers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from grdf.airflow.deletion_worker import only_deletions

BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"
OURS = {"name": "town", "classpath": "grdf.airflow.bundle.account_bundle.AccountBundle", "kwargs": {}}
PLAIN = {"name": "dags-folder", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {}}
PACKAGED = {"name": "grdf", "classpath": "grdf.airflow.bundle.packaged_bundle.PackagedBundle", "kwargs": {}}
GIT = {"name": "ours-in-git", "classpath": "airflow.providers.git.bundles.git.GitDagBundle", "kwargs": {}}
THEIRS = PLAIN | {"name": "theirs"}


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__DELETION_QUEUE", "leaving")
    monkeypatch.setenv(BUNDLES, json.dumps([OURS, THEIRS]))


def come(dag: str, file: str, bundle: str, by: str = "leaving") -> None:
    workload = {"ti": {"dag_id": dag}, "dag_rel_path": file, "bundle_info": {"name": bundle}, "type": "ExecuteTask"}
    send(json.dumps(workload), by=by)


def send(*arguments: Any, by: str = "leaving") -> None:
    only_deletions(SimpleNamespace(request=SimpleNamespace(delivery_info={"routing_key": by})), "id", arguments, {})


@pytest.mark.parametrize("dag", ["grdf_delete_account", "grdf_retention"])
@pytest.mark.parametrize("folder", ["", "gas/", "folders/gas/dags/"])
@pytest.mark.parametrize(
    ("bundles", "named"),
    [([OURS, THEIRS], "town"), ([PACKAGED], "grdf"), ([PLAIN, THEIRS], "dags-folder"), ([GIT], "ours-in-git")],
)
def test_our_own(
    monkeypatch: pytest.MonkeyPatch, bundles: list[dict[str, Any]], named: str, folder: str, dag: str
) -> None:
    """In every way of installing. Without a bundle of ours, nothing says which one our files are in."""
    monkeypatch.setenv(BUNDLES, json.dumps(bundles))
    come(dag, f"{folder}{dag}.py", named)


@pytest.mark.parametrize("configured", ["no JSON", "5", "null", '[{"name": "town"}]', "[5]"])
def test_bundles_that_airflow_cannot_read_either(monkeypatch: pytest.MonkeyPatch, configured: str) -> None:
    monkeypatch.setenv(BUNDLES, configured)
    with pytest.raises(PermissionError):
        come("grdf_retention", "grdf_retention.py", "town")


@pytest.mark.parametrize(
    ("dag", "file", "bundle"),
    [
        ("theirs", "theirs.py", "theirs"),
        ("theirs", "grdf_delete_account.py", "town"),
        ("grdf_check_consents", "grdf_consents.py", "town"),
        ("grdf_delete_account", "grdf_delete_account.py", "theirs"),
        ("grdf_delete_account", "grdf_retention.py", "town"),
        ("grdf_delete_account", "gas/../grdf_delete_account.py", "town"),
        ("grdf_delete_account", "../grdf_delete_account.py", "town"),
        ("grdf_delete_account", "grdf_delete_account.py", "dags-folder"),
    ],
)
def test_others(dag: str, file: str, bundle: str) -> None:
    """A name of ours does not help a DAG, and neither does a file of ours that it is not in."""
    with pytest.raises(PermissionError, match=r"came by the queue 'leaving' and was not run.*another queue"):
        come(dag, file, bundle)


@pytest.mark.parametrize("argument", ["{}", "[]", "no JSON", '{"type": "ExecuteCallback"}', '{"ti": null}', None, 5])
def test_what_is_no_task(argument: Any) -> None:
    with pytest.raises(PermissionError, match="Something that is no task of a DAG came by"):
        send(argument)
    with pytest.raises(PermissionError):
        send()


def test_other_queues_take_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    come("theirs", "theirs.py", "theirs", by="default")
    send("{}", by="default")
    monkeypatch.delenv("AIRFLOW__GRDF__DELETION_QUEUE")
    come("theirs", "theirs.py", "theirs")
