"""The fleet in a browser: what Airflow counts, on a phone, with the keyboard, and in both themes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from include.sandbox.airflow_stack import ADMIN, VIEWER
from tests.browser.conftest import Visit
from tests.browser.keyboard import follow

if TYPE_CHECKING:
    from tests.browser.up import Up


@pytest.mark.parametrize("role", [ADMIN, VIEWER])
def test_airflow_counts_the_runs_of_today(up: Up, visit: Visit, role: str) -> None:
    page = visit(role).new_page()
    page.goto(f"{up.url}/grdf/fleet")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"^Counted by Airflow at \d\d:\d\d:\d\d \(Paris\)"))
    since = page.locator("[data-runs]").get_attribute("data-runs")
    assert since
    for state in ("success", "failed", "running", "queued"):
        counted = up.api("GET", since.partition("/api/v2")[2] + f"&state={state}").json()
        assert all(run["dag_id"].startswith("grdf_account__") for run in counted["dag_runs"])
        expect(page.locator(f"[data-state={state}]")).to_have_text(str(counted["total_entries"]))


def test_what_airflow_does_not_say_is_not_shown_as_0(up: Up, visit: Visit) -> None:
    page = visit(ADMIN, expected="status of 500").new_page()
    page.route("**/api/v2/dags/~/dagRuns*failed*", lambda route: route.fulfill(status=500, body="{}"))
    page.goto(f"{up.url}/grdf/fleet")
    expect(page.locator("[data-state=failed]")).to_have_text("could not be read from Airflow")
    expect(page.locator("[data-state=running]")).to_have_text(re.compile(r"^\d+$"))
    expect(page.get_by_role("status")).to_have_text("")


def test_it_fits_a_phone(up: Up, visit: Visit) -> None:
    page = visit(ADMIN, width=360, theme="dark", locale="fr-FR").new_page()
    page.goto(f"{up.url}/grdf/fleet")
    expect(page.get_by_role("heading", level=1)).to_have_text("Parc")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tiles = page.locator(".tile").evaluate_all("nodes => nodes.map(node => node.getBoundingClientRect().left)")
    assert len(set(tiles)) == 1, "one below the other"
    is_cut = "each => each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight"
    assert page.locator(".scroll").evaluate_all(f"nodes => nodes.filter({is_cut}).length") == 0, "no table is cut"


def test_the_keyboard_reaches_the_list(up: Up, visit: Visit) -> None:
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/grdf/fleet")
    table = page.get_by_role("table", name="Accounts by the age of their newest day")
    expect(table).to_be_visible()
    expect(table.get_by_role("row")).to_have_count(12)
    link = page.locator(".tile a").first
    page.get_by_role("link", name="All accounts, one by one").focus()
    follow(page, link, within=10)
    page.wait_for_url("**/grdf/?state=*")
    expect(page.get_by_role("link", name="Fleet: all accounts together")).to_be_visible()
