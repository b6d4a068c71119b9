"""Redaction removes secrets and meters' numbers, and keeps the rest."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.errors import RightLost, ServiceUnavailable
from include.gas.meter_tag import UNNAMED, meter_tag, without_numbers
from include.gas.redact import describe_traceback, excerpt, holds_password, redact, redact_address

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: Bearer [hidden]"),
        ("authorization: basic dXNlcjpwYXNz", "authorization: basic [hidden]"),
        (f"token {JWT}.", "token [hidden]."),
        ("client_secret=s3cr3t&code=abc&x=1", "client_secret=[hidden]&code=[hidden]&x=1"),
        ('{"client_secret": "s3 cr\\"3t", "x": 1}', '{"client_secret": "[hidden]", "x": 1}'),
        ("{'access_token': 's3cr3t'}", "{'access_token': '[hidden]'}"),
        ("https://user:pass@host/db", "https://[hidden]@host/db"),
        ("https://user:pa/ss@host/db", "https://[hidden]@host/db"),
        ("of s3://key:se/cr?e#t@word@bucket/x.", "of s3://[hidden]@bucket/x."),
        ("at https://token@host/db", "at https://[hidden]@host/db"),
        ("write to personne.exemple+x@example.org now", "write to [hidden] now"),
        ("https://airflow/grdf/household?token=gAAAAB-x_=&x=1", "https://airflow/grdf/household?token=[hidden]&x=1"),
        ('{"token": "s3cr3t", "x": 1}', '{"token": "[hidden]", "x": 1}'),
        ("code=abc&code_verifier=s3cr3t&x", "code=[hidden]&code_verifier=[hidden]&x"),
        ("{'code_verifier': 's3cr3t'}", "{'code_verifier': '[hidden]'}"),
        ("k?X-Amz-Algorithm=AWS4&X-Amz-Credential=AK%2F2&X-Amz-Security-Token=Fw&X-Amz-Signature=0f&x=1",
         "k?X-Amz-Algorithm=AWS4&X-Amz-Credential=[hidden]&X-Amz-Security-Token=[hidden]&X-Amz-Signature=[hidden]&x=1"),
        ("k?AWSAccessKeyId=AK&Signature=ab%3D&Expires=9", "k?AWSAccessKeyId=[hidden]&Signature=[hidden]&Expires=9"),
        ("abfs://c/k?account_key=s3cr3t&account_name=a", "abfs://c/k?account_key=[hidden]&account_name=a"),
        ("https://a.example/c/k?sv=2024&sig=ab%3D&se=2026", "https://a.example/c/k?sv=2024&sig=[hidden]&se=2026"),
        ("api_key=s3cr3t apikey=s3cr3t", "api_key=[hidden] apikey=[hidden]"),
        ('{"client_secret": "s3 cr3t, and no end', '{"client_secret": "[hidden]"'),
        ('{"x": 1, "code": "s3 cr\\', '{"x": 1, "code": "[hidden]"'),
        ('{"token": "s3 \\\ncr3t", "x": 1}', '{"token": "[hidden]", "x": 1}'),
        *((text, text) for text in (
            "meter 09900000000017, code 1000014", "HTTP 429 at 06:00", "error_code=5", "tokens=5", "design=5", "a:b@",
            "Bearer of bad news", "",
        )),
    ],
)  # fmt: skip
def test_secrets_and_what_is_none(text: str, hidden: str) -> None:
    assert redact(text) == hidden


@pytest.mark.parametrize(
    "word", ["word", "wo/rd", "wo@rd", "wo?rd", "wo#rd", "[word]", "wo rd", "wo'rd", "wo\nrd", "é℀"]
)
@pytest.mark.parametrize(
    "form", ["https://name:{}@h/x", "name:{}@h/x", "https://{}@h/x", "https://name:{}@h/x?sig=other"]
)
def test_an_address_is_shown_without_its_login(form: str, word: str) -> None:
    hidden = redact_address(form.format(word))
    assert hidden.partition("?")[0] == ("https://" if form.startswith("https") else "") + "[hidden]@h/x"
    assert "other" not in hidden


def test_addresses_without_a_login_stay_and_a_password_is_seen() -> None:
    plain = ("https://h.example/x", "h.example:84/x", "s3://bucket/a=b", "file:///srv/x", "", "folder")
    for url in plain:
        assert redact_address(url) == url
    for scheme, word in itertools.product(("s3://", "https://", ""), ("w", "w/x", "1", "a@b")):
        assert holds_password(f"{scheme}name:{word}@host/x")
    assert holds_password("redis://:word@host/0")
    for url in (
        *plain, "s3://connection@bucket/x", "abfs://container@account.example/x", "s3://bucket/a:b@c",
        "hdfs://node:8020/user/me@home", "file:///srv/a:b@c", "file:/srv/a@b",
    ):  # fmt: skip
        assert not holds_password(url)


FORMS = ("Bearer {}", "code={}", "X-Amz-Signature={}", '"token": "{}"', "https://u:{}@h", "{}@example.org")


@given(st.text(max_size=30), st.sampled_from(FORMS))
def test_the_secret_is_gone_whatever_is_around_it(around: str, form: str) -> None:
    assert "s3cr3ts3cr3t" not in redact(around + " " + form.format("s3cr3ts3cr3t") + " " + around)


def test_excerpts_and_messages_of_many_megabytes() -> None:
    assert excerpt("a\n  b\tp@example.org") == "a b [hidden]"
    assert excerpt("x" * 500, 10) == "x" * 9 + "…"
    assert excerpt("y " * 10_000_000) == "y " * 79 + "y…"
    assert excerpt("y" * 20_000_000) == "…"
    assert "sss" not in excerpt("a" * 19_990 + " client_secret=" + "s" * 40_000, 100_000)
    member = '{"client_secret": "' + "s3cr3t " * 4_000 + '"}'
    assert excerpt(member, 100_000) == '{"client_secret": "[hidden]"…'


def test_no_number_is_cut_in_two() -> None:
    """Its parts would not be recognised as a meter's number, wherever else numbers are hidden."""
    for number, limit in itertools.product(("06543210987001", "GI654321"), range(6, 25)):
        text = excerpt(f"at {number} street", limit)
        assert re.fullmatch(rf"at( {number})?( s?t?r?e?e?t?)?…|at {number} street|at GI…", text)


PCES = [f"{number:014d}" for number in range(9_999_999_000_000, 9_999_999_002_000)]


def test_a_tag_is_short_and_does_not_tell_which_meter_it_is() -> None:
    assert re.fullmatch(r"M-[0-9A-HJKMNP-TV-Z]{3}", meter_tag("ana", "09999999000017"))
    tags = [meter_tag("ana", pce) for pce in PCES]
    assert len({*tags[:20]}) >= 19
    assert len(set(tags)) < len(tags)  # among 2,000 meters, some already share a tag
    assert sum(tag != meter_tag("ben", pce) for tag, pce in zip(tags, PCES, strict=True)) > 0.99 * len(PCES)


@pytest.mark.parametrize("pce", ["09999999000017", "GI999042"])
@pytest.mark.parametrize("text", ["PCE {}.", "/pce/{}/donnees", "ana:{}:2024-03", "key=%22ana%3A{}%3A", "no {}, {} {}"])
def test_a_tag_is_put_where_a_number_stands(pce: str, text: str) -> None:
    clean = without_numbers(text.replace("{}", pce), "ana")
    assert clean == text.replace("{}", meter_tag("ana", pce))
    assert without_numbers(clean, "ana") == clean
    assert without_numbers(text.replace("{}", pce)) == text.replace("{}", UNNAMED)


@pytest.mark.parametrize(
    "text", ["account-00001", "2024-03-28T06:00:00", "123456789012345", "3f0999999900001700a", "LOGI123"]
)
def test_other_figures_are_left_alone(text: str) -> None:
    assert without_numbers(text, "ana") == text


def test_a_tag_stands_in_every_error_for_a_number_that_grdf_quotes() -> None:
    said = "GRDF: le PCE 09999999000017 (et GI999042) est révoqué"
    tags = [meter_tag("ana", pce) for pce in ("09999999000017", "GI999042")]
    for error in (RightLost.about("ana", said), RightLost(said, account="ana")):
        assert all(tag in str(error) for tag in tags)
        assert not re.search(r"\d{5}|GI9", str(error) + repr(error))
    assert UNNAMED in str(ServiceUnavailable.about(None, said))


@pytest.mark.parametrize(("function", "said"), [(int, "ValueError"), (len, "Error")], ids=["value", "type"])
def test_a_traceback_says_where_and_quotes_no_value(function: Any, said: str) -> None:
    with pytest.raises((ValueError, TypeError)) as raised:
        function("Dupont") if function is int else function(3)
    text = describe_traceback(raised.value)
    assert "test_redact.py" in text
    assert said in text
    assert "Dupont" not in text.rpartition("\n")[2]
