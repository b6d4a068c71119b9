"""The files that watch an installation agree with the code: metrics, causes, runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from grdf.metrics import METRICS
from include.gas.health.causes import NEVER, Cause
from tests.metrics_page import FILE, in_prometheus, page

DOCS = Path(__file__).resolve().parents[2] / "docs"
RULES = yaml.safe_load((DOCS / "monitoring" / "prometheus-rules.yaml").read_text())["groups"][0]["rules"]
SERIES = re.compile(r"airflow_grdf_\w+")


def anchors() -> set[str]:
    text = (DOCS / "runbook.md").read_text()
    return {title.strip().lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", text, re.MULTILINE)}


def test_the_table_of_metrics_is_up_to_date() -> None:
    """If not: ``python -m tests.metrics_page``."""
    assert page(FILE.read_text()) == FILE.read_text()


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    told = {rule["annotations"]["runbook"].partition("docs/runbook.md#")[2] for rule in RULES}
    assert "{{ $labels.cause }}" in told, "each cause that calls a person has a rule"
    told |= {each.value for each in Cause if each.percent != NEVER}
    assert anchors() | {"{{ $labels.cause }}"} == told | {"deadline"}


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    known = {in_prometheus(each) for each in METRICS}
    known |= {f"{name}_{suffix}" for name in known for suffix in ("sum", "count", "bucket")}
    dashboard = json.loads((DOCS / "monitoring" / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    used = {name for query in [*queries, *(rule["expr"] for rule in RULES)] for name in SERIES.findall(query)}
    assert used <= known
    told = {in_prometheus(each) for each in METRICS}
    assert told <= {name.removesuffix("_sum").removesuffix("_count") for name in used} | used, "every metric is drawn"


def test_no_metric_has_a_tag_for_a_person() -> None:
    allowed = {"connection", "state", "le", "kind", "cause", "outcome", "change"}
    assert {tag for each in METRICS for tag in each.tags} <= allowed


def test_what_statsd_s_exporter_must_rename_is_renamed() -> None:
    rules = yaml.safe_load((DOCS / "monitoring" / "statsd-mapping.yaml").read_text())["mappings"]
    named = {rule["match"].removeprefix("airflow."): rule["name"] for rule in rules}
    assert named == {each.name: in_prometheus(each) for each in METRICS if each.kind != "gauge"}
