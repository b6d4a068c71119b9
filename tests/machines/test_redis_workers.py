"""Celery's workers with the users of Redis: each does its work, and who has one of them takes over no other.

Real workers of Airflow take messages here, without the rest of Airflow; ``test_workers.py`` runs whole DAGs.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.sandbox.processes import Child, Processes
from tests.helpers import wait
from tests.machines.guarded_workers import SECONDS, Workers
from tests.redis_users import ADMIN, GuardedRedis, start_guarded_redis
from tests.servers import servers_missing

pytestmark = pytest.mark.skipif(
    bool(servers_missing()) and not os.environ.get("CI"), reason=f"not installed here: {servers_missing()}"
)


@pytest.fixture(scope="module")
def workers(redis: GuardedRedis, processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Workers:
    return Workers(redis, processes, tmp_path_factory.mktemp("workers"))


@pytest.fixture(scope="module")
def pair(redis: GuardedRedis, workers: Workers) -> tuple[Child, Child]:
    redis.client(ADMIN).flushall()
    redis.refused()
    return workers.start("worker", "default,default.reports"), workers.start("deletion", "deletion")


def test_each_worker_runs_what_is_in_its_queue(
    redis: GuardedRedis, workers: Workers, pair: tuple[Child, Child]
) -> None:
    """Queues of one's own included; and Airflow's own task, whose workload is none here."""
    sent = {queue: workers.send("tests.who", queue=queue) for queue in ("default", "default.reports", "deletion")}
    told = {queue: workers.end(task) for queue, task in sent.items()}
    mine, its = pair
    assert told == {"default": mine.pid, "default.reports": mine.pid, "deletion": its.pid}
    for queue in sent:
        failed = workers.send("execute_workload", "{}", queue=queue)
        wait(lambda failed=failed: workers.state(failed)[0] == "FAILURE", SECONDS, "a result")
    assert redis.refused() == [], "each has the rights that it needs"
    left = {key.decode() for key in redis.client(ADMIN).keys("*")}
    assert left <= {"worker.unacked_mutex", "deletion.unacked_mutex"}, "no table, no mailbox"


def test_nobody_tells_the_deletions_worker_what_to_do(
    redis: GuardedRedis, workers: Workers, pair: tuple[Child, Child]
) -> None:
    """A worker is refused. And where even the administrator tells all of them to stop, nobody listens."""
    import redis as driver
    from celery import Celery
    from kombu.exceptions import OperationalError

    orders: list[Callable[[Any], Any]] = [
        lambda control: control.broadcast("shutdown"),
        lambda control: control.add_consumer("default", reply=True),
        lambda control: control.pool_restart(reply=True),
        lambda control: control.revoke("x", terminate=True),
    ]
    usual = Celery("usual", broker=f"{redis.url('worker')}/0")
    for order in orders:
        with pytest.raises((driver.exceptions.NoPermissionError, OperationalError), match="No permissions"):
            order(usual.control)
    strong = Celery("strong", broker=f"{redis.url(ADMIN)}/0")
    for order in orders:
        assert not order(strong.control), "no answer"
    assert strong.control.inspect(timeout=2).ping() is None
    assert redis.client(ADMIN).pubsub_numpat() == 0
    told = workers.scheduler().control.revoke("x")
    assert told is None, "Airflow sends it for a task that waits too long; it reaches nobody"
    assert workers.end(workers.send("tests.who", queue="deletion")) == pair[1].pid


def test_a_forged_result_runs_nothing(redis: GuardedRedis, workers: Workers, tmp_path: Path) -> None:
    """Results are JSON. What one says of an exception is only believed if it names a class of exceptions.

    One that cannot be read counts as none, and stops no scheduler, which reads many at once.
    """
    from airflow.providers.celery.executors.celery_executor_utils import BulkStateFetcher
    from celery.result import AsyncResult

    mark = tmp_path / "forged"
    system = {"exc_module": "os", "exc_type": "system", "exc_message": [f"touch {mark}"]}
    rest = {"status": "FAILURE", "traceback": None, "children": [], "task_id": "x"}
    pickled = f"cos\nsystem\n(S'touch {mark}'\ntR."
    worker = redis.client("worker", 2)
    scheduler = workers.scheduler()
    fetcher = BulkStateFetcher(sync_parallelism=1, celery_app=scheduler)
    worker.set("celery-task-meta-y", json.dumps(rest | {"task_id": "y", "status": "SUCCESS", "result": None}), ex=60)
    for forged in (
        *(json.dumps(rest | {"result": each}) for each in (system, "text", 5, [1])),
        *(json.dumps(rest | {"status": "SUCCESS", "task_id": each}) for each in (None, ["x"], {})),
        *(json.dumps(rest | {"status": each, "result": None}) for each in (None, ["SUCCESS"], {})),
        *(pickled, "", "{}", "[]", "null", "{", "\x00", "[" * 100_000),
    ):
        worker.set("celery-task-meta-x", forged, ex=60)
        assert workers.state("x") == ("PENDING", None), forged[:100]
        states = fetcher.get_many([AsyncResult(task, app=scheduler) for task in "xy"])
        assert {task: state for task, (state, _) in states.items()} == {"x": "PENDING", "y": "SUCCESS"}, forged[:100]
    worker.set("celery-task-meta-x", json.dumps(rest | {"status": "SUCCESS", "result": None}), ex=60)
    assert workers.state("x") == ("SUCCESS", None), "that it may say"
    assert not mark.exists()


@pytest.mark.parametrize(("user", "queue"), [("worker", "default"), ("deletion", "deletion")])
def test_what_a_killed_worker_had_taken_comes_back(
    redis: GuardedRedis, workers: Workers, pair: tuple[Child, Child], tmp_path: Path, user: str, queue: str
) -> None:
    redis.refused()
    victim = pair[user == "deletion"]
    slow = workers.send("tests.slow", 3600, str(tmp_path), queue=queue)
    wait(lambda: workers.state(slow)[0] == "STARTED", SECONDS, "a task that runs")
    admin = redis.client(ADMIN)
    assert admin.hlen(f"{user}.unacked") == 1
    os.killpg(victim.pid, 9)  # as if the machine lost power
    other = workers.start(user, queue)
    assert workers.end(slow) == other.pid
    assert admin.hlen(f"{user}.unacked") == 0
    assert redis.refused() == []


def test_what_is_forged_among_ones_own_tasks_goes_no_further(tmp_path: Path) -> None:
    """A worker writes what it likes into its own list of unfinished tasks; whoever puts that back has its rights alone.

    The same in the list that all workers share where Celery is left as it is: nobody looks there.
    """
    with Processes() as own:
        (tmp_path / "redis").mkdir()
        redis = start_guarded_redis(own, tmp_path / "redis")
        workers = Workers(redis, own, tmp_path)
        workers.send("tests.slow", 0, str(tmp_path), queue="default")
        admin = redis.client(ADMIN)
        message = json.loads(admin.lpop("default"))
        message["properties"]["delivery_info"]["routing_key"] = "deletion"
        forged = json.dumps([message, "", "deletion"])
        for prefix, who in (("worker.", redis.client("worker")), ("", admin)):
            who.hset(f"{prefix}unacked", "forged", forged)
            who.zadd(f"{prefix}unacked_index", {"forged": 1})
        deletions = workers.start("deletion", "deletion")
        workers.start("worker", "default", ready=False)
        wait(lambda: "worker: deletion" in redis.refused(), SECONDS, "a refusal")
        assert workers.end(workers.send("tests.who", queue="deletion")) == deletions.pid
        time.sleep(5)
        assert not (tmp_path / "was-here").exists(), "it was run by nobody"
        assert admin.hkeys("unacked") == [b"forged"]
        # A rightful entry is put back and runs: the forged one was a good one.
        redis.client("deletion").hset("deletion.unacked", "forged", forged)
        redis.client("deletion").zadd("deletion.unacked_index", {"forged": 1})
        wait((tmp_path / "was-here").exists, SECONDS, "the task")


def test_a_worker_gives_a_sign_of_life_while_it_reaches_redis(tmp_path: Path) -> None:
    with Processes() as own:
        (tmp_path / "redis").mkdir()
        redis = start_guarded_redis(own, tmp_path / "redis")
        workers = Workers(redis, own, tmp_path)
        worker = workers.start("deletion", "deletion")
        first = workers.alive(worker)
        wait(lambda: workers.alive(worker) > first, SECONDS, "a second sign")
        own.children[0].stop()
        time.sleep(3)
        last = workers.alive(worker)
        time.sleep(6)
        assert workers.alive(worker) == last
        assert worker.alive(), "it waits for Redis"
