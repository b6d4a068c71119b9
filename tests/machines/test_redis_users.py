"""The users of Redis (``deploy/redis-users.conf``): each does its work, and who has one of them takes over no other.

Real workers of Airflow take messages here, without the rest of Airflow; ``test_workers.py`` runs whole DAGs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.sandbox.processes import Child, Processes
from tests.helpers import wait
from tests.redis_users import ADMIN, USERS, GuardedRedis, start_guarded_redis
from tests.servers import servers_missing

if TYPE_CHECKING:
    from celery import Celery

pytestmark = pytest.mark.skipif(
    bool(servers_missing()) and not os.environ.get("CI"), reason=f"not installed here: {servers_missing()}"
)

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0
ATTACKERS = ("worker", "quota")
"""Whom a worker of households, and the API server, come in as."""


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    with Processes() as running:
        yield running


@pytest.fixture(scope="module")
def redis(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> GuardedRedis:
    """A Redis in which these are no commands that are switched off: what refuses them is the user's rights."""
    allowed = "--enable-debug-command local --enable-module-command local"
    return start_guarded_redis(processes, tmp_path_factory.mktemp("redis"), allowed)


@pytest.fixture
def empty(redis: GuardedRedis) -> GuardedRedis:
    """The same server without data, and with what an attacker would like to have."""
    admin = redis.client(ADMIN)
    admin.flushall()
    admin.acl_log_reset()
    admin.rpush("default", "own")
    admin.rpush("deletion", "a deletion, with its token")
    admin.hset("deletion.unacked", "tag", "taken")
    admin.zadd("deletion.unacked_index", {"tag": 1})
    return redis


# ---- what each may not ----

WRITES: list[tuple[Any, ...]] = [
    # The queue itself, as it is and by priority
    *((command, key, "forged") for command in ("LPUSH", "RPUSH") for key in ("deletion", "deletion\x06\x163")),
    ("LPUSHX", "deletion", "forged"),
    ("LINSERT", "deletion", "BEFORE", "a deletion, with its token", "forged"),
    ("LSET", "deletion", 0, "forged"),
    ("LTRIM", "deletion", 1, 0),
    ("SET", "deletion", "forged"),
    ("SETEX", "deletion", 9, "forged"),
    ("DEL", "deletion"),
    ("UNLINK", "deletion"),
    ("EXPIRE", "deletion", 0),
    # From a key of one's own
    ("RENAME", "default", "deletion"),
    ("RENAMENX", "default", "new"),
    ("COPY", "default", "deletion", "REPLACE"),
    ("MOVE", "default", 5),
    ("SORT", "default", "ALPHA", "STORE", "deletion"),
    ("LMOVE", "default", "deletion", "LEFT", "LEFT"),
    ("BLMOVE", "default", "deletion", "LEFT", "LEFT", 1),
    ("RPOPLPUSH", "default", "deletion"),
    ("BRPOPLPUSH", "default", "deletion", 1),
    ("SUNIONSTORE", "deletion", "no-set"),
    # What the deletions' worker has taken, and would put back into the queue that is named there
    ("HSET", "deletion.unacked", "tag", "forged"),
    ("HDEL", "deletion.unacked", "tag"),
    ("ZADD", "deletion.unacked_index", 0, "forged"),
    ("SET", "deletion.unacked_mutex", "forged", "NX", "EX", 9),
    # The same under the names that all workers share where Celery is left as it is
    ("HSET", "unacked", "tag", "forged"),
    ("ZADD", "unacked_index", 0, "forged"),
    # Where Celery would look for the queues of an exchange, and whom a worker answers
    ("SADD", "_kombu.binding.deletion", "deletion\x06\x16\x06\x16default"),
    ("SADD", "_kombu.binding.default", "default\x06\x16\x06\x16deletion"),
    ("ZADD", "_kombu.binding_deadlines", 0, "deletion"),
    ("LPUSH", "x.reply.celery.pidbox", "forged"),
    ("PUBLISH", "/0.celery.pidbox", "forged"),
    ("PUBLISH", "/0.deletion.pidbox", "forged"),
    # Lua
    ("EVAL", "return redis.call('LPUSH', KEYS[1], 'forged')", 1, "deletion"),
    ("EVAL", "return redis.call('LPUSH', 'deletion', 'forged')", 0),
    ("SCRIPT", "LOAD", "return 1"),
    ("FUNCTION", "LOAD", "REPLACE", "#!lua name=x\nredis.register_function('x', function() return 1 end)"),
]
READS: list[tuple[Any, ...]] = [
    ("LRANGE", "deletion", 0, -1),
    ("LLEN", "deletion"),
    ("BRPOP", "deletion", 1),
    ("BRPOP", "default", "deletion", 1),
    ("HGET", "deletion.unacked", "tag"),
    ("HGETALL", "deletion.unacked"),
    ("ZRANGE", "deletion.unacked_index", 0, -1),
    ("DUMP", "deletion"),
    ("KEYS", "*"),
    ("SCAN", 0),
    ("RANDOMKEY",),
    ("DBSIZE",),
    ("INFO",),
    ("CLIENT", "LIST"),
    ("PUBSUB", "CHANNELS"),
]
NOBODYS = [
    *("FLUSHDB", "FLUSHALL", "SWAPDB 0 1", "SHUTDOWN NOSAVE", "CONFIG SET requirepass x", "CONFIG GET dir", "MONITOR"),
    *("ACL SETUSER worker +@all", "ACL LIST", "ACL GETUSER deletion", "DEBUG SLEEP 0", "REPLICAOF 127.0.0.1 1"),
    *(
        "SLAVEOF 127.0.0.1 1",
        "MODULE LIST",
        "MODULE LOAD x",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "FAILOVER",
        "PSYNC ? -1",
    ),
    *("CLIENT KILL TYPE normal", "CLIENT PAUSE 1000", "CLIENT NO-EVICT on", "CLIENT TRACKING on", "SCRIPT FLUSH"),
    *("SCRIPT KILL", "FUNCTION FLUSH", "EVALSHA 0 0", "FCALL x 0", "SLOWLOG GET", "LATENCY RESET", "CLUSTER INFO"),
    *("MIGRATE 127.0.0.1 1 default 0 1", "SUBSCRIBE /0.celery.pidbox", "PSUBSCRIBE *", "SSUBSCRIBE x", "MEMORY DOCTOR"),
    *("OBJECT HELP", "WAIT 0 0", "LOLWUT", "RESTORE deletion 0 forged", "RESTORE default 0 forged"),
]
"""What no user may at all."""


def name_of(command: Any) -> str:
    text = command if isinstance(command, str) else " ".join(map(str, command))
    return text.encode("unicode_escape").decode()[:50]


@pytest.mark.parametrize("attacker", ATTACKERS)
@pytest.mark.parametrize("command", [*WRITES, *READS], ids=name_of)
def test_nobody_else_reaches_what_is_the_deletions(
    empty: GuardedRedis, attacker: str, command: tuple[Any, ...]
) -> None:
    """Whoever may do everything can do it, so the command is one that would have worked."""
    import redis

    admin = empty.client(ADMIN)

    def held() -> list[Any]:
        keys = sorted(admin.keys("*"))
        return [(key, admin.dump(key)) for key in keys]

    before = held()
    with pytest.raises(redis.exceptions.NoPermissionError):
        empty.client(attacker).execute_command(*command)
    assert held() == before
    assert len(empty.refused()) == 1
    admin.execute_command(*command)


@pytest.mark.parametrize(
    ("user", "command", "others"),
    [
        ("scheduler", ("LPUSH", "deletion", "x"), "worker quota"),
        ("scheduler", ("LPUSH", "default.reports", "x"), "deletion quota"),
        ("scheduler", ("GET", "celery-task-meta-x"), "quota"),
        ("deletion", ("BRPOP", "deletion", 1), "scheduler worker quota"),
        ("deletion", ("RPUSH", "deletion", "put back"), "scheduler worker quota"),
        ("deletion", ("HSET", "deletion.unacked", "tag", "x"), "scheduler worker quota"),
        ("deletion", ("ZADD", "deletion.unacked_index", 0, "x"), "scheduler worker quota"),
        ("deletion", ("SETEX", "celery-task-meta-x", 9, "x"), "scheduler quota"),
        ("worker", ("BRPOP", "default", "default.reports", 1), "scheduler deletion quota"),
        ("worker", ("HSET", "worker.unacked", "tag", "x"), "scheduler deletion quota"),
        ("quota", ("SET", "grdf:quota:x", "x"), "scheduler worker deletion"),
    ],
    ids=name_of,
)
def test_each_can_do_its_work(empty: GuardedRedis, user: str, command: tuple[Any, ...], others: str) -> None:
    """And the others cannot, but those whose work it is as well."""
    import redis

    for other in others.split():
        with pytest.raises(redis.exceptions.NoPermissionError):
            empty.client(other).execute_command(*command)
    empty.refused()
    empty.client(user).execute_command(*command)
    assert empty.refused() == []


@pytest.mark.parametrize("command", NOBODYS)
def test_what_nobody_may(empty: GuardedRedis, command: str) -> None:
    import redis

    for user in USERS:
        if user == "scheduler" and command.startswith("SUBSCRIBE"):
            continue  # it may listen to its own orders
        with pytest.raises(redis.exceptions.NoPermissionError):
            empty.client(user).execute_command(*command.split())
    assert empty.client(ADMIN).acl_dryrun(ADMIN, *command.split()) == b"OK", "it is a command"


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_a_transaction_is_refused_as_a_whole(empty: GuardedRedis, attacker: str) -> None:
    import redis

    client = empty.client(attacker)
    own = "grdf:quota:x" if attacker == "quota" else "worker.x"
    with pytest.raises(redis.exceptions.NoPermissionError), client.pipeline() as pipe:
        pipe.set(own, "own").execute_command("LPUSH", "deletion", "forged").execute()  # type: ignore[no-untyped-call]
    assert client.get(own) is None
    assert empty.client(ADMIN).lrange("deletion", 0, -1) == [b"a deletion, with its token"]


@pytest.mark.parametrize("user", USERS)
def test_no_right_is_a_dangerous_one(redis: GuardedRedis, user: str) -> None:
    admin = redis.client(ADMIN)
    said = admin.acl_getuser(user)
    assert "on" in said["flags"]
    assert "nopass" not in said["flags"]
    granted = {right.removeprefix("+") for right in said["commands"] if right.startswith("+")}
    assert said["categories"] == ["-@all"]
    for kind in ("admin", "dangerous", "scripting"):
        assert granted & set(admin.acl_cat(kind)) == set(), kind


def test_without_a_name_or_a_password_nobody_comes_in(redis: GuardedRedis) -> None:
    import redis as driver

    host = f"127.0.0.1:{redis.port}"
    for login in (
        "",
        ":@",
        f":{redis.passwords['scheduler']}@",
        f"default:{redis.passwords['scheduler']}@",
        "worker:x@",
    ):
        with pytest.raises(driver.exceptions.AuthenticationError):
            driver.Redis.from_url(f"redis://{login}{host}").ping()
    healthy = driver.Redis.from_url(f"redis://health:none@{host}")
    assert healthy.ping()
    for command in ("GET default", "LPUSH default x", "SELECT 1", "ACL WHOAMI", "INFO", "KEYS *"):
        with pytest.raises(driver.exceptions.NoPermissionError):
            healthy.execute_command(*command.split())


def test_the_calls_are_counted_by_the_user_for_it_alone(empty: GuardedRedis) -> None:
    from grdf.quota.quota_store import store_at
    from include.gas.errors import BadSettings

    def count(text: str | None, _now: float) -> tuple[str, int]:
        return str(int(text or 0) + 1), int(text or 0) + 1

    store = store_at(f"{empty.url('quota')}/1")
    assert [store.update("client", count) for _ in range(3)] == [1, 2, 3]
    assert empty.refused() == []
    for user in ("scheduler", "worker", "deletion"):
        with pytest.raises(BadSettings, match="NoPermissionError"):
            store_at(f"{empty.url(user)}/1").update("client", count)


# ---- real workers ----


class Workers:
    """Airflow's Celery workers with the project's configuration, and what the scheduler sends them."""

    def __init__(self, redis: GuardedRedis, processes: Processes, folder: Path) -> None:
        self.redis = redis
        self._processes = processes
        self._folder = folder
        self._number = 0

    def start(self, user: str, queues: str, *, ready: bool = True) -> Child:
        """Start a worker. It looks every second for messages that another one has not finished in five.

        :param ready: whether to wait until it takes messages
        """
        self._number += 1
        home = self._folder / f"{user}-{self._number}"
        home.mkdir()
        options = {"unacked_restore_interval": "1", "unacked_restore_throttle": "1", "visibility_timeout": "5"}
        worker = self._processes.start(
            f"the worker of {user}",
            [
                *(sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs", "--without-mingle"),
                *("--without-gossip", "--concurrency", "1", "--queues", queues),
            ],
            log=home / "log",
            env={
                **{f"AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__{name.upper()}": it for name, it in options.items()},
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CELERY__CELERY_CONFIG_OPTIONS": "grdf.airflow.celery_config.CONFIG",
                "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": json.dumps({"imports": ["tests.machines.slow_task"]}),
                "AIRFLOW__CELERY__BROKER_URL": f"{self.redis.url(user)}/0",
                "AIRFLOW__CELERY__RESULT_BACKEND": f"{self.redis.url(user)}/2",
                "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "plugins"))),
                "TMPDIR": str(home),
            },
            cwd=home,
        )
        if ready:
            worker.await_line("ready", SECONDS)
        return worker

    def alive(self, worker: Child) -> float:
        """Return when a worker last gave its sign of life."""
        return (worker.log.parent / "grdf-worker-alive").stat().st_mtime

    def scheduler(self) -> Celery:
        """Return Celery as the scheduler uses it."""
        from celery import Celery

        from grdf.airflow.celery_config import CONFIG, config

        url = self.redis.url("scheduler")
        return Celery(
            "scheduler", config_source=config(CONFIG | {"broker_url": f"{url}/0", "result_backend": f"{url}/2"})
        )

    def send(self, task: str, *arguments: Any, queue: str) -> str:
        """Send a task as the scheduler does, and return its id."""
        sent = self.scheduler().send_task(task, args=arguments, queue=queue)
        sent.backend.remove_pending_result(sent)  # as its end would, which may come when Redis has gone
        sent.backend = None
        return str(sent.id)

    def state(self, task: str) -> tuple[str, Any]:
        """Return the state of a task and its result, as the scheduler reads them."""
        found = self.scheduler().backend.get_task_meta(task)
        return found["status"], found["result"]

    def end(self, task: str) -> Any:
        """Wait until a task has succeeded, and return its result."""
        wait(lambda: self.state(task)[0] == "SUCCESS", SECONDS, f"an end of {task}")
        return self.state(task)[1]


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
    """Results are JSON. What one says of an exception is only believed if it names a class of exceptions."""
    from celery.exceptions import SecurityError
    from kombu.exceptions import DecodeError

    mark = tmp_path / "forged"
    system = {"exc_module": "os", "exc_type": "system", "exc_message": [f"touch {mark}"]}
    rest = {"status": "FAILURE", "traceback": None, "children": [], "task_id": "x"}
    pickled = f"cos\nsystem\n(S'touch {mark}'\ntR."
    worker = redis.client("worker", 2)
    for forged, refusal in ((json.dumps(rest | {"result": system}), SecurityError), (pickled, DecodeError)):
        worker.set("celery-task-meta-x", forged, ex=60)
        with pytest.raises(refusal):
            workers.state("x")
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
