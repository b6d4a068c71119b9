"""Every route of the page: who may use it, what each answer carries, and what no request can do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute

from grdf.page.app import create_app
from grdf.page.guard import FORM, HEADERS, UPLOAD
from include.sandbox.local_world import LocalWorld
from tests.connect.raw import ask, asked
from tests.connect.site import ANONYMOUS, ROLES, Browser, Site, airflow_app, token
from tests.databases import FAB, empty_database
from tests.helpers import known_account

ROOT = Path(__file__).resolve().parents[2]
# route, and the status for: no login, viewer, user, op, admin; perhaps a query. {account} is one that does not exist
TABLE = """
GET /                                           401 200 200 200 200
GET /fleet                                      401 200 200 200 200
GET /accounts/{account}                         401 404 404 404 404
GET /accounts/{account}/published               401 404 404 404 404
GET /accounts/{account}/{table}.csv             401 404 404 404 404
GET /accounts/{account}/copy.zip                401 403 403 404 404
POST /accounts/{account}/known                  401 403 404 404 404
POST /accounts/{account}/groups                 401 403 404 404 404
GET /city                                       401 200 200 200 200
GET /city.csv                                   401 200 200 200 200
GET /city.parquet                               401 200 200 200 200
GET /connect/                                   401 403 403 200 200
GET /connect/{account}                          401 403 403 200 200
POST /connect/{account}                         401 403 403 303 303
GET /callback                                   400 400 400 400 400 ?code=x&state=y
GET /callback/                                  400 400 400 400 400 ?code=x&state=y
POST /connect/{account}/link                    401 403 403 404 404
POST /connect/{account}/link/take-back          401 403 403 303 303
GET /connect/{account}/progress                 401 403 403 404 404
GET /connect/{account}/records                  401 403 403 200 200
GET /connect/{account}/proofs                   401 403 403 409 409
POST /connect/{account}/proofs/upload           401 403 403 409 409
POST /connect/{account}/proofs/remove           401 403 403 303 303
GET /import/                                    401 403 403 200 200
POST /import/upload                             401 403 403 422 422
POST /import/remove                             401 403 403 422 422
GET /import/result                              401 403 403 404 404 ?name=no.result.csv
GET /household/progress                         404 404 404 404 404 ?token=x
GET /household/figures                          404 404 404 404 404 ?token=x
GET /household/figures/copy.zip                 404 404 404 404 404 ?token=x
POST /household/figures/withdraw                404 404 404 404 404 ?token=x
GET /household                                  404 404 404 404 404 ?token=x
POST /household                                 404 404 404 404 404 ?token=x
GET /static/{name}                              200 200 200 200 200
"""


class Row(NamedTuple):
    route: str
    method: str
    path: str
    query: str
    statuses: dict[str, int]


def rows() -> Iterator[Row]:
    for line in TABLE.strip().splitlines():
        method, route, *rest = line.split()
        path = route.replace("{account}", "new-home").replace("{table}", "days").replace("{name}", "page.css")
        statuses = dict(zip((ANONYMOUS, *ROLES), map(int, rest[:5]), strict=True))
        yield Row(f"{method} {route}", method, path, "".join(rest[5:]), statuses)


ROWS = list(rows())
FORMS = [row for row in ROWS if row.method == "POST"]
REFUSED = {401: "not logged in", 403: "forbidden"}


def headers_of(answer: Any) -> dict[str, str | None]:
    return {name: answer.headers.get(name.lower()) for name in HEADERS}


def test_every_route_has_a_row() -> None:
    routes = create_app().routes
    assert all(isinstance(route, APIRoute) for route in routes), "nothing is mounted past the table"
    found = {f"{method} {route.path}" for route in routes if isinstance(route, APIRoute) for method in route.methods}
    assert found == {row.route for row in ROWS}


@pytest.mark.parametrize("who", [ANONYMOUS, *ROLES])
def test_who_may_do_what(door: Site, who: str) -> None:
    browser, program = door.browser(who), door.program(who)
    for row in ROWS:
        answers = [each.request(row.method, row.path + row.query) for each in (browser, program)]
        assert [each.status_code for each in answers] == [row.statuses[who]] * 2, row.route
        if (status := row.statuses[who]) in REFUSED:
            assert answers[1].json() == {"detail": REFUSED[status]}, row.route
            assert "<h1>" in answers[0].text, row.route
        special = {"Cache-Control"} if "/static/" in row.path else set()
        special |= {"Content-Security-Policy"} if row.path == "/connect/new-home" and status == 200 else set()
        for answer in answers:
            usual = {name: text for name, text in HEADERS.items() if name not in special}
            assert headers_of(answer) | dict.fromkeys(special) == usual | dict.fromkeys(special), row.route


FAB_VISITS = """
import json
from airflow.providers.fab.auth_manager.models.db import FABDBManager
from airflow.utils.session import create_session
with create_session() as session:
    FABDBManager(session).initdb()

from fastapi.testclient import TestClient
from airflow.api_fastapi.app import create_app, get_auth_manager
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from tests.connect.test_routes import ROLES, ROWS

app, found = create_app(apps="core"), {}
with get_application_builder() as builder:
    for who in ROLES:
        role = builder.sm.find_role(who.title())
        user = builder.sm.add_user(who, "A", who, f"{who}@example.org", role, "a password")
        token = {"Authorization": f"Bearer {get_auth_manager().generate_jwt(user)}"}
        visitor = TestClient(app, root_path="/gas/airflow", follow_redirects=False, headers=token)
        visits = ((row.route, visitor.request(row.method, f"/gas/airflow/grdf{row.path}{row.query}")) for row in ROWS)
        found[who] = {route: answer.status_code for route, answer in visits}
print("FOUND", json.dumps(found))
"""


def test_fab_s_roles_may_do_the_same(door: Site, tmp_path: Path) -> None:
    """As in ``docker-compose.yaml``; unlike SimpleAuthManager, FAB tells apart runs, DAGs and connections."""
    shutil.copyfile(empty_database(FAB), tmp_path / "airflow.db")
    own = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__AUTH_MANAGER": FAB}
    own |= {f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{end}": f"{kind}:///{tmp_path}/airflow.db"
            for end, kind in (("", "sqlite"), ("_ASYNC", "sqlite+aiosqlite"))}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", FAB_VISITS], env=os.environ | own, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.partition("FOUND ")[2].splitlines()[0])
    assert found == {who: {row.route: row.statuses[who] for row in ROWS} for who in ROLES}


def test_a_link_opens_the_household_s_pages_and_no_other(front: Site, account_id: str) -> None:
    for who, made in zip((ANONYMOUS, *ROLES), (401, 403, 403, 200, 200), strict=True):
        assert front.browser(who).post(f"/connect/{account_id}/link").status_code == made
    browser, path = front.browser(), front.link_to(account_id)
    for row in ROWS:
        if row.path.startswith("/household/figures"):
            used = browser.request(row.method, f"{row.path}?{path.partition('?')[2]}")
            assert used.status_code == 404, "there is nothing yet"
        elif row.route.startswith("GET /household"):
            assert browser.get(path).status_code == 200
        elif "/household" not in row.route:
            own = row.path.replace("new-home", account_id)
            answer = browser.request(row.method, f"{own}?{path.partition('?')[2]}")
            assert answer.status_code == row.statuses[ANONYMOUS], row.route
    assert browser.post(path).status_code == 303


def test_no_other_site_changes_anything(door: Site) -> None:
    browser = door.browser("admin")
    elsewhere = ("https://evil.example", "null", "", "http://[", f"{door.origin}0", "http://127.0.0.1.evil:18080")
    for row in ROWS:
        for origin in elsewhere:
            method = "DELETE" if row.method == "GET" else "POST"
            answer = browser.request(method, row.path, headers={"Origin": origin})
            assert (answer.status_code, "another site" in answer.text) == (403, True), (row.route, origin)
            assert headers_of(answer) == HEADERS
    without = {"_token": token("admin")}
    for headers, cookies, status in (
        ({"Origin": door.origin.replace("http:", "https:")}, without, 303),  # a proxy ends TLS
        ({"Origin": "http://127.0.0.1:18080", "Host": "inside:1"}, without, 303),  # [api] base_url
        ({}, without, 403),  # a browser always sends it
        ({"Authorization": f"Bearer {token('admin')}"}, {}, 303),
        ({"Authorization": f"Bearer {token('admin')}", "Origin": "http://elsewhere"}, {}, 403),
        ({}, {}, 401),
    ):
        program = door.program()
        program.cookies.update(cookies)
        answer = program.post("/connect/new-home/link/take-back", headers=headers)
        assert answer.status_code == status, headers


@pytest.mark.parametrize(
    ("address", "base_url", "origin", "status"),
    [
        ("https://home.example", "", "https://home.example", 303),
        ("https://home.example", "", "http://home.example", 403),
        ("https://home.example", "http://ops.example", "http://home.example", 403),
        (
            "http://home.example",
            "http://ops.example",
            "https://home.example",
            303,
        ),  # a proxy ends TLS, and does not say so
        ("http://home.example", "https://home.example", "http://home.example", 403),  # base_url does
        ("http://home.example", "https://home.example:443", "https://home.example", 303),
        ("http://inside:8080", "https://home.example", "https://home.example", 303),
        ("http://inside:8080", "https://home.example", "http://home.example", 403),
    ],
)
def test_a_page_without_https_is_another_site_than_ours_with_it(
    front: Site, monkeypatch: pytest.MonkeyPatch, address: str, base_url: str, origin: str, status: int
) -> None:
    program = front.program()
    program.cookies.set("_token", token("admin"), path="/")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    headers = {"Origin": origin, "Cookie": f"_token={token('admin')}"}
    answer = program.post(f"{address}/grdf/connect/new-home/link/take-back", headers=headers)
    assert answer.status_code == status, answer.text


def test_a_token_of_somebody_else_is_none(door: Site) -> None:
    for wrong in ("nonsense", "a.b.c", ""):
        browser = door.browser()
        browser.cookies.set("_token", wrong, path="/")
        for headers in ({}, {"Authorization": f"Bearer {wrong or 'x'}"}):
            assert browser.get("/", headers=headers).status_code == 401
    text = door.browser().get("/?code=secret-code&state=s").text
    assert ("/auth/login" in text, "secret-code" in text) == (True, False)


def test_no_page_needs_what_the_policy_forbids(door: Site) -> None:
    policy, browser = HEADERS["Content-Security-Policy"], door.browser("admin")
    assert ("default-src 'none'" in policy, "unsafe" in policy) == (True, False)
    text = browser.get("/").text
    forbidden = ("<style", " style=", "<script>", "http://", "https://")
    assert [word for word in forbidden if word in text] == []
    needed = [part.partition('"')[0] for part in text.split('="') if "/static/" in part.partition('"')[0]]
    assert len(needed) >= 2
    for address in needed:
        answer = door.browser().get(door.origin + address)
        assert (answer.status_code, "max-age" in answer.headers["Cache-Control"]) == (200, True)
        assert answer.headers["Content-Type"].startswith(("text/css", "text/javascript"))
    for path in ("/docs", "/redoc", "/openapi.json", "/static/none.css", "/static/..%2fapp.py"):
        assert browser.get(path).status_code == 404


def test_airflow_takes_the_plugin_with_its_view(door: Site) -> None:
    """Airflow's UI resolves its addresses relative to its own, and cuts off longer names."""
    errors = door.program("admin").get(f"{door.url}/api/v2/plugins/importErrors").json()
    assert errors == {"import_errors": [], "total_entries": 0}
    plugins = door.program("viewer").get(f"{door.url}/api/v2/plugins").json()["plugins"]
    (ours,) = [each for each in plugins if each["name"] == "grdf"]
    assert [(each["name"], each["url_prefix"]) for each in ours["fastapi_apps"]] == [("Gas accounts", "/grdf")]
    (view,) = ours["external_views"]
    assert (view["name"], view["destination"]) == ("Gas", "nav")
    icons = [door.browser().get(f"{door.url}/{view[name]}") for name in ("icon", "icon_dark_mode")]
    assert [each.headers["Content-Type"] for each in icons] == ["image/svg+xml"] * 2
    assert icons[0].text != icons[1].text
    assert "<h1>" in door.browser("admin").get(f"{door.url}/{view['href']}").text


def test_an_airflow_that_cannot_be_asked_closes_every_route(door: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    def fail(*_: Any, **__: Any) -> None:
        raise TypeError("another signature")

    admin = door.browser("admin")
    for name in ("is_authorized_dag", "is_authorized_connection", "filter_authorized_dag_ids"):
        monkeypatch.setattr(get_auth_manager(), name, fail)
    for row in ROWS:
        if row.statuses[ANONYMOUS] == 401:
            assert admin.request(row.method, row.path).status_code == 503, row.route


def test_so_does_one_that_has_moved_its_modules(airflow_home: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("grdf.page")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "airflow.api_fastapi.core_api.security", None)
    from grdf.page.app import create_app

    app = create_app()
    for row in ROWS:
        if row.statuses[ANONYMOUS] == 401:
            assert ask(app, row.method, row.path, Authorization="Bearer x").status == 503, row.route


MIB = 2**20
MULTIPART = "multipart/form-data; boundary=abc"
FILE = b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'


def poured(first: bytes = b"") -> list[bytes]:
    return [first + b"a=" + b"x" * (MIB // 2) + b"&"] * 60


@pytest.mark.parametrize("length", [{"Content-Length": str(30 * MIB)}, {"Transfer-Encoding": "chunked"}], ids=str)
def test_what_is_larger_than_any_form_is_not_read(door: Site, length: dict[str, str]) -> None:
    app, form = create_app(), {"Content-Type": "application/x-www-form-urlencoded"}
    for row in ROWS:
        answer = ask(app, row.method, row.path + row.query, body=poured(), **length, **form)
        assert answer.status in (413, row.statuses[ANONYMOUS]), row.route
        assert (answer.headers["connection"], headers_of(answer)["X-Frame-Options"]) == ("close", "SAMEORIGIN")
        assert answer.taken < FORM[0] + MIB, row.route
        is_upload = row.path.endswith("/upload")
        answer = ask(app, row.method, row.path, who="op", body=poured(FILE), **length, **{"Content-Type": MULTIPART})
        assert answer.taken < (UPLOAD if is_upload else FORM)[0] + MIB
        assert answer.status in ([413] if is_upload else [413, row.statuses["op"]]), row.route


@pytest.mark.parametrize("size", [0, 1, 16_384])
def test_what_a_form_may_hold_still_passes(door: Site, size: int) -> None:
    answer = ask(create_app(), "POST", "/connect/new-home", body=[b"x" * size] if size else ())
    assert answer.status == 401


def test_who_drips_is_not_waited_for(door: Site) -> None:
    loop, app = asyncio.new_event_loop(), create_app()
    later, now = [0.0], loop.time
    loop.time = lambda: now() + later[0]  # type: ignore[method-assign]

    def drops() -> Iterator[bytes]:
        for _ in range(99):
            later[0] += FORM[1] / 9
            yield b"x"

    length = {"Content-Length": "9000", "Content-Type": "application/x-www-form-urlencoded"}
    answer = loop.run_until_complete(asked(app, "POST", "/import/remove", who="op", body=drops(), **length))
    loop.close()
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert answer.taken < 12


ODD = (
    "9999-12", "0001-01", "0000-01", "10000-01", "-001-01", "2026-13", "2026-1", "2026-01%0A", "", "%00", "a%00b",
    "%FF%FE", "%ED%A0%80", "%F0%9F%92%A9", "%D9%A2%D9%A0", "9" * 5000, "-1", "1e309", "nan", "%0D%0AX-A:%20b", "'",
    "%22", "[]", "{}", "%3Cb%3E", "%25", "%", "+", "..", "%2E%2E", "http://[", "_design", "_security",
    "a" * 129, "x" * 3000,
)  # fmt: skip
PARAMETERS = (
    "meter", "month", "search", "state", "sort", "order", "page", "token", "code", "iss", "error", "account", "name",
)  # fmt: skip
ODD_HEADERS = (
    {"Accept-Language": "fr;q=1e309, en;q=nan, ;q=, \xff"}, {"Cookie": "_token=\xff; grdf_connect_x=%00; ="},
    {"Authorization": "Bearer \xff\xfe"}, {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
    {"Content-Type": "multipart/form-data"}, {"Content-Type": "multipart/form-data; boundary=\xff"},
    {"Content-Type": "application/json"}, {"Content-Type": "\xff/\xff; charset=nonsense"},
    {"Host": ""}, {"Host": "[::"},
)  # fmt: skip
FIELDS = ("first_name", "email", "name", "pce", "proof", "step", "agreed", "perimeters")
PARTS = [f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n' for name in FIELDS]
FORM_OF_TWO = "".join(f"{part}{text}\r\n" for part in PARTS for text in ("+2AA-", "x")) + "--x--"
ODD_BODIES = (
    b"first_name=%00&last_name=%FF&email=%ED%A0%80&step=check", b"step=send&email=a&email=b", b"\x00\xff", b"&&&===",
    b"{" * 16_000, b"step=check&email=" + b"x" * 9000, FORM_OF_TWO.encode(),
    b'--x\r\nContent-Disposition: form-data; name="email"; filename="\xff"\r\n\r\n\x00\r\n--x--',
)  # fmt: skip
MULTIPART_OF_X = "multipart/form-data; boundary=x"
KINDS = (
    *((body, kind) for body in ODD_BODIES for kind in ("application/x-www-form-urlencoded", MULTIPART_OF_X)),
    *((FORM_OF_TWO.encode(), f"{MULTIPART_OF_X}; charset={name}") for name in ("utf-7", "idna", "nonsense", "hex")),
)


@pytest.mark.parametrize("who", ["admin", ANONYMOUS])
def test_no_route_fails(front: Site, clean: LocalWorld, account_id: str, who: str) -> None:
    known_account(clean, account_id)
    airflow_app()  # it makes the auth manager
    app, failed = create_app(), []

    async def ask_all() -> None:
        for row in ROWS:
            path = row.path.replace("new-home", account_id)
            cases: list[tuple[str, dict[str, Any]]] = []
            for odd in ODD:
                cases.append((f"{path}?" + "&".join(f"{name}={odd}" for name in PARAMETERS), {}))
                if "{" in row.route:
                    cases.append((re.sub("new-home|days|page.css", lambda _, odd=odd: odd, row.path), {}))
                if row.route in ("GET /", "GET /accounts/{account}"):  # one at a time: another may be what is refused
                    cases += [(f"{path}?{name}={odd}", {}) for name in ("month", "meter", "page", "search")]
            cases.append((f"{path}?%FF=%FF&=&&a=b=c&{'a=1&' * 2000}", {}))
            cases += [(path, headers | {"body": [b"email=x"] * (row.method == "POST")}) for headers in ODD_HEADERS]
            if row.method == "POST":
                cases += [(path, {"body": [body], "Content-Type": kind}) for body, kind in KINDS]
            for target, more in cases:
                answer = await asked(app, row.method, target, who=who, **more)
                if answer.failed or answer.status >= 500:
                    failed.append(f"{answer.status} {row.method} {target:.80} {more!s:.120}")

    asyncio.run(ask_all())
    assert failed == []


def test_no_address_leads_to_another_host(front: Site) -> None:
    """Starlette redirects from an address with a slash too many to the one without, on the host that was asked for."""
    for row in ROWS:
        other = row.path.removesuffix("/") if row.path.endswith("/") else f"{row.path}/"
        for who in (ANONYMOUS, "admin"):
            browser: Browser = front.browser(who)
            answer = browser.request(row.method, f"{other or '/'}{row.query}", headers={"Host": "evil.example"})
            assert answer.status_code not in (307, 308), answer.headers
            assert "evil.example" not in answer.headers.get("Location", "")
            assert "evil.example" not in answer.text, "nor does the link to the login"


@pytest.mark.parametrize("account", ["_design", "_all_docs", "_security", "_", "_a"])
def test_no_account_is_one_of_couchdbs_own_endpoints(front: Site, account: str) -> None:
    browser = front.browser("admin")
    for row in ROWS:
        if "{account}" in row.route:
            answer = browser.request(row.method, row.path.replace("new-home", account))
            assert (answer.status_code, "not “_” first" in answer.text) == (404, True), row.route
    assert browser.get("/connect/", params={"account": account}).status_code == 422
