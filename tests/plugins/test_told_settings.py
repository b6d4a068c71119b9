"""What a message quotes of a wrong setting or field: no login, no token, no webhook's address, no meter's number."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from grdf.health import every_setting
from grdf.health.alerting import notifier_of_settings
from grdf.hooks.connection import GrdfConnection, airflow_connection
from grdf.settings import SETTINGS
from include.gas.errors import BadSettings

ROOT = Path(__file__).parents[2]
LOGIN = "https://u:hu/sh-hush@h.example/p?access_token=hush-hush"
COMMA = "https://u:hush,sh-hush@h.example/p"
HOOK = "https://chat.example/services/T0/hush,hush?x=hush"
METERS = "hush-12345678901234-GI123456"
PARTS = ("hu/sh", "hush", "123456")


def shows(text: str) -> bool:
    """Return whether a text shows a secret, or a meter's number, however it is written."""
    figures = "".join(filter(str.isdigit, text))
    return any(part in text for part in PARTS) or "345678" in figures


def told(error: BadSettings) -> str:
    """Return all that the log, an alert and the doctor say."""
    return f"{error} | {error.cause}"


FORMS = (
    "chat.example/services/T0/hush", "https:/chat.example/hush", "//chat.example/hush", "https%3A%2F%2Fchat%2Fhush",
    "user:hush", "pwd=hush", "Token hush", '{"pass": "hush"}', "hush https://x", "a@b hush",
    "12 345 678 901 234", "12.345.678.901.234", "1234-5678-9012-34", "12\u00a0345\u00a0678\u00a0901\u00a0234",
)  # fmt: skip
"""Other ways to write what is nobody's business: a webhook, a login, a token, a meter's number."""


@pytest.mark.parametrize("written", [LOGIN, COMMA, HOOK, METERS.removeprefix("hush-"), f"{'x' * 190}{LOGIN}", *FORMS])
def test_no_wrong_setting_is_told_with_a_secret(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    for name in SETTINGS:
        monkeypatch.setenv(f"AIRFLOW__GRDF__{name.upper()}", written)
    wrong = [told(error) for error in every_setting.wrong()]
    assert all(any(name in text for text in wrong) for name in ("retries", "household_links", "ways_in"))
    assert [text for text in wrong if shows(text)] == []


def test_the_settings_that_are_read_are_those_of_the_documentation() -> None:
    rows = re.findall(r"(?m)^\| (`.*?`) \|", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"))
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(SETTINGS)


@pytest.mark.parametrize("name", ["household_links", "retries", "ways_in"])
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"AIRFLOW__GRDF__{name.upper()}", "Three")
    assert [f"[grdf] {name} " in f"{error}" for error in every_setting.wrong()] == [True]


@pytest.mark.parametrize(
    "written",
    [
        "https://hooks.slack.example/services/T0/B0/hush", "smtp://u:hush@h", "hush", "os:hush", "xoxb-1.hush",
        "eyJhbGciOi.eyJodXNo.hush",
    ],
)  # fmt: skip
def test_a_webhook_in_place_of_a_notifier_is_not_told(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__ALERT_NOTIFIER", written)
    with pytest.raises(BadSettings, match=r"\[grdf\] alert_notifier (is|names) ") as caught:
        notifier_of_settings()
    assert "hush" not in told(caught.value)


@pytest.mark.parametrize("written", [LOGIN, HOOK])
def test_a_connection_in_place_of_its_id_is_not_told(written: str) -> None:
    with pytest.raises(BadSettings, match="Airflow has no connection") as caught:
        airflow_connection(written)
    assert not shows(told(caught.value).lower())


@pytest.mark.parametrize("value", [LOGIN, {"k": "hush"}, ["hush", 7], "GI123456", *FORMS], ids=repr)
@pytest.mark.parametrize("name", ["calls_per_second", "calls_per_day", "token_url", "id_token_algorithms"])
def test_no_field_of_a_connection_is_told_with_a_secret(
    connection: Callable[..., str], name: str, value: object
) -> None:
    conn_id = connection("grdf_x", login="id", password="secret", extra={name: value})
    with pytest.raises(BadSettings, match=name) as caught:
        GrdfConnection.read(airflow_connection(conn_id))
    assert not shows(told(caught.value))
