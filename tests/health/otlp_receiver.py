"""Receives OpenTelemetry's metrics over HTTP, as a collector does, and keeps what they say."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

Key = tuple[str, tuple[tuple[str, str], ...]]


class OtlpReceiver:
    """Listens on a free loopback port.

    ``values`` holds what gauges and counters said last, by name and tags; ``histograms`` how many values each has.
    """

    def __init__(self) -> None:
        self.values: dict[Key, float] = {}
        self.histograms: dict[str, int] = {}
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.take(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *about: Any) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1/metrics"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def take(self, request: Any) -> None:
        for metric in (m for r in request.resource_metrics for scope in r.scope_metrics for m in scope.metrics):
            for point in (*metric.gauge.data_points, *metric.sum.data_points):
                tags = tuple(sorted((each.key, each.value.string_value) for each in point.attributes))
                self.values[metric.name, tags] = point.as_double or float(point.as_int)
            for point in (*metric.histogram.data_points, *metric.exponential_histogram.data_points):
                self.histograms[metric.name] = self.histograms.get(metric.name, 0) + point.count
