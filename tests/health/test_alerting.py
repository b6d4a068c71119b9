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

import jinja2
import pytest
from airflow.sdk import BaseNotifier

from grdf.health.alerting import _literal, notifier_of_settings, send
from include.gas.errors import BadSettings
from tests.health.notifiers import HERE, Keeping

BROKEN = {
    "syntax": "class Notifier(\n",
    "key": "import os\nTOKEN = os.environ['NO_SUCH_TOKEN']\n",
    "exits": "raise SystemExit('no configuration')\n",
}
PLACES = ("services/T0123/B0123/hush-hush", "bot123456:hush-hush/sendMessage")


def named(monkeypatch: pytest.MonkeyPatch, notifier: str, kwargs: str = "{}") -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", notifier)
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS", kwargs)


@pytest.mark.parametrize("path", [".smtp.SmtpNotifier", "Notifier", "a..b", "os.path", "os:path", f"{HERE}."])
def test_a_class_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    named(monkeypatch, path)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is"):
        notifier_of_settings()


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / f"broken_{name}.py").write_text(BROKEN[name])
    monkeypatch.syspath_prepend(tmp_path)
    named(monkeypatch, f"broken_{name}.Notifier")
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is .* cannot be loaded"):
        notifier_of_settings()


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", "null"], ids=lambda text: text[:9])
def test_arguments_that_are_no_json_object(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    named(monkeypatch, f"{HERE}.Keeping", text)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier_kwargs is no JSON object"):
        notifier_of_settings()


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


@pytest.mark.parametrize("endpoint", PLACES)
def test_the_secret_in_a_webhook_s_path_is_not_told(
    monkeypatch: pytest.MonkeyPatch, refusing: str, endpoint: str
) -> None:
    for host, told in (
        ("http://127.0.0.1:9", "ConnectionError"), ("https://hooks.invalid", "ConnectionError"), (refusing, "404"),
    ):  # fmt: skip
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "host": host}))
        kwargs = {"http_conn_id": "hook", "endpoint": endpoint}
        named(monkeypatch, "airflow.providers.http.notifications.HttpNotifier", json.dumps(kwargs))
        with pytest.raises(BadSettings, match=rf"could not be sent by .*HttpNotifier: .*{told}.*\. Check") as caught:
            send({}, "title", "text")
        assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


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
    named(monkeypatch, f"{__name__}.Quoting", json.dumps(kwargs))
    with pytest.raises(BadSettings, match=told) as caught:
        send({}, "title", "text")
    assert "hush-hush" not in "".join(traceback.format_exception(caught.value))


def test_one_that_takes_no_title_gets_it_in_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Keeping, "told", [])
    named(monkeypatch, f"{HERE}.Keeping")
    assert send({}, "title", "text")
    (told,) = Keeping.told
    assert told == "title\n\ntext"


@pytest.mark.parametrize("name", ["text", "html_content"])
@pytest.mark.parametrize(
    "said",
    ["{badmatch}", "{{badmatch,1}}", "{{{badmatch,{error,eacces}},[x]}}", "{{{{ 7*7 }", "{%{% if %}", "{{#{{% x"],
)
def test_braces_of_erlang_are_no_template(name: str, said: str) -> None:
    rendered: Any = jinja2.Environment(autoescape=False).from_string(_literal(said, name)).render()
    assert said.replace(" ", "") in rendered.replace(" ", "")
