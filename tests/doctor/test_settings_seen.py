"""``./grdf doctor`` and settings that can be read but lead nowhere: staging folders, alerts, the check's connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from grdf.doctor import here
from grdf.doctor.findings import Finding, findings_of

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
    found = list(findings_of("settings", check))
    assert all(each.do for each in found if each.state != "ok"), found
    return found


@pytest.mark.parametrize(
    ("place", "says"),
    [
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
    ("kwargs", "says"),
    [("[1]", "no JSON object"), ('{"nope": 1, "room": "a"}', "unexpected keyword argument 'nope'"), ("{}", "room")],
)
def test_a_notifier_that_cannot_be_made_is_told_once(monkeypatch: pytest.MonkeyPatch, kwargs: str, says: str) -> None:
    monkeypatch.setenv(NOTIFIER, f"{__name__}.Bell")
    monkeypatch.setenv(KWARGS, kwargs)
    assert [says in each.says for each in of(here.all_settings) if each.state == "bad"] == [True]


def test_a_notifier_that_can_be_made_is_not_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NOTIFIER, f"{__name__}.Bell")
    monkeypatch.setenv(KWARGS, '{"room": "secret-room"}')
    (found,) = of(here.all_settings)
    assert (found.state, "secret-room" in found.says, SENT) == ("ok", False, [])
