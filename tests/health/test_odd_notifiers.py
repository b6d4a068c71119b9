"""Whatever is wrong with the notifier of the settings is a wrong setting that is named, and never the check's end."""

from __future__ import annotations

import json
import smtplib
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from airflow.sdk import BaseNotifier

from grdf.health import alerting
from grdf.health.alerting import Alerter
from grdf.operators.check_health import CheckHealthOperator
from include.gas.errors import BadSettings
from tests.health.notifiers import HERE

BROKEN = {
    "syntax": "class Notifier(\n",
    "raises": "raise RuntimeError('TOKEN is not set')\n",
    "key": "import os\nTOKEN = os.environ['NO_SUCH_TOKEN']\n",
    "exits": "raise SystemExit('no configuration')\n",
}


@pytest.mark.parametrize("path", [".smtp.SmtpNotifier", "..x.Y", "Notifier", "a..b", "os.path", "os:path", f"{HERE}."])
def test_a_class_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", path)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is"):
        Alerter()


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / f"broken_{name}.py").write_text(BROKEN[name])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"broken_{name}.Notifier")
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is"):
        Alerter()


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[]", "{", "null"], ids=lambda text: text[:9])
def test_arguments_that_are_no_json_object(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{HERE}.Keeping")
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS", text)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier_kwargs is no JSON object"):
        Alerter()


PLACES = ("services/T0123/B0123/hush-hush", "bot123456:hush-hush/sendMessage", "api/webhooks/9999/hush-hush")


@pytest.fixture
def refusing() -> Iterator[str]:
    """The address of a server that has nothing."""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def problem(monkeypatch: pytest.MonkeyPatch, host: str, endpoint: str) -> str:
    """Send an alert by Airflow's own notifier for webhooks, and return what is wrong."""
    monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "host": host}))
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", "airflow.providers.http.notifications.HttpNotifier")
    kwargs = {"http_conn_id": "hook", "endpoint": endpoint}
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS", json.dumps(kwargs))
    with pytest.raises(BadSettings, match=r"the alert could not be sent by .*HttpNotifier: ") as caught:
        Alerter().send({}, "title", "text")
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("endpoint", PLACES)
def test_the_secret_in_a_webhook_s_path_is_not_told(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    told = problem(monkeypatch, "http://127.0.0.1:9", endpoint)
    assert "HttpNotifier: ConnectionError at 127.0.0.1 (ConnectionRefusedError). Check the connection" in told


def test_nor_when_the_server_refuses_it(monkeypatch: pytest.MonkeyPatch, refusing: str) -> None:
    told = problem(monkeypatch, refusing, PLACES[0])
    assert "at 127.0.0.1 (HTTPError, 404). Check the connection" in told


def test_nor_when_the_host_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    told = problem(monkeypatch, "https://hooks.invalid", PLACES[1])
    assert "ConnectionError at hooks.invalid (gaierror). Check the connection" in told


class Quoting(BaseNotifier):
    """Quotes its address in all that it raises."""

    def __init__(self, url: str = "") -> None:
        super().__init__()
        if "fail" in url:
            raise ValueError(f"cannot use {url}")

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        raise smtplib.SMTPAuthenticationError(535, b"https://chat.example/services/hush-hush")


@pytest.mark.parametrize(
    ("kwargs", "told"),
    [
        (
            {"url": "https://chat.example/fail/hush-hush"},
            r"does not take what \[grdf\] alert_notifier_kwargs says .ValueError.",
        ),
        ({"nonsense": "https://chat.example/hush-hush"}, r".TypeError: got an unexpected keyword argument 'nonsense'."),
        ({}, r"could not be sent by .*Quoting: SMTPAuthenticationError \(535\)\. Check"),
    ],
)
def test_a_notifier_that_quotes_its_arguments(
    monkeypatch: pytest.MonkeyPatch, kwargs: dict[str, str], told: str
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", f"{__name__}.Quoting")
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS", json.dumps(kwargs))
    with pytest.raises(BadSettings, match=told) as caught:
        Alerter().send({}, "title", "text")
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


def test_an_error_that_nobody_foresaw_is_a_wrong_setting_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def unforeseen() -> Alerter:
        raise RuntimeError("of a notifier")

    monkeypatch.setattr(alerting, "Alerter", unforeseen)
    wrong: list[BadSettings] = []
    assert CheckHealthOperator(task_id="check").alerter(wrong) is None
    assert ["[grdf] alert_notifier" in str(error) and "of a notifier" in str(error) for error in wrong] == [True]
