"""A real Prometheus reads what Airflow has sent of real runs, and answers each panel of the dashboard and each rule."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.metrics import METRICS
from tests.health.accounts import account, meter
from tests.health.prometheus import MONITORING, Prometheus, prometheus, require_prometheus
from tests.health.scene import Fleet
from tests.health.statsd_bridge import StatsdBridge
from tests.helpers import connect_cozy, wait, yesterday
from tests.runs.runner import Worker, worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

HOME = "scraped-90581"


def sends(patch: pytest.MonkeyPatch, **metrics: str) -> None:
    """Set what a process of Airflow's reads when it starts."""
    for name, value in metrics.items():
        patch.setenv(name, value)


def unanswered(found: Prometheus) -> list[str]:
    """Return the panels of the dashboard, for all clients, to whose query Prometheus has no figure."""
    panels = json.loads((MONITORING / "grafana-dashboard.json").read_text())["panels"]
    queries = [(each["title"], target["expr"]) for each in panels for target in each["targets"]]
    return [f"{title}: {query}" for title, query in queries if not finite(found.ask(query.replace("$client", ".*")))]


def finite(result: list[dict[str, Any]]) -> bool:
    return bool(result) and all(re.fullmatch(r"-?[0-9.e+-]+", each["value"][1]) for each in result)


def live(world: LocalWorld, airflow: Worker, fleet: Fleet, found: Prometheus) -> None:
    """Let a household be read and a fleet be looked at, twice: what grows can only be drawn from then on."""
    fleet.worker = airflow
    fleet.add(*(account(number, age=9) for number in range(700, 703)), account(703))
    for _ in range(2):
        assert airflow.run(HOME, yesterday(world)).state == "success"
        assert fleet.check().state == "failed"
        wait(lambda: found.ask("airflow_grdf_load_days_total"), seconds=30, what="a scrape")


def test_each_panel_and_rule_is_answered(
    clean: LocalWorld, fleet: Fleet, bridge: StatsdBridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_prometheus()
    sends(
        monkeypatch,
        AIRFLOW__METRICS__STATSD_ON="True",
        AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
        AIRFLOW__METRICS__STATSD_PORT=str(bridge.statsd_port),
        AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED="True",
    )
    pces = connect_cozy(clean, HOME)
    with prometheus(tmp_path, bridge.port) as found:
        with worker(tmp_path / "worker.log", clean) as airflow:
            live(clean, airflow, fleet, found)
        with suppress(AssertionError):
            wait(lambda: not unanswered(found), seconds=30)
        assert unanswered(found) == []
        check_rules(found)
    names = {line.partition(":")[0].split(",")[0].removeprefix("airflow.") for line in bridge.lines}
    assert names == {each.name for each in METRICS}, "all that the table lists, and nothing else"
    sent = "\n".join(bridge.lines)
    for private in (HOME, *pces, *(f"watched-{number:05}" for number in range(700, 704)), meter(700)):
        assert private not in sent


def check_rules(found: Prometheus) -> None:
    """Assert that each rule can be evaluated on what was told, and that those of a silent fleet fire."""
    rules = found.rules()
    assert {name: rule["health"] for name, rule in rules.items()} == dict.fromkeys(rules, "ok")
    for name, rule in rules.items():
        for series in re.findall(r"airflow_grdf_\w+", rule["query"]):
            assert found.ask(series), f"{name} asks for {series}, which nobody tells"

    def firing() -> set[str]:
        return {name for name, rule in found.rules().items() if rule["state"] == "firing"}

    wait(lambda: "GrdfUnwell" in firing(), seconds=30)
    assert "GrdfNotChecked" not in firing()


def test_the_rules_fire_when_they_should() -> None:
    require_prometheus()
    for what in (["check", "rules", "prometheus-rules.yaml"], ["test", "rules", "prometheus-rules-test.yaml"]):
        done = subprocess.run(["promtool", *what], cwd=MONITORING, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
