"""Airflow's own pages for connections: our forms, filled with the sandbox's values, and the *Test* button."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from grdf.provider.provider_info import get_provider_info
from include.sandbox.airflow_stack import ADMIN
from tests.browser.conftest import Visit
from tests.browser.up import Up

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
    before = {}

    def change(conn_id: str, **fields: object) -> None:
        path = f"/connections/{conn_id}"
        shown = up.api("GET", path).json()
        before[conn_id] = {name: shown[name] for name in fields}
        body = {"connection_id": conn_id, "conn_type": shown["conn_type"], **fields}
        assert up.api("PATCH", path, params={"update_mask": list(fields)}, json=body).ok

    yield change
    for conn_id, fields in before.items():
        change(conn_id, **fields)


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


def test_the_button_is_red_for_a_wrong_secret(page: Page, change: Callable[..., None]) -> None:
    change("grdfgrandlyon_delete", login="sandbox_nobody")
    page.reload()
    press(page, "grdfgrandlyon_delete")
    expect(page.get_by_text("Test Connection Failed")).to_be_visible()
    expect(page.get_by_text("GRDF answered HTTP 401 invalid_client", exact=False)).to_be_visible()


def test_the_button_is_red_for_missing_databases(page: Page, change: Callable[..., None]) -> None:
    change("couchdb", extra='{"database_prefix": "nothing-here-"}')
    page.reload()
    press(page, "couchdb")
    expect(page.get_by_text("Test Connection Failed")).to_be_visible()
    expect(page.get_by_text("Run ./grdf couchdb setup", exact=False)).to_be_visible()
