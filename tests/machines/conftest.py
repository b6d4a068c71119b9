"""A real Redis with the users of ``deploy/redis-users.conf``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.sandbox.processes import Processes
from tests.redis_users import ADMIN, GuardedRedis, start_guarded_redis


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
