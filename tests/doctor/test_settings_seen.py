"""``./grdf doctor`` and settings that can be read but lead nowhere: staging folders, alerts, the check's connection."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from grdf.doctor import alerts, here
from grdf.doctor.findings import Finding, outcome
from grdf.health import alerting

STAGING, NOTIFIER, KWARGS, CONN = (
    f"AIRFLOW__GRDF__{name}" for name in ("STAGING_URL", "ALERT_NOTIFIER", "ALERT_NOTIFIER_KWARGS", "AIRFLOW_CONN_ID")
)
SENT: list[Any] = []


class Bell(BaseNotifier):
    """A notifier that takes what it must, and that nobody may ring here."""

    def __init__(self, *, room: str, text: str = "") -> None:
        super().__init__()
        self.room, self.text = room, text

    def notify(self, context: Any) -> None:
        SENT.append(context)


def of(check: Callable[[], Any]) -> list[Finding]:
    found = outcome("settings", check)
    assert all(each.do for each in found if each.state != "ok"), found
    return found


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("/proc/nope", "no folder can be made in /proc"),
        ("/dev/null", "/dev/null is no folder"),
        ("/dev/null/grdf/staging", "/dev/null is no folder"),
    ],
)
def test_a_staging_folder_that_cannot_be(monkeypatch: pytest.MonkeyPatch, place: str, says: str) -> None:
    monkeypatch.setenv(STAGING, f"file://{place}")
    (found,) = of(here.staging)
    assert (found.state, says in found.says) == ("bad", True), found


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_staging_folder_that_is_somebody_else_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str) -> None:
    monkeypatch.setenv(STAGING, f"file://{tmp_path / below}")
    monkeypatch.setattr(os, "access", lambda path, mode, **_: Path(path) != tmp_path or not mode & os.W_OK)
    (found,) = of(here.staging)
    assert (found.state, f"may not write to {tmp_path}" in found.says) == ("bad", True), found


def test_a_staging_folder_that_is_not_there_yet_is_not_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(STAGING, f"file://{tmp_path / 'a' / 'b'}")
    assert [each.state for each in of(here.staging)] == ["ok"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("notifier", "kwargs", "says"),
    [
        ("no.such.Thing", "{}", "cannot be loaded"),
        ("include.gas.errors.BadSettings", "{}", "no notifier"),
        (f"{__name__}.Bell", '{"nope": 1, "room": "a"}', "unexpected keyword argument 'nope'"),
        (f"{__name__}.Bell", "{}", "room"),
    ],
)
def test_a_notifier_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, notifier: str, kwargs: str, says: str) -> None:
    monkeypatch.setenv(NOTIFIER, notifier)
    monkeypatch.setenv(KWARGS, kwargs)
    (found,) = of(alerts.notifier)
    assert (found.state, says in found.says) == ("bad", True), found
    assert SENT == []


def test_a_notifier_that_can_be_made_is_not_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of(alerts.notifier) == []
    monkeypatch.setenv(NOTIFIER, f"{__name__}.Bell")
    monkeypatch.setenv(KWARGS, '{"room": "secret-room"}')
    (found,) = of(alerts.notifier)
    assert (found.state, "secret-room" in found.says, SENT) == ("ok", False, [])


def test_a_notifier_that_fails_in_a_way_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise RuntimeError("token=not-told")

    monkeypatch.setattr(alerting, "Alerter", fails)
    (found,) = of(alerts.notifier)
    assert (found.state, "RuntimeError" in found.says, "not-told" in found.says) == ("bad", True, False)


def test_arguments_that_are_no_json_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KWARGS, "[1]")
    assert [each.state for each in of(here.all_settings) if "kwargs" in each.says] == ["bad"]
    assert of(alerts.notifier) == []


def test_the_connection_of_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert of(alerts.connection) == []
    monkeypatch.setenv(CONN, "nobody_here")
    (found,) = of(alerts.connection)
    assert (found.state, "no connection nobody_here" in found.says) == ("bad", True)
    assert "airflow_conn_id" in found.says
    fields = {"conn_type": "http", "login": "a", "password": "not-told"}
    monkeypatch.setenv("AIRFLOW_CONN_NOBODY_HERE", json.dumps(fields))
    (found,) = of(alerts.connection)
    assert (found.state, "host" in found.says, "not-told" in str(found)) == ("bad", True, False)
    monkeypatch.setenv(
        "AIRFLOW_CONN_NOBODY_HERE", json.dumps(fields | {"host": "http://airflow.example", "port": 8080})
    )
    assert [each.state for each in of(alerts.connection)] == ["ok"]
