"""A notifier that never ends keeps nobody waiting: the check is red in minutes, and the triggerer goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from grdf.health import alerting
from grdf.health.alerting import Alerter
from grdf.health.deadline import check_is_late
from include.gas.errors import BadSettings
from tests.health.notifiers import HERE, Hanging, Keeping


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(alerting, "SECONDS", 0.2, raising=False)
    monkeypatch.setattr(Hanging, "let_go", threading.Event())
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Hanging")
    # Without a limit it would wait for as long as this.
    release = threading.Timer(10, Hanging.let_go.set)
    release.start()
    yield
    release.cancel()
    Hanging.let_go.set()


def test_the_check_goes_on_and_names_it(hanging: None) -> None:
    before = time.monotonic()
    with pytest.raises(BadSettings, match=r"could not be sent by tests\.health\.notifiers\.Hanging: .*had not ended"):
        Alerter().send({}, "title", "text")
    assert time.monotonic() - before < 8


def test_the_deadline_s_alert_ends_too(hanging: None, caplog: pytest.LogCaptureFixture) -> None:
    before = time.monotonic()
    asyncio.run(check_is_late(minutes=60))
    assert time.monotonic() - before < 8
    assert "had not ended" in caplog.text


def test_one_that_ends_the_program_ends_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Exiting")
    with pytest.raises(BadSettings, match=r"could not be sent by .*Exiting: SystemExit\. Check"):
        Alerter().send({}, "title", "text")


def test_one_that_works_has_the_limit_that_a_mail_server_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keeping, "told", [])
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Keeping")
    assert Alerter().send({}, "title", "text")
    assert Keeping.told == ["text"]
    assert 60 <= alerting.SECONDS <= 300
