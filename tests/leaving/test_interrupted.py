"""A deletion that is killed or interrupted at any point, and started again."""

from __future__ import annotations

import itertools
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.errors import ServiceUnavailable
from tests.leaving.household import Couch, assert_gone, household, revocations, rights
from tests.leaving.steps import delete
from tests.runs.proxy import Proxy, through

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker

FOUND = {DAY: 3, MONTH: 1, YEAR: 1, "staged": 1, "io.cozy.accounts": 1}
FIRST = 71_000
REMOVALS = ("/_bulk_docs", "/_purge")


class Killer:
    """Runs deletions in a real process, through a proxy that kills the process with SIGKILL at some request."""

    def __init__(self, world: LocalWorld, forks: Worker, folder: Path) -> None:
        self.world, self.forks, self.pid = world, forks, folder / "pid"
        self.lines: list[str] = []

    def __call__(self, account: str, when: Callable[[int, str], bool]) -> dict[str, Any]:
        def strike() -> None:
            os.kill(int(self.pid.read_text()), signal.SIGKILL)

        with Proxy(self.world.couch.url, when, strike).running() as proxy:
            env = through(self.world, proxy)
            answer = self.forks.ask("run_step", env, step="delete", account=account, pid_to=str(self.pid))
        self.lines = proxy.lines
        return dict(answer)


@pytest.fixture
def killed(clean: LocalWorld, forks: Worker, tmp_path: Path) -> Killer:
    return Killer(clean, forks, tmp_path)


def finish(world: LocalWorld, account: str, pces: tuple[str, ...]) -> dict[str, Any]:
    """Start a killed deletion again, and check that the result is the same as without the kill."""
    delete(account, run_id="run-2")
    record = dict(assert_gone(world, account, pces))
    assert record["removed"] == FOUND
    assert record["revoked"] == sorted(rights(world, pces))
    asked = revocations(world)
    assert len({right for right, _, _ in asked}) == len(asked), "no right was revoked twice"
    return record


def test_killed_after_any_write(clean: LocalWorld, killed: Killer) -> None:
    """This is tried for each write in turn, after CouchDB has carried it out and before its response arrives."""
    at, ended = 1, False
    while not ended:
        account, writes = f"killed-{FIRST + at}", itertools.count(1)
        pces = household(clean, account)
        clean.control.clear_log()

        def when(_number: int, line: str, at: int = at, writes: itertools.count[int] = writes) -> bool:
            is_write = line.startswith("PUT") or line.endswith(REMOVALS)
            return is_write and next(writes) == at

        struck = killed(account, when)
        ended = struck["signal"] is None
        if ended or any(record["finished_at"] for record in Couch(clean).records(account)):
            assert_gone(clean, account, pces)  # killed when everything was done, or not at all
        else:
            finish(clean, account, pces)
        at += 1
    assert len([line for line in killed.lines if line.endswith(REMOVALS)]) == 5
    assert at > 14, "so many writes there were"


@pytest.mark.parametrize("step", ["check", "mark", "revoke", "purge"])
def test_couchdb_is_down_at_a_step(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    pces = household(clean, account_id)
    names = ["check", "mark", "revoke", "purge"]
    at = names.index(step)
    delete(account_id, steps=names[:at])
    connection = json.loads(clean.connections()["AIRFLOW_CONN_COUCHDB"])
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(connection | {"port": 9}))
    with pytest.raises(ServiceUnavailable, match="could not be reached") as caught:
        delete(account_id, steps=[step])
    assert not any(pce in str(caught.value) for pce in pces)
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", json.dumps(connection))
    delete(account_id, steps=names[at:])  # as Airflow's own retry does
    assert assert_gone(clean, account_id, pces)["removed"] == FOUND


def test_the_accounts_are_lost_and_restored_meanwhile(clean: LocalWorld, account_id: str, couch: Couch) -> None:
    """What is revoked is in the ledger. The account that a backup brings back is of a household that has left."""
    pces = household(clean, account_id)
    delete(account_id, steps=("check", "mark"))
    accounts = "io-cozy-accounts"
    stored = couch.documents(accounts)
    couch.drop(accounts)
    delete(account_id, steps=("revoke", "purge"))
    couch.restore(accounts, [each for each in stored if each["_id"] != account_id])
    assert assert_gone(clean, account_id, pces)["revoked"] == sorted(rights(clean, pces))


def test_airflow_tries_again_what_may_pass(clean: LocalWorld, account_id: str, dags: Worker) -> None:
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=503)
    env = {
        "AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False",
        "AIRFLOW__GRDF__RETRIES": "2",
        "AIRFLOW__GRDF__RETRY_SECONDS": "1",
    }
    conf = {"account": account_id, "confirm": account_id, "dry_run": False}
    run = dags.ask("run_named", env, dag_id="grdf_delete_account", conf=conf)
    assert run["state"] == "success"
    assert set(run["tasks"].values()) == {"success"}
    assert "approve" not in run["tasks"]
    assert [status for _, status, _ in revocations(clean)] == [503, 200]
    record = assert_gone(clean, account_id, pces)
    assert (record["run"], record["asked_by"]) == (run["run_id"], "dag_test")


def test_a_run_that_fails_for_good_is_resumed_by_another(clean: LocalWorld, account_id: str, dags: Worker) -> None:
    """The second run may take over because Airflow says that the first one has ended."""
    pces = household(clean, account_id)
    clean.control.fault("/droit_acces/", status=403)
    env = {"AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False", "AIRFLOW__GRDF__RETRIES": "2"}
    conf = {"account": account_id, "confirm": account_id, "dry_run": False}
    first = dags.ask("run_named", env, dag_id="grdf_delete_account", conf=conf)
    assert (first["state"], first["tasks"]["revoke"]) == ("failed", "failed")
    second = dags.ask("run_named", env, dag_id="grdf_delete_account", conf=conf)
    assert second["state"] == "success"
    record = assert_gone(clean, account_id, pces)
    assert record["run"] == second["run_id"]


def test_a_run_that_airflow_does_not_know_any_more_is_resumed(
    clean: LocalWorld, account_id: str, couch: Couch, dags: Worker
) -> None:
    """It was killed in ``airflow dags test``, whose run no longer exists when the next one starts."""
    pces = household(clean, account_id)
    delete(account_id, run_id="killed-and-gone", steps=("check", "mark", "revoke"))
    before = couch.revisions()
    conf = {"account": account_id, "confirm": account_id, "dry_run": True}
    dry = dags.ask("run_named", {}, dag_id="grdf_delete_account", conf=conf)
    assert (dry["state"], dry["tasks"]["check"]) == ("success", "success")
    assert couch.revisions() == before
    env = {"AIRFLOW__GRDF__DELETION_NEEDS_APPROVAL": "False"}
    run = dags.ask("run_named", env, dag_id="grdf_delete_account", conf=conf | {"dry_run": False})
    assert run["state"] == "success"
    record = assert_gone(clean, account_id, pces)
    assert record["run"] == run["run_id"]
