"""When a server counts as healthy: others wait for it, and what they do next must not meet a server that goes away."""

from __future__ import annotations

import shlex

import yaml

from tests.compose.engine import Engine
from tests.compose.images import ROOT, SERVERS


def test_a_database_that_is_still_being_made_is_not_healthy(images: Engine) -> None:
    """The image of PostgreSQL fills a new database through a server that only its own socket reaches, and stops it."""
    service = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]["postgres"]
    healthy = shlex.join(service["healthcheck"]["test"][1:])
    start = "pg_ctl --pgdata /tmp/data --silent --wait --log /tmp/log --options \"-c listen_addresses='%s'\""
    told = images.run(
        "run", "--rm", "--network", "none", "--user", "postgres", "--tmpfs", "/run/postgresql:mode=1777",
        "--entrypoint", "sh", SERVERS, "-euc",
        f"initdb --pgdata /tmp/data --username airflow --auth trust >/tmp/init; {start % ''} start; "
        f"{healthy} >/tmp/health && echo healthy || echo not yet; {start % '*'} restart; {healthy}",
    )  # fmt: skip
    assert told.split("\n")[-3:-1] == ["not yet", "127.0.0.1:5432 - accepting connections"], told
