"""Whatever is wrong with the notifier of the settings is a wrong setting that is named; and the deadline's alert."""

from __future__ import annotations

import asyncio
import json
import smtplib
import traceback
from pathlib import Path
from typing import Any, ClassVar

import jinja2
import pytest
from airflow.sdk import BaseNotifier

from grdf.health.alerting import _literal, build_notifier, send_alert
from grdf.health.late_check_mail import mail_late_check
from include.gas.errors import BadSettings
from include.sandbox.local_world import LocalWorld

HERE, SECRET = __name__, "hush-hush"
DUE, END = "2026-11-28T08:18:27.251948Z", "2026-11-28T08:18:36.970000Z"


class Keeping(BaseNotifier):
    messages: ClassVar[list[str]] = []

    def __init__(self, message: str = "") -> None:
        super().__init__()
        self.message = message

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        self.messages.append(self.message)


class Quoting(BaseNotifier):
    def __init__(self, url: str = "") -> None:
        super().__init__()
        if "fail" in url:
            raise ValueError(f"cannot use {url}")

    def notify(self, context: Any) -> None:  # noqa: ARG002 - as Airflow calls it
        raise smtplib.SMTPAuthenticationError(535, f"https://chat.example/services/{SECRET}".encode())


def named(monkeypatch: pytest.MonkeyPatch, notifier: str, kwargs: str = "{}") -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", notifier)
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS", kwargs)


@pytest.mark.parametrize(
    "text",
    [
        ".smtp.SmtpNotifier", "Notifier", "os.path", "os:path", f"{HERE}.",
        "class Notifier(\n", "import os\nTOKEN = os.environ['NO_SUCH_TOKEN']\n", "raise SystemExit('none')\n",
    ],
)  # fmt: skip
def test_a_class_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    if "\n" in text:
        module = f"broken_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        text = f"{module}.Notifier"
    named(monkeypatch, text)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier is"):
        build_notifier()


@pytest.mark.parametrize("text", ["[]", "{"])
def test_arguments_that_are_no_json_object(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    named(monkeypatch, f"{HERE}.Keeping", text)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier_kwargs is no JSON object"):
        build_notifier()


def assert_hides(text: str) -> None:
    with pytest.raises(BadSettings, match=text) as caught:
        send_alert({}, "title", "text")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("endpoint", [f"services/T0123/B0123/{SECRET}", f"bot123456:{SECRET}/sendMessage"])
def test_the_secret_in_a_webhook_s_path_is_not_told(
    clean: LocalWorld, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    for host, text in (("http://127.0.0.1:9", "ConnectionError"), (clean.facts["adict_base"], "40")):
        monkeypatch.setenv("AIRFLOW_CONN_HOOK", json.dumps({"conn_type": "http", "host": host}))
        kwargs = {"http_conn_id": "hook", "endpoint": endpoint}
        named(monkeypatch, "airflow.providers.http.notifications.HttpNotifier", json.dumps(kwargs))
        assert_hides(rf"could not be sent by .*HttpNotifier: .*{text}.*\. Check")


@pytest.mark.parametrize(
    ("kwargs", "text"),
    [
        ({"url": f"https://chat.example/fail/{SECRET}"}, r"does not take what .* alert_notifier_kwargs .*ValueError"),
        ({"nonsense": f"https://chat.example/{SECRET}"}, r"TypeError: got an unexpected keyword argument 'nonsense'"),
        ({}, r"could not be sent by .*Quoting: SMTPAuthenticationError \(535\)\. Check"),
    ],
)
def test_a_notifier_that_quotes_its_arguments(
    monkeypatch: pytest.MonkeyPatch, kwargs: dict[str, str], text: str
) -> None:
    named(monkeypatch, f"{HERE}.Quoting", json.dumps(kwargs))
    assert_hides(text)


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(Keeping, "messages", [])
    named(monkeypatch, f"{HERE}.Keeping")
    return Keeping.messages


def test_one_that_takes_no_title_gets_it_in_its_text(messages: list[str]) -> None:
    assert send_alert({}, "title", "text")
    assert messages == ["title\n\ntext"]


@pytest.mark.parametrize("name", ["text", "html_content"])
@pytest.mark.parametrize("said", ["{badmatch}", "{{{badmatch,{error,eacces}},[x]}}", "{%{% if %}", "{{#{{% x"])
def test_braces_of_erlang_are_no_template(name: str, said: str) -> None:
    rendered: Any = jinja2.Environment(autoescape=False).from_string(_literal(said, name)).render()
    assert said.replace(" ", "") in rendered.replace(" ", "")


def run(state: str, end: str | None) -> dict[str, Any]:
    return {"dag_run": {"dag_run_id": "scheduled__a", "run_after": DUE, "state": state, "end_date": end}}


@pytest.mark.parametrize(
    ("context", "mails"),
    [
        (run("success", END), 0), (run("queued", None), 1), (run("running", END), 1),
        (None, 1), ({"dag_run": None}, 1),
    ],
    ids=["well", "queued", "cleared", "nothing", "no run"],
)  # fmt: skip
def test_the_deadline_s_alert_is_about_a_run_that_goes_on(messages: list[str], context: Any, mails: int) -> None:
    """Airflow asks for every red one, too, and does as the triggerer does when a deadline has passed."""
    asyncio.run(mail_late_check(minutes=60, context=context))
    assert len(messages) == mails
    assert all(
        f"due at {DUE if context and context['dag_run'] else 'its time'} has not ended" in each for each in messages
    )
