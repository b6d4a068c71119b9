"""A Redis as the compose file starts it: with its users, their rights, and an administrator of the tests."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from include.sandbox.processes import LOOPBACK, Processes, free_port

if TYPE_CHECKING:
    from redis import Redis

ROOT = Path(__file__).resolve().parents[1]
ADMIN = "admin-of-the-tests"
USERS = ("scheduler", "worker", "deletion", "quota")


@dataclass(frozen=True)
class GuardedRedis:
    """A running Redis server with users.

    :param port: its port on loopback
    :param passwords: of each user
    """

    port: int
    passwords: dict[str, str]

    def url(self, user: str) -> str:
        """Return the server's address with a user's login, without a database number."""
        return f"redis://{user}:{self.passwords[user]}@{LOOPBACK}:{self.port}"

    def client(self, user: str, database: int = 0) -> Redis:
        """Return a client that is logged in as a user."""
        import redis

        client: Redis = redis.Redis.from_url(f"{self.url(user)}/{database}", socket_timeout=30)
        return client

    def refused(self) -> list[str]:
        """Return what users were refused since the start or the last call: the user, and what it wanted."""
        admin = self.client(ADMIN)
        log = admin.acl_log()
        admin.acl_log_reset()
        return [f"{each['username']}: {each['object']}" for each in log]


def start_guarded_redis(processes: Processes, folder: Path, *options: str) -> GuardedRedis:
    """Start a Redis server by the command of the compose file, which fills in the passwords of its users.

    :param processes: the block that stops it
    :param folder: takes the place of the container's file system
    :param options: more options of ``redis-server``
    """
    service = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]["redis"]
    *shell, script = service["command"]
    (folder / "data").mkdir()
    for there, here in (
        ("/etc/grdf/redis-users.conf", ROOT / "deploy" / "redis-users.conf"),
        ("/tmp/redis.conf", folder / "redis.conf"),
        ("/data", folder / "data"),
    ):
        assert script.count(f" {there}") == 1 + (there == "/tmp/redis.conf")
        script = script.replace(f" {there}", f" {here}")
    port = free_port()
    passwords = {user: secrets.token_hex(16) for user in (*USERS, ADMIN)}
    (folder / "admin.conf").write_text(f"user {ADMIN} on >{passwords[ADMIN]} ~* &* +@all\n", encoding="utf-8")
    own = f"--bind {LOOPBACK} --port {port} --include {folder / 'admin.conf'} {' '.join(options)}"
    child = processes.start(
        "Redis with users",
        [*shell, f"{script.rstrip().replace('$$', '$')} {own}"],
        log=folder / "redis.log",
        env={f"REDIS_{user.upper()}_PASSWORD": passwords[user] for user in USERS} | {"PATH": os.environ["PATH"]},
    )
    child.await_line("Ready to accept connections", 120)
    return GuardedRedis(port, passwords)
