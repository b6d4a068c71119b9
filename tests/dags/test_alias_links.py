"""The scheduler writes down where our asset aliases lead before any event does, in a real database of Airflow's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grdf.announcing import ALIASES, ASSETS
from tests.dags.conftest import run_python

START = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
import airflow.sdk, airflow.plugins_manager
from airflow.listeners.listener import get_listener_manager
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
starting = TaskRunnerMarker() if sys.argv[1] == "task" else None
sys.argv = ["airflow", "scheduler" if sys.argv[1] == "task" else sys.argv[1]]
listeners = {getattr(each, "__name__", ""): each for each in get_listener_manager().pm.get_plugins()}
alias_links = listeners["grdf.alias_links"]
said = []
alias_links.log.warning = lambda text, *more: said.append(text % more)
alias_links.on_starting(component=starting)
"""
MIGRATE = """
from airflow.utils.db import initdb
initdb()
"""
LINKS = """
from airflow.models.asset import AssetAliasModel, AssetEvent, AssetModel, alias_association_table as links
from airflow.assets.manager import asset_manager
from airflow.utils.session import create_session
from sqlalchemy import func, select
from grdf.announcing import ASSETS, changes_of_account

def counted():
    with create_session() as session:
        tables = (AssetAliasModel, AssetModel, links, AssetEvent)
        return [session.scalar(select(func.count()).select_from(table)) for table in tables]

first = counted()
alias_links.on_starting(component=None)
again = counted()
with create_session() as session:
    for asset in ASSETS.values():
        asset_manager.register_asset_change(
            asset=asset, source_alias_names=[changes_of_account("home").name], extra={}, session=session
        )
after_events = counted()
print("RESULT" + json.dumps({"first": first, "again": again, "after events": after_events, "said": said}))
"""


def airflow_of(home: Path) -> dict[str, str]:
    database = f"sqlite:///{home / 'airflow.db'}"
    return {"AIRFLOW_HOME": str(home), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database}


def started_without_tables(home: Path, component: str) -> list[str]:
    code = START + 'print("RESULT" + json.dumps(said))'
    said: list[str] = json.loads(run_python(code, component, env=airflow_of(home)))
    return said


def test_aliases_lead_to_assets_before_the_first_event(tmp_path: Path) -> None:
    found = json.loads(run_python(MIGRATE + START + LINKS, "scheduler", env=airflow_of(tmp_path)))
    links = len(ALIASES) * len(ASSETS)
    assert found["first"] == [len(ALIASES), len(ASSETS), links, 0]
    assert found["again"] == found["first"]
    assert found["after events"] == [len(ALIASES), len(ASSETS), links, len(ASSETS)], "an event writes no link any more"
    assert found["said"] == []


def test_a_scheduler_starts_without_the_tables(tmp_path: Path) -> None:
    said = started_without_tables(tmp_path, "scheduler")
    assert len(said) == 1
    assert "grdf-changes:" in said[0]
    assert "no such table" in said[0]
    assert "restart the scheduler" in said[0]


@pytest.mark.parametrize("component", ["api-server", "task"])
def test_no_other_component_links_them(tmp_path: Path, component: str) -> None:
    """A task that LocalExecutor runs is forked from the scheduler: it said in every log what it could not do."""
    assert started_without_tables(tmp_path, component) == []
