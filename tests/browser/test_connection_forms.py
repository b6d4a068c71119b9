"""Airflow's own pages for connections: our forms, filled with the sandbox's values, and the *Test* button."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from grdf.provider.provider_info import get_provider_info
from include.sandbox.airflow_stack import ADMIN
from include.sandbox.control import SandboxControl
from include.sandbox.processes import free_port
from tests.browser.conftest import Visit
from tests.browser.up import Up
from tests.plugins.conftest import Reply, Server
from tests.strangers import OLD_COUCHDB, self_signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TYPES = {each["connection-type"]: each for each in get_provider_info()["connection-types"]}
CONNECTIONS = {"grdf_adict": "grdf", "grdfgrandlyon_delete": "grdfdelete", "couchdb": "couchdb"}


@pytest.fixture
def page(up: Up, visit: Visit) -> Page:
    """The list of connections, as the administrator sees it."""
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/connections")
    return page


@pytest.fixture
def change(up: Up) -> Iterator[Callable[..., None]]:
    """A function that changes a field of a connection until the test is over."""
    before: dict[str, dict[str, object]] = {}

    def write(conn_id: str, fields: dict[str, object]) -> None:
        path = f"/connections/{conn_id}"
        body = {"connection_id": conn_id, "conn_type": CONNECTIONS[conn_id], **fields}
        assert up.api("PATCH", path, params={"update_mask": list(fields)}, json=body).ok

    def change(conn_id: str, **fields: object) -> None:
        shown = up.api("GET", f"/connections/{conn_id}").json()
        extra = {name: fields.pop(name) for name in ("scope", "database_prefix") if name in fields}
        if extra:  # what is hidden is shown as *** and stays as it is
            fields["extra"] = json.dumps(json.loads(shown["extra"] or "{}") | extra)
        before[conn_id] = {name: shown[name] for name in fields} | before.get(conn_id, {})
        write(conn_id, fields)

    yield change
    for conn_id, fields in before.items():
        write(conn_id, fields)


def press(page: Page, conn_id: str) -> None:
    page.get_by_role("row").filter(has_text=conn_id).get_by_role("button", name="Test Connection").click()


@pytest.mark.parametrize("conn_id", CONNECTIONS)
def test_the_form_shows_our_labels_with_the_sandbox_s_values(up: Up, page: Page, conn_id: str) -> None:
    kind = TYPES[CONNECTIONS[conn_id]]
    page.get_by_role("row").filter(has_text=conn_id).get_by_role("button", name="Edit Connection").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text(kind["hook-name"], exact=True)).to_be_visible()
    for label in kind["ui-field-behaviour"]["relabeling"].values():
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    expect(form.locator("input[name=host]")).to_have_value(re.compile(r"127\.0\.0\.1"))
    form.get_by_text("Extra Fields", exact=True).click()
    for field in kind["conn-fields"].values():
        expect(form.get_by_text(field["label"], exact=True)).to_be_visible()
        expect(form.get_by_text(field["description"], exact=True)).to_be_visible()


@pytest.mark.parametrize("conn_id", CONNECTIONS)
def test_the_button_is_green_for_the_sandbox(page: Page, conn_id: str) -> None:
    press(page, conn_id)
    expect(page.get_by_text("Test Connection Successful")).to_be_visible()


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Addresses that lead elsewhere than they should."""
    old = Server(lambda _: Reply(OLD_COUCHDB))
    with self_signed(tmp_path) as stranger, old.running():
        yield {
            "{nobody}": f"http://127.0.0.1:{free_port()}",
            "{stranger}": stranger,
            "{old}": str(urlsplit(old.url).port),
        }


@pytest.mark.parametrize(
    ("conn_id", "fields", "sentence"),
    [
        ("grdfgrandlyon_delete", {"login": "sandbox_nobody"}, "GRDF answered HTTP 401 invalid_client"),
        ("grdf_adict", {"scope": "/adict/v9"}, "invalid_scope"),
        ("grdf_adict", {"host": "{nobody}/adict/v2"}, "nothing listens there"),
        ("grdf_adict", {"host": "https://grdf.invalid/adict/v2"}, "host name is not known"),
        ("grdf_adict", {"host": "{stranger}/adict/v2"}, "does not trust the certificate (TLS)"),
        ("couchdb", {"login": "nobody"}, "it refuses this login"),
        ("couchdb", {"database_prefix": "nothing-here-"}, "Run ./grdf couchdb setup"),
        ("couchdb", {"port": "{old}"}, "version 1.7.2 answers, which is too old"),
    ],
    ids=["secret", "scope", "host", "name", "certificate", "login", "databases", "too old"],
)
def test_the_button_is_red_with_its_sentence(
    page: Page,
    change: Callable[..., None],
    places: dict[str, str],
    conn_id: str,
    fields: dict[str, str],
    sentence: str,
) -> None:
    change(
        conn_id,
        **{name: re.sub(r"{\w+}", lambda place: places[place[0]], value) for name, value in fields.items()},
    )
    page.reload()
    press(page, conn_id)
    expect(page.get_by_text("Test Connection Failed")).to_be_visible()
    expect(page.get_by_text(sentence, exact=False)).to_be_visible()


def test_the_button_is_red_for_what_the_contract_lacks(up: Up, page: Page) -> None:
    grdf = SandboxControl(up.sandbox)
    grdf.fault("droits_acces", status=403)
    try:
        press(page, "grdf_adict")
        expect(page.get_by_text("Test Connection Failed")).to_be_visible()
        expect(page.get_by_text("ask GRDF to open the access rights", exact=False)).to_be_visible()
    finally:
        grdf.set(faults=[])
