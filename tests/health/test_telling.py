"""Telling a metric costs next to nothing where metrics are off, and never makes a task fail."""

from __future__ import annotations

import pytest
from airflow.sdk.observability import stats

from grdf.metrics import ACCOUNTS, CALLS, count, gauge, tell_call


def test_metrics_that_cannot_be_told_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*about: object, **tags: object) -> None:
        raise OSError("no such host")

    for name in ("gauge", "incr"):
        monkeypatch.setattr(stats, name, broken)
    gauge(ACCOUNTS, 1, connection="grdf_adict", state="well")
    count(CALLS, connection="grdf_adict", kind="daily", outcome="ok")


def test_no_meter_of_an_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(stats, "incr", lambda *about, **more: told.append((about, more)))
    for path in (
        "pce/09770000000001/donnees_consos_informatives",
        "pce/09770000000001",
        "droit_acces/right-id/preuves",
    ):
        tell_call("grdf_adict", f"https://api.example.org/adict/v2/{path}", 200)
    assert "0977" not in str(told)
    assert "right-id" not in str(told)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ok"), (404, "refused"), (401, "refused"), (429, "too_many"), (503, "failed"), (None, "unreachable")],
)
def test_the_outcome_of_a_call(monkeypatch: pytest.MonkeyPatch, status: int | None, outcome: str) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(stats, "incr", lambda *_, tags, **__: told.append(tags))
    tell_call("south", "https://api.example.org/adict/v2/droits_acces", status)
    assert told == [{"connection": "south", "kind": "rights", "outcome": outcome}]
