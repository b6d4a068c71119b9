"""Many orders and clears at once leave no connection to Airflow's database behind, nor hold one while it is checked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import requests

from include.sandbox.processes import Processes
from tests import postgres
from tests.connect.keepers import OWN, RANGE, ClearerSite, start
from tests.helpers import wait

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.postgres import Postgres

DAG = "grdf_history"
AT_ONCE = 10
HELD = "select count(*) from pg_stat_activity where state = 'idle in transaction'"


@pytest.fixture(scope="module")
def kept(
    world: LocalWorld, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ClearerSite, Postgres]]:
    """An API server with FAB on PostgreSQL: SQLite has no pool of connections that could be used up."""
    if not postgres.available():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    world.book.save({"_id": OWN, "account_type": "grdfgrandlyon", "oauth": {}, "oauth_callback_results": {}})
    with Processes() as processes:
        server = postgres.start_postgres(processes, airflow=True)
        made = ClearerSite(tmp_path_factory.mktemp("kept"), world)
        made.stack.env |= server.airflow_settings()
        env = os.environ | made.stack.env
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=env, cwd=made.stack.home, check=True)
        made.start(processes, "dag-processor")
        admin = made.program("admin")
        wait(lambda: admin.get(f"{made.url}/api/v2/dags/{DAG}", timeout=60).ok)
        yield made, server


def test_refused_clears_and_permitted_starts_hold_nothing(kept: tuple[ClearerSite, Postgres]) -> None:
    site, server = kept
    run = start(site, "admin", DAG, **RANGE).json()["dag_run_id"]
    path = f"{site.url}/api/v2/dags/{DAG}/dagRuns/{run}"
    assert site.program("admin").patch(path, json={"state": "failed"}, timeout=60).ok
    clearer, body = site.program("clearer"), {"dry_run": False, "only_failed": False}

    def begin(_: int) -> int:
        return start(site, "keeper", DAG, accounts=[OWN], **RANGE).status_code

    def clear(_: int) -> int:
        sent = requests.post(
            f"{path}/clear", json=body, headers=dict(clearer.headers), cookies=clearer.cookies, timeout=60
        )
        return sent.status_code

    def is_free() -> bool:
        with psycopg.connect(server.url) as base:
            return base.execute(HELD).fetchone() == (0,)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(pool.map(begin, range(AT_ONCE))) == {200}
        wait(is_free)
        assert set(pool.map(clear, range(AT_ONCE))) == {403}
    wait(is_free)
