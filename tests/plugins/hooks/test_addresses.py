"""What is an http(s) address; one that holds a login is none."""

from __future__ import annotations

import pytest

from grdf.hooks.connection import HAS_LOGIN, NO_ADDRESS, what_is_wrong


@pytest.mark.parametrize(
    "url",
    [
        "https://api.grdf.fr/adict/v2", "HTTPS://API.grdf.fr:443", "http://localhost:8080/x?y=%20z",
        "https://[2001:db8::1]:6984/", "http://[::1]", "https://couch.example/with@in/the/path",
    ],
)  # fmt: skip
def test_an_address(url: str) -> None:
    assert what_is_wrong(url) == ""


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://h", "http://", "http://h:port", "http://h:0", "http://[::1", "http://h:99999"]
)
def test_no_address(url: str) -> None:
    assert what_is_wrong(url) == NO_ADDRESS


@pytest.mark.parametrize(
    "url", ["https://name:word@h.example", "https://name@h.example/x", "http://@localhost", "http://a\\@localhost/t"]
)
def test_a_login_has_fields_of_its_own(url: str) -> None:
    assert what_is_wrong(url) == HAS_LOGIN
