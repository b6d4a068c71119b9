"""What Airflow's own clients send of a household that is read and a fleet that is looked at; a real Prometheus."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml
from airflow.sdk._shared.observability.metrics.otel_logger import SafeOtelLogger
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics.stats_utils import get_stats_factory
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from grdf.metrics import ACCOUNTS, CALLS, METRICS, count, count_call, gauge
from include.sandbox.local_world import LocalWorld
from include.sandbox.processes import Processes, free_port
from tests.health.accounts import account, meter
from tests.helpers import connect_cozy, wait
from tests.plugins.conftest import Heard, Reply, Server
from tests.runs.account_run import run

if TYPE_CHECKING:
    from tests.health.conftest import Fleet

MONITORING = Path(__file__).resolve().parents[2] / "docs" / "monitoring"
HOME = "scraped-90581"


class Exporter:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str]]] = []
        rules = yaml.safe_load((MONITORING / "statsd-mapping.yaml").read_text())["mappings"]
        self._names = {rule["match"]: rule["name"] for rule in rules}
        self._values: dict[str, float] = {}

    def page(self, _: Heard) -> Reply:
        lines = (f"{series} {value!r}\n" for series, value in self._values.copy().items())
        return Reply("".join(lines), headers={"Content-Type": "text/plain; version=0.0.4"})

    def gauge(self, name: str, value: float, tags: dict[str, str] | None = None, **_: Any) -> None:
        self._values[self._series(name, tags)] = float(value)

    def incr(self, name: str, count: int = 1, tags: dict[str, str] | None = None, **_: Any) -> None:
        series = self._series(name, tags)
        self._values[series] = self._values.get(series, 0.0) + count

    def _series(self, name: str, tags: dict[str, str] | None) -> str:
        self.sent.append((name, tags or {}))
        labels = ",".join(f'{key}="{value}"' for key, value in sorted((tags or {}).items()))
        return f"{self._names.get(f'airflow.{name}') or f'airflow.{name}'.replace('.', '_')}{{{labels}}}"


def require_prometheus() -> None:
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        reason = "Prometheus is not installed here (apt-get install prometheus): dashboard and rules are not tried."
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


class Prometheus:
    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.url}/api/v1/query", params={"query": query}, timeout=30).json()
        assert answer["status"] == "success", (query, answer)
        return list(answer["data"]["result"])

    def rules(self) -> dict[str, dict[str, Any]]:
        groups = requests.get(f"{self.url}/api/v1/rules", timeout=30).json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@contextmanager
def prometheus(folder: Path, target: str) -> Iterator[Prometheus]:
    url, file = f"http://127.0.0.1:{free_port()}", folder / "prometheus.yml"
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "prometheus-rules.yaml")],
        "scrape_configs": [{"job_name": "statsd", "static_configs": [{"targets": [target.removeprefix("http://")]}]}],
    }
    file.write_text(json.dumps(config))
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    with Processes() as processes:
        listen = f"--web.listen-address={url.removeprefix('http://')}"
        processes.start("Prometheus", [*command, listen], log=folder / "log").await_http(f"{url}/-/ready", 60)
        yield Prometheus(url)


@pytest.fixture
def told_to() -> Iterator[Any]:
    yield lambda factory: stats.initialize(factory=factory, export_legacy_names=False)
    stats.initialize(factory=get_stats_factory(), export_legacy_names=False)


def live(world: LocalWorld, fleet: Fleet) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_COUCHDB", world.connections()["AIRFLOW_CONN_COUCHDB"])
        assert not run(world, HOME).failed
    assert not fleet.check().well


def test_all_metrics_arrive_by_opentelemetry(clean: LocalWorld, fleet: Fleet, told_to: Any) -> None:
    reader = InMemoryMetricReader()
    told_to(lambda: SafeOtelLogger(MeterProvider([reader])))
    fleet.add(account(711), account(712, age=9), account(713, age=9))
    connect_cozy(clean, HOME)
    live(clean, fleet)
    data: Any = reader.get_metrics_data()
    metrics = [each for one in data.resource_metrics for scope in one.scope_metrics for each in scope.metrics]
    values = {
        (metric.name.removeprefix("airflow."), tuple(sorted(point.attributes.items()))): point.value
        for metric in metrics for point in metric.data.data_points
    }  # fmt: skip
    assert {each.name for each in METRICS} <= {name for name, _ in values}
    ours = ("connection", "grdf_adict")
    assert values["grdf.newest_day_age_bucket", (ours, ("le", "7"))] == 1
    assert values["grdf.newest_day_age_bucket", (ours, ("le", "Inf"))] == 3
    assert values["grdf.health.red", (("cause", "unread"),)] == 1
    assert values["grdf.calls", (ours, ("kind", "daily"), ("outcome", "ok"))] == 1


def unanswered(found: Prometheus) -> list[str]:
    panels = json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
    queries = [target["expr"].replace("$client", ".*") for each in panels for target in each["targets"]]
    return [query for query in queries if not finite(found.ask(query))]


def finite(result: list[dict[str, Any]]) -> bool:
    return bool(result) and all(re.fullmatch(r"-?[0-9.e+-]+", each["value"][1]) for each in result)


def test_each_panel_and_rule_is_answered(clean: LocalWorld, fleet: Fleet, told_to: Any, tmp_path: Path) -> None:
    require_prometheus()
    fleet.add(*(account(number, age=9) for number in range(700, 703)), account(703))
    exporter = Exporter()
    with Server(exporter.page).running() as served, prometheus(tmp_path, served.url) as found:
        told_to(lambda: exporter)
        pces = connect_cozy(clean, HOME)
        for _ in range(2):  # what grows can only be drawn from then on
            live(clean, fleet)
            wait(lambda: found.ask("airflow_grdf_load_days_total"), seconds=30, what="a scrape")
        with suppress(AssertionError):
            wait(lambda: not unanswered(found), seconds=30)
        assert unanswered(found) == []
        rules = found.rules()
        assert {name: rule["health"] for name, rule in rules.items()} == dict.fromkeys(rules, "ok")
        series = {each for rule in rules.values() for each in re.findall(r"airflow_grdf_\w+", rule["query"])}
        assert [each for each in series if not found.ask(each)] == [], "rules ask for metrics that are not sent"
        wait(lambda: found.rules()["GrdfUnwell"]["state"] == "firing", seconds=30, what="an alert")
        assert found.rules()["GrdfNotChecked"]["state"] != "firing"
    assert {name for name, _ in exporter.sent if "grdf" in name} == {each.name for each in METRICS}, "and nothing else"
    private = (HOME, *pces, meter(700), *(f"watched-{number:05}" for number in range(700, 704)))
    assert not [tags for _, tags in exporter.sent for word in private if word in str(tags)]


def test_the_rules_fire_when_they_should() -> None:
    require_prometheus()
    for what in (["check", "rules", "prometheus-rules.yaml"], ["test", "rules", "prometheus-rules-test.yaml"]):
        done = subprocess.run(["promtool", *what], cwd=MONITORING, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class Broken:
    def incr(self, *_: object, **__: object) -> None:
        raise OSError("no such host")

    gauge = incr


def test_metrics_that_cannot_be_told_stop_nothing(told_to: Any) -> None:
    told_to(Broken)
    gauge(ACCOUNTS, 1, connection="grdf_adict", state="well")
    count(CALLS, connection="grdf_adict", kind="daily", outcome="ok")


@pytest.mark.parametrize(
    ("path", "status", "kind", "outcome"),
    [
        ("pce/09770000000001/donnees_consos_informatives", 200, "daily", "ok"),
        ("pce/09770000000001", None, "token", "unreachable"),
        ("droit_acces/right-id/preuves", 404, "proof", "refused"),
        ("droits_acces", 429, "rights", "too_many"),
        ("droits_acces", 503, "rights", "failed"),
    ],
)
def test_a_call_is_told_without_its_address(
    monkeypatch: pytest.MonkeyPatch, path: str, status: int | None, kind: str, outcome: str
) -> None:
    sent: list[dict[str, str]] = []
    monkeypatch.setattr(stats, "incr", lambda *_, tags, **__: sent.append(tags))
    count_call("south", f"https://api.example.org/adict/v2/{path}", status)
    assert sent == [{"connection": "south", "kind": kind, "outcome": outcome}]
