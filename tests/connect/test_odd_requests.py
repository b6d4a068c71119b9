"""No address, header or form makes a route of the page fail with a server error (5xx)."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.connect.route_table import TABLE
from tests.helpers import known_account

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Site

MONTHS = ("9999-12", "9999-11", "0001-01", "0000-01", "10000-01", "-001-01", "2026-13", "2026-1", "2026-01%0A")
ODD = (
    *MONTHS, "", "%00", "a%00b", "%FF%FE", "%ED%A0%80", "%F0%9F%92%A9", "%D9%A2%D9%A0", "9" * 5000, "-1", "1e309",
    "nan", "%0D%0AX-A:%20b", "'", "%22", "[]", "{}", "%3Cb%3E", "%25", "%", "+", "..", "%2E%2E", "http://[",
    "http%3A%2F%2F%5B", "_design", "_all_docs", "_security", "_", "a" * 129, "x" * 3000,
)  # fmt: skip
PARAMETERS = (
    "meter", "month", "search", "state", "sort", "order", "page", "token", "code", "iss", "error", "client_id",
    "account",
)  # fmt: skip
HEADERS = (
    {"Accept-Language": "fr;q=1e309, en;q=nan, ;q=, \xff"},
    {"Cookie": "_token=\xff; grdf_connect_x=%00; ="},
    {"Authorization": "Bearer \xff\xfe"},
    {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
    {"Content-Type": "multipart/form-data"},
    {"Content-Type": "multipart/form-data; boundary=\xff"},
    {"Content-Type": "application/json"},
    {"Content-Type": "\xff/\xff; charset=nonsense"},
    {"Host": ""},
    {"Host": "[::"},
)
BODIES = (
    b"first_name=%00&last_name=%FF&email=%ED%A0%80",
    b"first_name=a&first_name=b",
    b"\x00\xff",
    b"&&&===",
    b"{" * 16_000,
    b"email=" + b"x" * 9000,
    b'--x\r\nContent-Disposition: form-data; name="email"; filename="\xff"\r\n\r\n\x00\r\n--x--',
)

CHARSETS = ("utf-7", "idna", "nonsense", "hex")
"""Encodings in which an error may be hidden."""
FORM = (
    b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name, value)
        for name in (b"first_name", b"email", b"name", b"pce", b"proof", b"ticket", b"step", b"agreed", b"perimeters")
        for value in (b"+2AA-", b"x")
    )
    + b"--x--"
)


@pytest.fixture
def account(front: Site, world: LocalWorld, account_id: str) -> str:
    known_account(world, account_id)
    return account_id


class Asker:
    """A client that sends bytes as they are. ``requests`` would correct them."""

    def __init__(self, site: Site, who: str) -> None:
        parts = urlsplit(site.url)
        self._wire = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._base = f"{parts.path}/grdf"
        self._headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        if who != "anonymous":
            self._headers["Authorization"] = f"Bearer {site.token(who)}"
        self.failed: list[str] = []
        self.asked = 0

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._wire.close()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        if body:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        try:
            self._wire.request(method, self._base + path, body or None, self._headers | headers)
            answer = self._wire.getresponse()
            answer.read()
        except (http.client.BadStatusLine, ConnectionError):  # the server itself has refused it
            self._wire.close()
            return
        self.asked += 1
        if answer.will_close:
            self._wire.close()
        if answer.status >= 500:
            self.failed.append(f"{answer.status} {method} {path:.80} {body[:40]!r} {headers}")


@pytest.mark.parametrize("who", ["admin", "anonymous"])
def test_no_route_fails(front: Site, account: str, who: str) -> None:
    with Asker(front, who) as asker:
        ask_all(asker, account)
    assert asker.failed == []
    assert asker.asked > 1000


def ask_all(asker: Asker, account: str) -> None:
    for row in TABLE.values():
        path = row.path.partition("?")[0].replace("nobody-yet", account)
        for odd in ODD:
            asker.ask(row.method, f"{path}?" + "&".join(f"{name}={odd}" for name in PARAMETERS))
            if "/" in path[1:]:
                head, _, tail = path[1:].partition("/")
                asker.ask(row.method, f"/{head}/{odd}" + ("/published" if tail.endswith("published") else ""))
                asker.ask(row.method, f"{path}/{odd}.csv")
        asker.ask(row.method, f"{path}?%FF=%FF&=&&a=b=c&{'a=1&' * 2000}")
        for headers in HEADERS:
            asker.ask(row.method, path, b"email=x" if row.method == "POST" else b"", **headers)
        for body in BODIES:
            asker.ask(row.method, path, body)
            asker.ask(row.method, path, body, **{"Content-Type": "multipart/form-data; boundary=x"})
        for charset in CHARSETS:
            asker.ask(row.method, path, FORM, **{"Content-Type": f"multipart/form-data; boundary=x; charset={charset}"})
    for name in ("month", "meter", "page", "search"):  # one at a time, so that another one cannot cause the refusal
        for odd in ODD:
            asker.ask("GET", f"/accounts/{account}?{name}={odd}")
            asker.ask("GET", f"/?{name}={odd}")


def test_no_address_leads_to_another_host(front: Site, account: str) -> None:
    """Starlette redirects from an address with a slash too many to the one without, on the host that was asked for."""
    for row in TABLE.values():
        path, _, query = row.path.replace("nobody-yet", account).partition("?")
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        for who in ("anonymous", "admin"):
            answer = front.browser(who).request(row.method, f"{other or '/'}?{query}", headers={"Host": "evil.example"})
            assert answer.status_code not in (307, 308), answer.headers
            assert "evil.example" not in answer.headers.get("Location", "")


@pytest.mark.parametrize("account", ["_design", "_all_docs", "_security", "_", "_a"])
def test_no_account_is_one_of_couchdbs_own_endpoints(front: Site, account: str) -> None:
    browser = front.browser("admin")
    for method, path in (
        ("GET", f"/accounts/{account}"),
        ("GET", f"/accounts/{account}/days.csv"),
        ("GET", f"/connect/{account}"),
        ("POST", f"/connect/{account}"),
        ("POST", f"/connect/{account}/link"),
    ):
        answer = browser.request(method, path)
        assert answer.status_code == 404
        assert "not “_” first" in answer.text
    assert "This is not a valid account" in browser.get("/connect/", params={"account": account}).text
