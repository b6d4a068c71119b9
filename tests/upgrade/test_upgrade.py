"""An installation of a former version that has read households is upgraded by the commands of ``docs/upgrade.md``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.gas_days import dag_id
from include.sandbox.connect import AccountBook, code_account, consent, cozy_account
from include.sandbox.figures import summed
from include.sandbox.processes import Processes
from tests import postgres
from tests.commands import commands
from tests.helpers import PATIENCE, days_of, holder, stored, wait, yesterday
from tests.upgrade.version import ROOT, Installation, check_out, former, settings_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

RUNS_ALONE = True  # ./grdf test runs this in a separate process (tests/suite/groups.py)
PREFIX = "upgrade/"
COZY, CODE = "upgraded-60411", "upgraded-60412"
TASKS = ("acquire_token", "rescope_token", "extract", "load")
COMMANDS = commands(ROOT / "docs" / "upgrade.md")


class Upgrade:
    """One Airflow home, CouchDB and GRDF, under one version after the other.

    :param world: GRDF and CouchDB
    :param couch: the databases of this test
    :param old: the former version
    :param new: the version that is tested
    """

    def __init__(self, world: LocalWorld, couch: CouchDBHook, old: Installation, new: Installation) -> None:
        self.world, self.couch, self.old, self.new = world, couch, old, new
        self.runs: dict[str, dict[str, Any]] = {}
        self.before: dict[str, dict[str, float]] = {}

    def stored(self, account: str) -> dict[str, float]:
        return stored(self.couch, account, holder(account).pces[0])


@pytest.fixture(scope="module")
def upgraded(world: LocalWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    """Two households that a former version has read. Then it is stopped, and this one takes its place."""
    from grdf.hooks.couchdb import CouchDBHook

    commit = former()
    if commit is None:
        pytest.skip("this clone has no former version to upgrade (git fetch --unshallow brings them)")
    root, home = tmp_path_factory.mktemp("former"), tmp_path_factory.mktemp("home")
    check_out(commit, root)
    env = world.connections()
    couch = json.loads(env["AIRFLOW_CONN_COUCHDB"]) | {"extra": {"database_prefix": PREFIX}}
    env["AIRFLOW_CONN_COUCHDB"] = env["AIRFLOW_CONN_UPGRADED_COUCHDB"] = json.dumps(couch)
    env["AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL"] = "False"
    env["AIRFLOW__GRDF__RETRY_SECONDS"] = "5"  # the former version's first runs find no database of accounts yet
    book = AccountBook(world.couch.url, world.couch.user, world.couch.password, PREFIX)
    with pytest.MonkeyPatch.context() as patch, Processes() as servers:
        ours = settings_of(ROOT).keys()
        for name in [
            name for name in os.environ if name.startswith(("AIRFLOW__GRDF__", "AIRFLOW_CONN_")) or name in ours
        ]:
            patch.delenv(name)
        patch.setenv("AIRFLOW_CONN_UPGRADED_COUCHDB", env["AIRFLOW_CONN_UPGRADED_COUCHDB"])
        if postgres.available():
            env |= postgres.start_postgres(servers).airflow_settings()
        python = str(root / ".venv" / "bin" / "python")
        old, new = Installation(root, python, home, env), Installation(ROOT, sys.executable, home, env)
        found = Upgrade(world, CouchDBHook("upgraded_couchdb"), old, new)
        with Processes() as running:
            old.start(running)
            for name in (COZY, CODE):
                grant = consent(world.facts, world.door, holder(name))
                book.save(cozy_account(name, grant, world.facts) if name == COZY else code_account(name, grant))
            found.runs = old.wait_for_runs({dag_id(COZY): None, dag_id(CODE): None}, seconds=PATIENCE)
        assert {run["state"] for run in found.runs.values()} == {"success"}
        found.before = {name: found.stored(name) for name in (COZY, CODE)}
        for block in COMMANDS["As folders, or as a package"]:
            done = subprocess.run(
                ["bash", "-euc", block], env=os.environ | new.env, cwd=home, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{block}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        with Processes() as running:
            new.start(running)
            yield found


def test_the_former_version_has_read_them(upgraded: Upgrade) -> None:
    """Otherwise the rest says nothing."""
    for name in (COZY, CODE):
        assert len(days_of(upgraded.before[name])) > 900


def test_dags_and_their_runs_are_still_there(upgraded: Upgrade) -> None:
    airflow = upgraded.new
    wait(lambda: airflow.api("GET", "/dags/grdf_health").ok)
    for name, run in upgraded.runs.items():
        dag = airflow.api("GET", f"/dags/{name}").json()
        assert (dag["is_paused"], dag["is_stale"], dag["has_import_errors"]) == (False, False, False)
        assert [each["dag_run_id"] for each in airflow.runs(name)] == [run["dag_run_id"]], "no run is started again"
        for task in TASKS:
            assert "Account upgraded-" in airflow.task_log(name, run["dag_run_id"], task)
    assert airflow.api("GET", "/importErrors").json()["import_errors"] == []


def test_what_is_stored_stays_and_goes_on(upgraded: Upgrade) -> None:
    """GRDF corrects a day; the next run stores it, and what the version before did not store of the days it reads."""
    airflow, (pce,) = upgraded.new, holder(COZY).pces
    corrected = yesterday(upgraded.world) - timedelta(days=9)
    upgraded.world.control.correct(pce, corrected, 777.0)
    ended = airflow.wait_for_runs({dag_id(COZY): airflow.trigger(dag_id(COZY))}, seconds=PATIENCE)[dag_id(COZY)]
    assert ended["state"] == "success", [airflow.task_log(dag_id(COZY), ended["dag_run_id"], task) for task in TASKS]
    now, before = days_of(upgraded.stored(COZY)), days_of(upgraded.before[COZY])
    assert {day for day in before if now.get(day) != before[day]} == {corrected.isoformat()}
    assert now[corrected.isoformat()] == 777
    assert upgraded.stored(COZY) == summed(now)
    document = upgraded.couch.get("com.grandlyon.grdf.day", f"{COZY}:{pce}:{corrected - timedelta(days=1)}")
    assert document is not None
    assert document["volume"] > 0
    assert "changes" not in document


def test_the_morning_s_checks_know_the_accounts(upgraded: Upgrade) -> None:
    airflow = upgraded.new
    for dag in ("grdf_consents", "grdf_health"):
        run = airflow.wait_for_runs({dag: airflow.trigger(dag)}, seconds=PATIENCE)[dag]
        assert run["state"] == "success", dag


def test_the_page_shows_them(upgraded: Upgrade) -> None:
    headers = {"Authorization": f"Bearer {upgraded.new.token('admin', upgraded.new.password)}"}
    answer = upgraded.new._session.get(f"{upgraded.new.url}/grdf/accounts/{CODE}", headers=headers, timeout=300)
    assert answer.ok, answer.text
    assert holder(CODE).pces[0] in answer.text


def test_a_household_can_leave(upgraded: Upgrade) -> None:
    """Nothing that the former version has stored of it is left behind."""
    airflow, dag = upgraded.new, "grdf_delete_account"
    conf = {"account": CODE, "confirm": CODE, "dry_run": False}
    answer = airflow.api("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})
    assert answer.ok, answer.text
    run = airflow.wait_for_runs({dag: answer.json()["dag_run_id"]}, seconds=PATIENCE)[dag]
    assert run["state"] == "success"
    assert upgraded.stored(CODE) == {}
    assert upgraded.couch.get("io.cozy.accounts", CODE) is None
    assert upgraded.stored(COZY) != {}
