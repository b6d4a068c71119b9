"""The alert of the deadline is about a run that goes on. Airflow asks for every red one, too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from grdf.health.deadline import check_is_late
from tests.health.notifiers import HERE, Keeping

DUE = "2026-11-28T08:18:27.251948Z"
END = "2026-11-28T08:18:36.970000Z"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Keeping, "told", [])
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Keeping")
    return Keeping.told


def passed(context: Any) -> None:
    """Do as the triggerer does when a deadline has passed."""
    asyncio.run(check_is_late(minutes=60, context=context))


def run(state: str, end: str | None, name: str = "scheduled__a") -> dict[str, Any]:
    return {"dag_run": {"dag_run_id": name, "run_after": DUE, "state": state, "end_date": end}}


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_has_ended_is_told_to_nobody(told: list[str], state: str) -> None:
    passed(run(state, END))
    assert told == []


@pytest.mark.parametrize(
    "context",
    [run("queued", None), run("running", None), run("running", END), run("failed", None)],
    ids=["queued", "running", "cleared", "without an end"],
)
def test_a_run_that_goes_on_is_told_with_the_time_that_it_was_due(told: list[str], context: Any) -> None:
    passed(context)
    (text,) = told
    assert f"due at {DUE} has not ended" in text


@pytest.mark.parametrize("context", [None, {}, {"dag_run": None}])
def test_what_airflow_does_not_tell_of_the_run_keeps_no_alert_back(told: list[str], context: Any) -> None:
    passed(context)
    assert len(told) == 1
