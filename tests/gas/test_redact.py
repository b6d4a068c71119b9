"""Redaction removes secrets and keeps the rest."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.redact import excerpt, holds_password, redact, redact_address

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
        ("_token=s3cr3t; csrf_token=s3cr3t", "_token=[hidden] csrf_token=[hidden]"),
        ("code=abc&code_verifier=s3cr3t&x", "code=[hidden]&code_verifier=[hidden]&x"),
        ("{'code_verifier': 's3cr3t'}", "{'code_verifier': '[hidden]'}"),
        (
            "s3://b/k?X-Amz-Algorithm=AWS4&X-Amz-Credential=AK%2F2&X-Amz-Security-Token=Fw&X-Amz-Signature=0f&x=1",
            "s3://b/k?X-Amz-Algorithm=AWS4&X-Amz-Credential=[hidden]&X-Amz-Security-Token=[hidden]"
            "&X-Amz-Signature=[hidden]&x=1",
        ),
        (
            "https://b/k?AWSAccessKeyId=AK&Signature=ab%3D&Expires=9",
            "https://b/k?AWSAccessKeyId=[hidden]&Signature=[hidden]&Expires=9",
        ),
        (
            "https://b/k?X-Goog-Credential=a%40b&X-Goog-Signature=0f",
            "https://b/k?X-Goog-Credential=[hidden]&X-Goog-Signature=[hidden]",
        ),
        (
            "s3://b/k?aws_access_key_id=AK&aws_secret_access_key=s3cr3t&region=x",
            "s3://b/k?aws_access_key_id=[hidden]&aws_secret_access_key=[hidden]&region=x",
        ),
        ("abfs://c/k?account_key=s3cr3t&account_name=a", "abfs://c/k?account_key=[hidden]&account_name=a"),
        ("https://a.example/c/k?sv=2024&sig=ab%3D&se=2026", "https://a.example/c/k?sv=2024&sig=[hidden]&se=2026"),
        ("api_key=s3cr3t apikey=s3cr3t", "api_key=[hidden] apikey=[hidden]"),
        ("Personne;Exemple;p@example.org;Tiers", "Personne;Exemple;[hidden];Tiers"),
        ('{"client_secret": "s3 cr3t, and no end', '{"client_secret": "[hidden]"'),
        ('{"x": 1, "code": "s3 cr\\', '{"x": 1, "code": "[hidden]"'),
        ('{"token": "s3 \\\ncr3t", "x": 1}', '{"token": "[hidden]", "x": 1}'),
    ],
)
def test_secrets(text: str, hidden: str) -> None:
    assert redact(text) == hidden


@pytest.mark.parametrize(
    "word", ["word", "wo/rd", "wo@rd", "wo?rd", "wo#rd", "[word]", "wo rd", "wo'rd", "wo\nrd", "é℀"]
)
@pytest.mark.parametrize(
    "form", ["https://name:{}@h/x", "name:{}@h/x", "https://{}@h/x", "https://name:{}@h/x?sig=other"]
)
def test_an_address_is_told_without_its_login(form: str, word: str) -> None:
    told = redact_address(form.format(word))
    assert told.partition("?")[0] == ("https://" if form.startswith("https") else "") + "[hidden]@h/x"
    assert "other" not in told


@pytest.mark.parametrize(
    "url", ["https://h.example/x", "h.example:84/x", "s3://bucket/a=b", "file:///srv/x", "", "folder"]
)
def test_an_address_without_one_stays(url: str) -> None:
    assert redact_address(url) == url


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        *(
            (f"{scheme}name:{word}@host/x", True)
            for scheme in ("s3://", "https://", "")
            for word in ("w", "w/x", "1", "a@b")
        ),
        *(("redis://:word@host/0", True), ("name:word/x@host", True)),
        *(
            (url, False)
            for url in ("s3://connection@bucket/x", "abfs://container@account.example/x", "s3://bucket/a:b@c")
        ),
        *(
            (url, False)
            for url in ("hdfs://node:8020/user/me@home", "file:///srv/a:b@c", "file:/srv/a@b", "folder", "")
        ),
    ],
)
def test_a_password_in_an_address_is_seen(url: str, holds: bool) -> None:
    assert holds_password(url) is holds


@pytest.mark.parametrize(
    "text",
    [
        "meter 09900000000017, code 1000014", "HTTP 429 at 06:00", "error_code=5", "tokens=5", "design=5", "a:b@",
        "Bearer of bad news", "",
    ],
)  # fmt: skip
def test_the_rest_stays(text: str) -> None:
    assert redact(text) == text


FORMS = ("Bearer {}", "code={}", "X-Amz-Signature={}", '"token": "{}"', "https://u:{}@h", "{}@example.org")


@given(st.text(max_size=30), st.sampled_from(FORMS))
def test_the_secret_is_gone_whatever_is_around_it(around: str, form: str) -> None:
    assert "s3cr3ts3cr3t" not in redact(around + " " + form.format("s3cr3ts3cr3t") + " " + around)


def test_excerpts() -> None:
    assert excerpt("a\n  b\tp@example.org") == "a b [hidden]"
    assert excerpt("x" * 500, 10) == "x" * 9 + "…"


def test_a_message_of_many_megabytes_is_read_no_further_than_needed() -> None:
    start = time.process_time()
    assert excerpt("y " * 10_000_000) == "y " * 79 + "y…"
    assert excerpt("y" * 20_000_000) == "…"
    assert time.process_time() - start < 1
    cut = "a" * 19_990 + " client_secret=" + "s" * 40_000
    assert "sss" not in excerpt(cut, 100_000)
    member = '{"client_secret": "' + "s3cr3t " * 4_000 + '"}'
    assert excerpt(member, 100_000) == '{"client_secret": "[hidden]"…'


@pytest.mark.parametrize("number", ["06543210987001", "GI654321"])
@pytest.mark.parametrize("limit", range(6, 25))
def test_no_number_is_cut_in_two(number: str, limit: int) -> None:
    """Its parts would not be recognised as a meter's number, wherever else numbers are hidden."""
    assert excerpt(f"at {number} street", limit) in {
        "at…", "at GI…", f"at {number}…", f"at {number} s…", f"at {number} st…", f"at {number} str…",
        f"at {number} stre…", f"at {number} stree…", f"at {number} street",
    }  # fmt: skip
    assert excerpt("12345678", 5) == "…"
    assert excerpt("at 12", 5) == "at 12"
