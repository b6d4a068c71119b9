"""The scheduler links the project's asset aliases to assets before any event does, in a real Airflow database."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from grdf.airflow.announcing import ALIASES, ASSETS
from tests.dags.parsing import PATH, forked, run_python
from tests.forks import Forks

BEFORE = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
import airflow.sdk, airflow.plugins_manager
from airflow.listeners.listener import get_listener_manager
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
"""
START = f"""
{BEFORE}
starting = TaskRunnerMarker() if sys.argv[1] == "task" else None
sys.argv = ["airflow", "scheduler" if sys.argv[1] == "task" else sys.argv[1]]
listeners = {{getattr(each, "__name__", ""): each for each in get_listener_manager().pm.get_plugins()}}
alias_links = listeners["grdf.airflow.alias_links"]
said = []
alias_links.log.warning = lambda text, *more: said.append(text % more)
alias_links.on_starting(component=starting)
"""
LINKS = """
from airflow.models.asset import AssetAliasModel, AssetEvent, AssetModel, alias_association_table as links
from airflow.assets.manager import asset_manager
from airflow.utils.session import create_session
from sqlalchemy import func, select
from grdf.airflow.announcing import ASSETS, changes_of_account

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


@pytest.fixture(scope="module")
def without_tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A process that starts components in forks of itself, with an Airflow database that has no tables."""
    with Forks(BEFORE, PATH | airflow_of(tmp_path_factory.mktemp("without-tables"))) as running:
        yield running


def started(forks: Forks, component: str) -> list[str]:
    said: list[str] = json.loads(forked(forks, START + 'print("RESULT" + json.dumps(said))', component, env={}))
    return said


def test_aliases_lead_to_assets_before_the_first_event(airflow_home: Path, tmp_path: Path) -> None:
    shutil.copyfile(airflow_home / "airflow.db", tmp_path / "airflow.db")
    found = json.loads(run_python(START + LINKS, "scheduler", env=airflow_of(tmp_path)))
    links = len(ALIASES) * len(ASSETS)
    assert found["first"] == [len(ALIASES), len(ASSETS), links, 0]
    assert found["again"] == found["first"]
    assert found["after events"] == [len(ALIASES), len(ASSETS), links, len(ASSETS)], "an event writes no link any more"
    assert found["said"] == []


def test_a_scheduler_starts_without_the_tables(without_tables: Forks) -> None:
    said = started(without_tables, "scheduler")
    assert len(said) == 1
    assert "grdf-changes:" in said[0]
    assert "no such table" in said[0]
    assert "restart the scheduler" in said[0]


@pytest.mark.parametrize("component", ["api-server", "task"])
def test_no_other_component_links_them(without_tables: Forks, component: str) -> None:
    """LocalExecutor forks tasks from the scheduler. Every task's log used to say that it could not link them."""
    assert started(without_tables, component) == []
