"""Addresses that are read in two ways, or that hold a login, are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request, Session
from requests.exceptions import RequestException

from grdf.transport.addresses import HAS_LOGIN, NO_ADDRESS, is_this_machine, split, what_is_wrong


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
    "url",
    [
        *("", "x", "ftp://h", "http://", "http://h:port", "http://h:0", "http://[::1", "http://h:99999"),
        *("http://a.example\\@localhost/t", "https://a.example\\@b.example", "http://a.example/\\@b.example"),
        *(
            "http://a.example \\@b.example",
            "http://a.example\t.b",
            "http://a.example\n",
            " http://a.example",
            "http://é.fr",
        ),
    ],
)
def test_no_address(url: str) -> None:
    assert what_is_wrong(url) == NO_ADDRESS


@pytest.mark.parametrize("url", ["https://name:word@h.example", "https://name@h.example/x", "http://@localhost"])
def test_a_login_has_fields_of_its_own(url: str) -> None:
    assert what_is_wrong(url) == HAS_LOGIN


@given(st.text(st.sampled_from("ab.:/\\@?#[]%0 \t\r\né"), max_size=20), st.sampled_from(["http://", "https://"]))
def test_a_host_is_the_one_that_is_connected_to(rest: str, scheme: str) -> None:
    url = scheme + rest
    if what_is_wrong(url):
        return
    session = Session()
    try:
        sent = session.prepare_request(Request("GET", url))
        pool = session.get_adapter(sent.url or "").get_connection_with_tls_context(sent, verify=True)  # type: ignore[attr-defined]
    except RequestException:
        return  # it is not sent anywhere
    assert pool.host.strip("[]") == split(url).hostname
    assert is_this_machine(url) == is_this_machine(f"http://{pool.host}")
