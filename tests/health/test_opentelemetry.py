"""The same metrics by OpenTelemetry, from a household that is read and a fleet that is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.metrics import METRICS
from tests.health.accounts import account
from tests.health.otlp_receiver import OtlpReceiver
from tests.helpers import connect_cozy, yesterday
from tests.runs.runner import worker

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.health.scene import Fleet

HOME = "told-90582"


def test_all_metrics_arrive_with_their_tags(
    clean: LocalWorld, fleet: Fleet, receiver: OtlpReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", receiver.url)
    fleet.add(account(711), account(712, age=9), account(713, age=9))
    connect_cozy(clean, HOME)
    with worker(tmp_path / "worker.log", clean) as airflow:  # which sends what is left when it ends
        fleet.worker = airflow
        assert airflow.run(HOME, yesterday(clean)).state == "success"
        assert fleet.check().state == "failed"
    told = {name.removeprefix("airflow.") for name in [*(name for name, _ in receiver.values), *receiver.histograms]}
    assert {each.name for each in METRICS} <= told
    ours = (("connection", "grdf_adict"),)
    assert receiver.values["airflow.grdf.newest_day_age_bucket", (*ours, ("le", "7"))] == 1
    assert receiver.values["airflow.grdf.newest_day_age_bucket", (*ours, ("le", "Inf"))] == 3
    assert receiver.values["airflow.grdf.health.red", (("cause", "unread"),)] == 1
    assert receiver.values["airflow.grdf.calls", (*ours, ("kind", "daily"), ("outcome", "ok"))] == 1
