"""A Prometheus with this project's rules, and what stands between it and Airflow's metrics.

Prometheus' statsd_exporter is a program in Go that Debian does not package, so :class:`Exporter` takes its place. What
Airflow's StatsD client sends: promise 20.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from include.sandbox.processes import Processes, free_port

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"


class Exporter:
    """What Airflow tells its metrics, and a Prometheus reads. It names them as ``statsd-mapping.yaml`` says."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, str]]] = []
        rules = yaml.safe_load((MONITORING / "statsd-mapping.yaml").read_text())["mappings"]
        self._names = {rule["match"]: rule["name"] for rule in rules}
        self._values: dict[str, float] = {}
        exporter = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = "".join(f"{series} {value!r}\n" for series, value in exporter._values.copy().items())
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *about: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.port = self._http.server_port
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def gauge(self, name: str, value: float, tags: dict[str, str] | None = None, **_: Any) -> None:
        self._values[self._series(name, tags)] = float(value)

    def incr(self, name: str, count: int = 1, tags: dict[str, str] | None = None, **_: Any) -> None:
        series = self._series(name, tags)
        self._values[series] = self._values.get(series, 0.0) + count

    def _series(self, name: str, tags: dict[str, str] | None) -> str:
        self.told.append((name, tags or {}))
        labels = ",".join(f'{key}="{value}"' for key, value in sorted((tags or {}).items()))
        return f"{self._names.get(f'airflow.{name}') or f'airflow.{name}'.replace('.', '_')}{{{labels}}}"


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
    url, file = f"http://127.0.0.1:{free_port()}", folder / "prometheus.yml"
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "prometheus-rules.yaml")],
        "scrape_configs": [{"job_name": "statsd", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}],
    }
    file.write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    with Processes() as processes:
        listen = f"--web.listen-address={url.removeprefix('http://')}"
        processes.start("Prometheus", [*command, listen], log=folder / "log").await_http(f"{url}/-/ready", 60)
        yield Prometheus(url)
