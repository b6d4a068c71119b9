"""A real Prometheus on a free loopback port, with this project's rules, for as long as a block lasts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from include.sandbox.processes import Processes, free_port

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"


def require_prometheus() -> None:
    """Skip where there is no Prometheus. Where CI is set, fail."""
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        told = "Prometheus is not installed here (apt-get install prometheus): dashboard and rules are not tried."
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)


class Prometheus:
    """The API of a running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return what a query gives now."""
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=30).json()
        assert answer["status"] == "success", (query, answer)
        return list(answer["data"]["result"])

    def rules(self) -> dict[str, dict[str, Any]]:
        groups = requests.get(f"{self.url}/api/v1/rules", timeout=30).json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    """Run Prometheus.

    :param folder: for its data
    :param target: the port of something to scrape every second
    """
    port = free_port()
    config: dict[str, Any] = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "prometheus-rules.yaml")],
        "scrape_configs": [{"job_name": "statsd", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))
    with Processes() as processes:
        child = processes.start(
            "Prometheus",
            [
                "prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            log=folder / "prometheus.log",
        )  # fmt: skip
        child.await_http(f"http://127.0.0.1:{port}/-/ready", 60)
        yield Prometheus(f"http://127.0.0.1:{port}")
