"""One data token for all accounts and all workers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers import connect_code, connect_cozy, known_account
from tests.runs.runner import worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.runs.runner import Worker


def test_one_token_request_serves_several_accounts(world: LocalWorld, airflow: Worker, account_id: str) -> None:
    names = [account_id, f"second-{account_id[:-5]}6{account_id[-4:]}", f"third-{account_id[:-5]}7{account_id[-4:]}"]
    connect_cozy(world, names[0])
    connect_code(world, names[2])
    known_account(world, names[1])
    airflow.ask("forget_token")
    world.control.clear_log()

    runs = [airflow.run(name) for name in names for _ in range(2)]

    assert [run.state for run in runs] == ["success"] * 6, [run.output for run in runs if run.state != "success"]
    asked = [call for run in runs for call in run.token_calls]
    assert len(asked) == 2, "one for data, one for the code that was still to be exchanged"
    assert [len(run.token_calls) for run in runs] == [1, 0, 0, 0, 1, 0]


def test_two_workers_at_once_ask_for_one_token(
    world: LocalWorld, airflow: Worker, account_id: str, tmp_path: Path
) -> None:
    names = [account_id, f"second-{account_id[:-5]}8{account_id[-4:]}"]
    for name in names:
        known_account(world, name)
        assert airflow.run(name).state == "success"  # two workers cannot write new DAGs at once
    with worker(tmp_path / "second.log", world) as other:
        other.ask("shared_token")  # it has imported Airflow now
        airflow.ask("forget_token")
        world.control.clear_log()
        world.control.fault("/access_token", status=None, delay_s=0.5, times=None)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(who.run, name) for who, name in zip((airflow, other), names, strict=True)]
            states = [job.result().state for job in jobs]

    assert states == ["success", "success"]
    assert len([call for call in world.control.log() if call["path"].endswith("/access_token")]) == 1


@pytest.mark.parametrize("lifetime", [3, 14399])
def test_token_is_renewed_before_it_ends(world: LocalWorld, airflow: Worker, account_id: str, lifetime: int) -> None:
    known_account(world, account_id)
    world.control.set(token_lifetime_s=lifetime)
    airflow.ask("forget_token")

    runs = [airflow.run(account_id) for _ in range(3)]

    assert {run.state for run in runs} == {"success"}
    statuses = [call["status"] for run in runs for call in run.data_calls]
    assert statuses == [200] * 3, "a token that ends is never used"
    asked = sum(len(run.token_calls) for run in runs)
    assert asked == 1 if lifetime > 60 else 1 <= asked <= 3
    world.control.set(token_lifetime_s=14399)
    airflow.ask("forget_token")
