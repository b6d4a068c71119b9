"""The fields of our connections and settings, in any form: what is wrong is named, and none of it is quoted."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grdf import settings
from grdf.health import settings_check
from grdf.health.alerting import build_notifier
from grdf.hooks.airflow_api import AirflowApiHook
from grdf.hooks.connection import (
    API_BASE,
    AUTHORIZE_URL,
    HAS_LOGIN,
    NO_ADDRESS,
    TOKEN_URL,
    GrdfConnection,
    address_fault,
    airflow_connection,
)
from grdf.hooks.couchdb import CouchDBHook
from grdf.hooks.oauth import GrdfOAuthHook
from include.gas.errors import BadSettings
from tests.plugins.conftest import Put

ROOT = Path(__file__).parents[3]
LOGIN = {"login": "id", "password": "secret"}


def read(conn_id: str) -> GrdfConnection:
    return GrdfOAuthHook(conn_id).facts


def refusal(use: Callable[[], object], said: str) -> str:
    with pytest.raises(BadSettings, match=said) as caught:
        use()
    assert caught.value.state is None, "no household can help that"
    return "".join(traceback.format_exception(caught.value)) + str(caught.value.cause)


@pytest.mark.parametrize(
    ("urls", "wrong"),
    [
        ("HTTPS://API.grdf.fr:443 http://localhost:8080/x?y=%20z https://[2001:db8::1]:6984/ https://h/with@in/it", ""),
        (" x ftp://h http:// http://h:port http://h:0 http://[::1 http://h:99999", NO_ADDRESS),
        ("https://name:word@h.example https://name@h.example/x http://@localhost http://a\\@localhost/t", HAS_LOGIN),
    ],
)
def test_what_an_address_is(urls: str, wrong: str) -> None:
    assert {url: address_fault(url) for url in urls.split(" ")} == dict.fromkeys(urls.split(" "), wrong)


def test_login_and_password_are_enough(connection: Put) -> None:
    facts = read(connection("grdf_x", conn_type="no-such-type", **LOGIN))
    assert (facts.api_base, facts.token_url, facts.authorize_url) == (API_BASE, TOKEN_URL, AUTHORIZE_URL)
    assert facts.issuer == "https://sofit-sso-oidc.grdf.fr:443/openam/oauth2/externeGrdf"
    assert (facts.scope, facts.id_token_algorithms) == ("/adict/v2", ("HS256",))
    assert (facts.redirect_uri, facts.jwks_url, facts.client_secret) == ("", "", "secret")
    assert (facts.calls_per_second, facts.calls_per_day) == (1, 6000)
    assert "secret" not in repr(facts)


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"host": "https://h.example/adict/v2/"}, {"api_base": "https://h.example/adict/v2"}),
        ({"host": "h.example/adict/v2"}, {"api_base": "https://h.example/adict/v2"}),
        ({"host": "127.0.0.1/adict/v2", "schema": "http"}, {"api_base": "http://127.0.0.1/adict/v2"}),
        ({"host": "h.example/adict/v2", "port": 8443}, {"api_base": "https://h.example:8443/adict/v2"}),
        ({"host": "http://localhost:81/x", "port": 82}, {"api_base": "http://localhost:81/x"}),
        ({"host": "https://h.example/adict/v3"}, {"scope": "/adict/v3"}),
        ({"host": "https://h.example/adict/v3", "extra": {"scope": "/other"}}, {"scope": "/other"}),
        ({"host": "https://h.example"}, {"scope": "/adict/v2"}),
        *(({"host": f"http://{here}/x", "extra": {"token_url": f"http://{here}/t"}}, {"token_url": f"http://{here}/t"})
          for here in ("localhost", "127.0.0.1:8000", "[::1]:8000")),
        *(({"extra": {"authorize_url": page}}, {"issuer": issuer}) for page, issuer in (
            ("https://h.example:8443/openam/oauth2/realms/x/authorize", "https://h.example:8443/openam/oauth2/x"),
            ("http://localhost/openam/oauth2/realms/x/authorize", "http://localhost:80/openam/oauth2/x"),
            ("https://h.example/oauth2/authorize", "https://h.example:443/oauth2"))),
        *(({"extra": nothing}, {"token_url": TOKEN_URL}) for nothing in ("", " ", "{}")),
    ],
)  # fmt: skip
def test_a_client_in_every_form(connection: Put, fields: dict[str, Any], found: dict[str, Any]) -> None:
    facts = read(connection("grdf_x", **LOGIN, **fields))
    assert {name: getattr(facts, name) for name in found} == found


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"host": "h.example/adict/v2", "schema": "http"}, "host is .*https"),
        ({"host": "HTTP://10.0.0.7/adict/v2"}, "host is .*https"),
        ({"host": "https://h.example:99999/adict/v2"}, "host"),
        *(({"extra": {name: value}}, name) for name, value in (
            ("authorize_url", "https://h.example:port/authorize"), ("token_url", 5), ("token_url", "https://"),
            ("id_token_algorithms", [256]), ("id_token_algorithms", 256), ("id_token_algorithms", ["XS999"]),
            ("redirect_uri", ["https://a.example"]), ("scope", ["/adict/v2"]),
            ("calls_per_second", 0), ("calls_per_day", "0.5"))),
        *(({"extra": {name: f"http://{machine}/x"}}, rf"\b{name} is an address.*https") for name, machine in (
            ("token_url", "127.0.0.1.h.example"), ("authorize_url", "[2001:db8::1]"), ("jwks_url", "10.0.0.7"))),
    ],
)  # fmt: skip
def test_an_odd_value_is_named_and_plain_http_to_another_machine_refused(
    connection: Put, fields: dict[str, Any], word: str
) -> None:
    text = refusal(lambda: read(connection("grdf_x", **LOGIN, **fields)), rf"connection grdf_x is incomplete: .*{word}")
    assert "10.0.0.7" not in text


def test_all_problems_stand_in_one_message(connection: Put) -> None:
    extra = {"token_url": "ftp://t", "authorize_url": "nowhere", "id_token_algorithms": ["None", "RS256"]}
    text = refusal(lambda: read(connection("grdf_x", host="gopher://h", extra=extra)), "AIRFLOW_CONN_GRDF_X")
    for word in ("login", "password", "host", "token_url", "authorize_url", "'none'", "jwks_url"):
        assert word in text


@pytest.mark.parametrize("extra", ['{"token_url": "https://x/hush"', '["hush"]', "hush", "null", "[" * 9000])
def test_an_extra_that_is_no_json_object_is_said(connection: Put, extra: str) -> None:
    """Airflow treats it as empty, so GRDF's production would be called with a test login."""
    connection("grdf_x", host="http://127.0.0.1:9", **LOGIN, extra=extra)
    for use in (lambda: read("grdf_x"), lambda: CouchDBHook("grdf_x").get_conn()):
        assert "hush" not in refusal(use, "connection grdf_x is incomplete: its extra is not a JSON object")


@pytest.mark.parametrize("written", [None, '{"conn_type": "http", "password": "hush"'])
def test_a_connection_that_does_not_exist_or_cannot_be_read(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    if written:
        monkeypatch.setenv("AIRFLOW_CONN_MISSING_X", written)
    for use in (read, lambda name: CouchDBHook(name).get_conn()):
        said = r"no connection missing_x, or cannot read it\..*AIRFLOW_CONN_MISSING_X"
        text = refusal(lambda use=use: use("missing_x"), said)
        assert "hush" not in text


USES: dict[str, Callable[[str], object]] = {
    "Airflow's API": lambda conn: AirflowApiHook(conn).get("/dags"),
    "CouchDB": lambda conn: CouchDBHook(conn, patience=0).logs_in(),
    "GRDF": read,
}
ADDRESS = "https://u:hu/sh-hush@h.example/p?access_token=hush-hush"
HOOK = "https://chat.example/services/T0/hush,hush?x=hush"
FORMS = (
    ADDRESS, "https://u:hush,sh-hush@h.example/p",
    "12345678901234-GI123456", f"{'x' * 190}{ADDRESS}", "chat.example/services/T0/hush", "https:/chat.example/hush",
    "//chat.example/hush", "https%3A%2F%2Fchat%2Fhush", "user:hush", "pwd=hush", "os:hush", "Token hush",
    '{"pass": "hush"}', "hush https://x", "a@b hush", "12 345 678 901 234", "12.345.678.901.234",
    "1234-5678-9012-34", "12\u00a0345\u00a0678\u00a0901\u00a0234",
)  # fmt: skip


def shows(text: str) -> bool:
    return any(part in text.lower() for part in ("hu/sh", "hush", "123456")) or "345678" in re.sub(r"\D", "", text)


@pytest.mark.parametrize("word", ["hush-hush", "x/hush-hush", "x@hush-hush", "[hush-hush]"])
@pytest.mark.parametrize("what", USES)
def test_a_login_in_an_address_is_refused_and_not_shown(connection: Put, what: str, word: str) -> None:
    for host in ("http://reader:{}@127.0.0.1:9", "reader:{}@127.0.0.1", "https://:{}@h.example/x"):
        conn = connection("shown", host=host.format(word), login="reader", password="another-word")
        said = r"connection shown .*\bhost (holds|is|of) .*AIRFLOW_CONN_SHOWN"
        text = refusal(lambda conn=conn: USES[what](conn), said)
        assert "hush-hush" not in text
    for place in ("token_url", "authorize_url", "jwks_url"):
        connection("shown", **LOGIN, extra={place: f"https://reader:{word}@h.example/x"})
        text = refusal(lambda: read("shown"), rf"shown.*{place} (holds|is) ")
        assert "hush-hush" not in text


@pytest.mark.parametrize("written", [HOOK, "eyJ.eyJodX.hush", *FORMS])
def test_nothing_wrong_is_quoted(monkeypatch: pytest.MonkeyPatch, connection: Put, written: str) -> None:
    for name in settings.SETTINGS:
        monkeypatch.setenv(f"AIRFLOW__GRDF__{name.upper()}", written)
    errors = [f"{error} | {error.cause}" for error in settings_check.find_wrong_settings()]
    assert all(any(name in text for text in errors) for name in ("retries", "household_links", "ways_in"))
    monkeypatch.delenv("AIRFLOW__GRDF__ALERT_NOTIFIER_KWARGS")
    errors.append(refusal(build_notifier, r"\[grdf\] alert_notifier (is|names) "))
    if written in FORMS:
        for name in ("calls_per_second", "calls_per_day", "token_url", "id_token_algorithms"):
            conn_id = connection("grdf_x", **LOGIN, extra={name: written})
            errors.append(
                refusal(lambda conn_id=conn_id: GrdfConnection.from_airflow(airflow_connection(conn_id)), name)
            )
        errors.append(refusal(lambda: airflow_connection(written), "Airflow has no connection"))
    assert [text for text in errors if shows(text)] == []


def test_the_settings_that_are_read_are_those_of_the_documentation() -> None:
    rows = re.findall(r"(?m)^\| (`.*?`) \|", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"))
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(settings.SETTINGS)


NUMBERS = {
    "reread_days": (62, 0, 1000), "publication_days": (1, 0, 4), "first_hour": (8, 0, 23),
    "spread_minutes": (240, 1, 1440), "retries": (3, 0, 50), "retry_seconds": (600, 1, 86_400),
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    variable, read = f"AIRFLOW__GRDF__{name.upper()}", settings.SETTINGS[name]
    default, least, most = NUMBERS[name]
    for written, value in (("", default), (str(least), least), (f" {most} ", most)):
        monkeypatch.setenv(variable, written)
        assert read() == value
    for written in (str(least - 1), str(most + 1), "many", "1.5", "None"):
        monkeypatch.setenv(variable, written)
        refusal(read, rf"\[grdf\] {name} .*{least} .*{most}.*{default}")
    assert [f"[grdf] {name} " in str(error) for error in settings_check.find_wrong_settings()] == [True]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("", "file://{home}/grdf/staging"), ("s3://aws@bucket/x/", "s3://aws@bucket/x"),
        ("file:///srv/of:us@home", "file:///srv/of:us@home"),
        *((url, "holds a login.*s3://connection@bucket") for url in (
            "memory://writer:hush@store/staging", "s3://writer:[hush]@bucket/x", "s3://bucket/x?X-Amz-Signature=hush")),
        *((url, "is not a URL") for url in (
            "/var/lib/grdf", "hush@store", "//[hush]@store/x", "//writer@hush\u2100@store/x")),
    ],
)  # fmt: skip
def test_the_staging_place_holds_no_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str, found: str
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", written)
    if "://" in found and ".*" not in found:
        assert settings.staging_url() == found.format(home=tmp_path)
    else:
        assert "hush" not in refusal(settings.staging_url, rf"\[grdf\] staging_url {found}")
