"""What Prometheus' statsd_exporter does with this project's metrics, by its own mapping file.

The exporter is a program in Go that Debian does not package, so this takes its place: it receives what Airflow's StatsD
client sends, with InfluxDB's tags, names it by ``docs/monitoring/statsd-mapping.yaml``, and shows it to a Prometheus.
"""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

MAPPING = Path(__file__).resolve().parents[2] / "docs" / "monitoring" / "statsd-mapping.yaml"
TYPES = {"c": "counter", "g": "gauge", "ms": "observer"}
Labels = tuple[tuple[str, str], ...]


class StatsdBridge:
    """Receives StatsD over UDP and serves ``/metrics`` over HTTP, both on loopback."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._rules = {
            (rule["match"], rule["match_metric_type"]): rule for rule in yaml.safe_load(MAPPING.read_text())["mappings"]
        }
        self._values: dict[tuple[str, str, Labels], float] = {}
        self._observed: dict[tuple[str, Labels], list[float]] = defaultdict(list)
        self._bounds: dict[str, list[float]] = {}
        self._lock = threading.Lock()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._udp.bind(("127.0.0.1", 0))
        self.statsd_port = int(self._udp.getsockname()[1])
        bridge = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = bridge.page().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *about: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.port = self._http.server_port
        for work in (self._receive, self._http.serve_forever):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._udp.close()

    def _receive(self) -> None:
        while True:
            try:
                packet = self._udp.recv(65_535).decode()
            except OSError:
                return
            with self._lock:
                for line in packet.splitlines():
                    self._take(line)

    def _take(self, line: str) -> None:
        head, _, tail = line.rpartition(":")
        value, kind = tail.split("|")[:2]
        name, *tags = head.split(",")
        if not name.startswith("airflow.grdf."):
            return
        self.lines.append(line)
        labels = tuple(sorted((key, text) for key, _, text in (tag.partition("=") for tag in tags)))
        rule = self._rules.get((name, TYPES[kind]), {})
        shown = rule.get("name") or name.replace(".", "_").replace("-", "_")
        if kind == "ms":
            self._bounds[shown] = rule["histogram_options"]["buckets"]
            self._observed[shown, labels].append(float(value) / 1000 * rule.get("scale", 1))
        elif kind == "g":
            self._values["gauge", shown, labels] = float(value)
        else:
            key = ("counter", shown, labels)
            self._values[key] = self._values.get(key, 0.0) + float(value)

    def page(self) -> str:
        """Return everything in Prometheus' text format."""
        with self._lock:
            lines = [f"{name}{_braces(labels)} {value!r}" for (_, name, labels), value in sorted(self._values.items())]
            for (name, labels), seen in sorted(self._observed.items()):
                for bound in self._bounds[name]:
                    number = sum(value <= bound for value in seen)
                    lines.append(f"{name}_bucket{_braces((*labels, ('le', str(bound))))} {number}")
                lines.append(f"{name}_bucket{_braces((*labels, ('le', '+Inf')))} {len(seen)}")
                lines += [f"{name}_sum{_braces(labels)} {sum(seen)!r}", f"{name}_count{_braces(labels)} {len(seen)}"]
        return "\n".join(lines) + "\n"


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{key}="{value}"' for key, value in labels) + "}" if labels else ""
