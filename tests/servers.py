"""Servers besides PostgreSQL that several machines share, on free loopback ports: moto's object store, and Redis."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests
import yaml

from include.sandbox.processes import LOOPBACK, Processes, free_port
from tests import postgres

ROOT = Path(__file__).resolve().parents[1]


def servers_missing() -> str:
    lacking = [] if postgres.available() else ["PostgreSQL (apt-get install postgresql)"]
    if shutil.which("redis-server") is None:
        lacking.append("Redis (apt-get install redis-server)")
    return " and ".join(lacking)


@dataclass(frozen=True)
class ObjectStore:
    endpoint: str
    bucket: str
    connection: str

    def objects(self, prefix: str = "") -> list[str]:
        import boto3

        client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id="invented", aws_secret_access_key="invented",
        )  # fmt: skip
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


def start_object_store(processes: Processes, folder: Path) -> ObjectStore:
    port, bucket = free_port(), "grdf-staging"
    endpoint = f"http://{LOOPBACK}:{port}"
    child = processes.start(
        "The object store",
        [sys.executable, "-m", "moto.server", "--host", LOOPBACK, "--port", str(port)],
        log=folder / "object-store.log",
    )
    child.await_http(f"{endpoint}/moto-api/", 300)
    made = requests.put(f"{endpoint}/{bucket}", timeout=30)
    made.raise_for_status()
    extra = f"endpoint_url={quote(endpoint, safe='')}&region_name=us-east-1"
    return ObjectStore(endpoint, bucket, f"aws://invented:invented@/?{extra}")


def start_redis(processes: Processes, folder: Path) -> str:
    """Start a Redis server by the command of the compose file, and return its address, without a database number."""
    service = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]["redis"]
    *shell, script = service["command"]
    port, password = free_port(), secrets.token_hex(16)
    own = f" --bind {LOOPBACK} --port {port} --dir '{folder}' "
    assert (script.count(" --dir /data "), script.count("/tmp/redis.conf")) == (1, 2)
    script = (
        script.replace(" --dir /data ", own).replace("/tmp/redis.conf", f"'{folder}/redis.conf'").replace("$$", "$")
    )
    env = {"REDIS_PASSWORD": password, "PATH": os.environ["PATH"]}
    child = processes.start("Redis", [*shell, script], log=folder / "redis.log", env=env)
    child.await_line("Ready to accept connections", 120)
    return f"redis://:{password}@{LOOPBACK}:{port}"
