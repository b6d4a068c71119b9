"""The users of Redis (``deploy/redis-users.conf``): what each may do there, and what the others may not.

``test_redis_workers.py`` does the same with real workers.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.machines.redis_commands import ATTACKERS, NOBODYS, READS, WRITES
from tests.redis_users import ADMIN, USERS, GuardedRedis
from tests.servers import servers_missing

pytestmark = pytest.mark.skipif(
    bool(servers_missing()) and not os.environ.get("CI"), reason=f"not installed here: {servers_missing()}"
)


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
