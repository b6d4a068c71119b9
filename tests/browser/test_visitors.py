"""What visitors see who may only look or are not logged in, and the page inside Airflow's own."""

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


def test_a_viewer_looks_and_starts_nothing(up: Up, visit: Visit) -> None:
    page = visit(VIEWER).new_page()
    page.goto(f"{up.url}/grdf/")
    expect(page.get_by_role("link", name="Connect a household")).to_have_count(0)
    page.get_by_role("link", name="two-meters").click()
    expect(page.locator("svg.chart")).to_have_count(3)
    expect(page.locator("#actions")).to_have_count(0)
    answer = page.request.post(
        f"{up.url}/api/v2/dags/grdf_account__two-meters/dagRuns", data={"logical_date": None, "conf": {}}
    )
    assert answer.status == 403
    answer = page.goto(f"{up.url}/grdf/connect/two-meters")
    assert answer
    assert answer.status == 403
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not allowed to do this")


def test_whoever_may_not_any_more_is_told_so(up: Up, visit: Visit) -> None:
    """The page was loaded by an administrator. In the meantime, somebody who may only look has logged in."""
    window = visit(ADMIN)
    page = window.new_page()
    page.goto(f"{up.url}/grdf/accounts/two-meters")
    before = len(up.runs("grdf_account__two-meters"))
    window.add_cookies([{"name": "_token", "value": up.token(VIEWER), "url": up.url}])
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("Airflow did not start it: Forbidden"))
    window.clear_cookies()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("Airflow did not start it: Not authenticated"))
    assert len(up.runs("grdf_account__two-meters")) == before


@pytest.mark.parametrize("path", ["/grdf/fleet", "/grdf/", "/grdf/accounts/two-meters", "/grdf/connect/two-meters"])
def test_nobody_is_let_in_without_a_login(up: Up, visit: Visit, path: str) -> None:
    page = visit().new_page()
    answer = page.goto(f"{up.url}{path}")
    assert answer
    assert answer.status == 401
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not logged in")
    expect(page.get_by_role("link", name="Log in")).to_have_attribute("href", re.compile("/auth/login"))
    expect(page.get_by_text("two-meters")).to_have_count(0)


def test_airflow_shows_it_in_its_navigation_and_its_dag_leads_there(up: Up, visit: Visit) -> None:
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/")
    entry = page.get_by_role("link", name="Gas", exact=True)
    expect(entry).to_be_visible()
    assert entry.evaluate("node => node.scrollWidth <= node.clientWidth"), "the label is not cut off"
    icon = entry.locator("img")
    shown = icon.evaluate("node => node.decode().then(() => node.naturalWidth > 0, () => false)")  # once it has come
    assert shown, "it has an icon of its own"
    entry.click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", level=1)).to_have_text("Fleet")
    frame.get_by_role("link", name="All accounts, one by one").click()
    frame.get_by_role("link", name="two-meters").click()
    frame.get_by_role(
        "link", name="Its DAG and runs in Airflow"
    ).click()  # the whole window navigates there, out of the iframe
    page.wait_for_url("**/dags/grdf_account__two-meters")
    page.get_by_role("button", name="Dag Docs").click()
    page.get_by_role("link", name="This account on the page Gas").click()
    with page.expect_popup() as opened:  # Airflow opens links of its documentation in a tab of their own
        page.get_by_role("link", name="This account on the page Gas").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("two-meters")


def test_it_follows_the_colours_of_airflow_while_it_is_open(up: Up, visit: Visit) -> None:
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/plugin/gas-accounts")
    root = page.frame_locator("iframe").locator("html")
    for theme in ("dark", "light"):
        page.evaluate(f"localStorage.setItem('theme', '{theme}')")
        expect(root).to_have_attribute("data-theme", theme)


def test_the_keyboard_reaches_everything(up: Up, visit: Visit) -> None:
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/grdf/")
    page.get_by_label("Account or meter").focus()
    page.keyboard.type("two-me")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)  # including the one in the headings
    link = page.get_by_role("link", name="two-meters")
    follow(page, link, within=30)
    page.wait_for_url("**/accounts/two-meters")
    summary = page.get_by_text("Show the numbers as a table").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("figure table").first).to_be_visible()
