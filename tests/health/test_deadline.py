"""The alert of the deadline is about a run that goes on, or is red and told nobody. Airflow asks for every red one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from grdf.health.deadline import check_is_late
from grdf.health.told_runs import KEPT, VARIABLE, note, was_told
from tests.health.notifiers import HERE, Keeping

DUE = "2026-11-28T08:18:27.251948Z"
END = "2026-11-28T08:18:36.970000Z"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Keeping, "told", [])
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Keeping")
    return Keeping.told


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Airflow's Variables. Outside a task there are none."""
    variables: dict[str, str] = {}
    monkeypatch.setattr("airflow.sdk.Variable.get", lambda name, default=None: variables.get(name, default))
    monkeypatch.setattr("airflow.sdk.Variable.set", lambda name, value, **_: variables.update({name: value}))
    return variables


def passed(context: Any) -> None:
    """Do as the triggerer does when a deadline has passed."""
    asyncio.run(check_is_late(minutes=60, context=context))


def run(state: str, end: str | None, name: str = "scheduled__a") -> dict[str, Any]:
    return {"dag_run": {"dag_run_id": name, "run_after": DUE, "state": state, "end_date": end}}


def test_a_run_that_has_ended_well_is_told_to_nobody(told: list[str]) -> None:
    passed(run("success", END))
    assert told == []


def test_a_red_run_that_has_told_it_is_told_once(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"AIRFLOW_VAR_{VARIABLE.upper()}", "scheduled__a")
    passed(run("failed", END))
    assert told == []


def test_of_two_red_runs_that_have_told_it_each_is_told_once(told: list[str], kept: dict[str, str]) -> None:
    """A person starts one by hand before the deadline of the morning's has passed."""
    note("scheduled__a")
    note("manual__b")
    for name in ("scheduled__a", "manual__b"):
        passed(run("failed", END, name))
    assert told == []
    passed(run("failed", END, "manual__c"))
    assert len(told) == 1


def test_the_last_runs_that_have_told_it_are_kept(kept: dict[str, str]) -> None:
    kept[VARIABLE] = "scheduled__0"  # as an earlier version has left it
    assert was_told("scheduled__0")
    for number in (*range(1, KEPT), 1):  # one of them was cleared, and told it again
        note(f"scheduled__{number}")
    assert was_told("scheduled__0")
    note("manual__last")
    assert not was_told("scheduled__0")
    assert was_told("scheduled__1")
    assert was_told("manual__last")
    assert len(kept[VARIABLE].splitlines()) == KEPT


@pytest.mark.parametrize("last", [None, "scheduled__b", "", "scheduled__ab\nscheduled__"])
def test_a_red_run_that_has_told_nobody_is_told(
    told: list[str], monkeypatch: pytest.MonkeyPatch, last: str | None
) -> None:
    """It was killed, or met an error that was not foreseen."""
    if last is not None:
        monkeypatch.setenv(f"AIRFLOW_VAR_{VARIABLE.upper()}", last)
    passed(run("failed", END))
    (text,) = told
    assert f"due at {DUE} is red, and has sent no alert" in text
    assert "has not ended" not in text


@pytest.mark.parametrize(
    "context",
    [run("queued", None), run("running", None), run("running", END), run("failed", None)],
    ids=["queued", "running", "cleared", "without an end"],
)
def test_a_run_that_goes_on_is_told_with_the_time_that_it_was_due(told: list[str], context: Any) -> None:
    passed(context)
    (text,) = told
    assert f"due at {DUE} has not ended" in text


@pytest.mark.parametrize("context", [None, {}, {"dag_run": None}, {"dag_run": "odd"}])
def test_what_airflow_does_not_tell_of_the_run_keeps_no_alert_back(told: list[str], context: Any) -> None:
    passed(context)
    assert len(told) == 1
