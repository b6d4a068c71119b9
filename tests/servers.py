"""Servers that several machines share: PostgreSQL, Redis and an object store, each on a free loopback port.

They are Debian's programs (``postgresql``, ``redis-server``) and the Python package ``moto``, started here and ended by
pid. A machine without the programs gets :class:`NotInstalled`, which says what to install.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from include.sandbox.processes import LOOPBACK, ProcessError, Processes, free_port

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root; this user owns nothing and is on every Debian."""


class NotInstalled(Exception):
    """A program that the server needs is missing; the text says what to install."""


def servers_missing() -> str:
    """Say which of the programs is missing on this machine, and how to install it; empty when all are there."""
    lacking = [
        text
        for found, text in (
            (_postgres_program("initdb"), "PostgreSQL (apt-get install postgresql)"),
            (shutil.which("redis-server"), "Redis (apt-get install redis-server)"),
        )
        if found is None
    ]
    return " and ".join(lacking)


def start_postgres(processes: Processes, folder: Path, *, database: str = "airflow") -> str:
    """Start a PostgreSQL of one's own, without the waits for the disk that a test does not need.

    :param processes: ends it
    :param folder: made for its files; other users are let through the folders above it
    :param database: made in it
    :return: ``postgresql://postgres:password@127.0.0.1:port/database``
    :raises NotInstalled: when there is no PostgreSQL here
    """
    initdb, server = _postgres_program("initdb"), _postgres_program("postgres")
    if initdb is None or server is None:
        raise NotInstalled("PostgreSQL is not installed: run 'apt-get install postgresql' as root.")
    folder.mkdir(parents=True, mode=0o700)
    secret = folder / "password"
    secret.write_text("invented", encoding="utf-8")
    as_user: list[str | Path] = []
    if os.geteuid() == 0:
        for path in (folder, secret):
            shutil.chown(path, UNPRIVILEGED)
        _let_others_through(folder.parent)
        as_user = ["setpriv", f"--reuid={UNPRIVILEGED}", "--regid=nogroup", "--clear-groups"]
    data, port = folder / "data", free_port()
    done = subprocess.run(
        [*as_user, initdb, "--pgdata", data, "--username", "postgres", "--pwfile", secret,
         "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"],
        capture_output=True, text=True, check=False, cwd="/",
    )  # fmt: skip
    if done.returncode:
        raise ProcessError(f"PostgreSQL could not be prepared in {data}: {done.stderr.strip()}")
    options = {
        "listen_addresses": LOOPBACK, "port": port, "unix_socket_directories": "", "max_connections": 200,
        "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    }  # fmt: skip
    child = processes.start(
        "PostgreSQL",
        [*as_user, server, "-D", data, *(f"--{name}={value}" for name, value in options.items())],
        log=folder.with_name(f"{folder.name}.log"),
        cwd=Path("/"),
    )
    child.await_line("ready to accept connections", 60)
    address = f"postgresql://postgres:{quote('invented')}@{LOOPBACK}:{port}"
    _create(f"{address}/postgres", database)
    return f"{address}/{database}"


def _let_others_through(folder: Path) -> None:
    """Let PostgreSQL's user reach its folder: pytest keeps its own for one user."""
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o001)


def _create(address: str, database: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))


def _postgres_program(name: str) -> Path | None:
    """Find a program of PostgreSQL; Debian keeps those of each version apart, and off the PATH."""
    found = shutil.which(name)
    if found:
        return Path(found)
    versions = sorted(DEBIAN_POSTGRES.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return versions[-1] if versions else None


def start_redis(processes: Processes, folder: Path) -> str:
    """Start a Redis of one's own, which keeps nothing.

    :param processes: ends it
    :param folder: for its log
    :return: ``redis://127.0.0.1:port``, without the number of a database
    :raises NotInstalled: when there is no Redis here
    """
    program = shutil.which("redis-server")
    if program is None:
        raise NotInstalled("Redis is not installed: run 'apt-get install redis-server' as root.")
    port = free_port()
    child = processes.start(
        "Redis",
        [program, "--bind", LOOPBACK, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)],
        log=folder / "redis.log",
    )
    child.await_line("Ready to accept connections", 30)
    return f"redis://{LOOPBACK}:{port}"


@dataclass(frozen=True)
class ObjectStore:
    """An S3 server with one bucket.

    :param endpoint: its address
    :param bucket: the bucket
    :param connection: Airflow's connection to it, as a URI (Airflow doc, Amazon Web Services Connection)
    """

    endpoint: str
    bucket: str
    connection: str

    def objects(self, prefix: str = "") -> list[str]:
        """Give the keys of the objects, by a client that is not the one our code uses.

        :param prefix: what the keys begin with
        """
        import boto3

        client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id="invented", aws_secret_access_key="invented",
        )  # fmt: skip
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


def start_object_store(processes: Processes, folder: Path, *, bucket: str = "grdf-staging") -> ObjectStore:
    """Start moto's S3 server with an empty bucket; it keeps objects in memory.

    :param processes: ends it
    :param folder: for its log
    :param bucket: made in it
    """
    port = free_port()
    endpoint = f"http://{LOOPBACK}:{port}"
    child = processes.start(
        "The object store",
        [sys.executable, "-m", "moto.server", "--host", LOOPBACK, "--port", str(port)],
        log=folder / "object-store.log",
    )
    child.await_http(f"{endpoint}/moto-api/", 60)
    made = requests.put(f"{endpoint}/{bucket}", timeout=30)
    made.raise_for_status()
    extra = f"endpoint_url={quote(endpoint, safe='')}&region_name=us-east-1"
    return ObjectStore(endpoint, bucket, f"aws://invented:invented@/?{extra}")


def wait_until(found: object, seconds: float, what: str) -> None:
    """Wait until a function gives something true.

    :param found: the function
    :param seconds: time limit
    :param what: what is waited for, for the message
    """
    assert callable(found)
    limit = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < limit, f"no {what} within {seconds:.0f} s"
        time.sleep(0.5)
