"""The page in a browser: for everybody, on a phone, with a keyboard, in both themes and inside Airflow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from include.sandbox.airflow_stack import ADMIN, VIEWER
from tests.helpers import wait

if TYPE_CHECKING:
    from tests.browser.conftest import Visit
    from tests.browser.up import Up

PATHS = (
    "/grdf/fleet", "/grdf/", "/grdf/?search=not-there", "/grdf/accounts/two-meters",
    "/grdf/accounts/real-household?month=2026-04", "/grdf/accounts/not-there",
    "/grdf/accounts/two-meters/published?meter=09999990000042", "/grdf/connect/", "/grdf/connect/two-meters",
    "/grdf/connect/two-meters/records", "/grdf/connect/two-meters/proofs", "/grdf/import/", "/grdf/city",
)  # fmt: skip
FITS = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_use_it(up: Up, visit: Visit, theme: str, width: int) -> None:
    page = visit(ADMIN, width=width, theme=theme).new_page()
    for path in PATHS:
        page.goto(f"{up.url}{path}")
        page.wait_for_load_state("networkidle")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found = Axe().run(page)
        assert len(found.response["passes"]) > 10, path  # axe has really checked something
        violations = found.response["violations"]
        assert [(path, each["id"], each["impact"], each["nodes"][0]["html"]) for each in violations] == []
        assert page.evaluate(FITS), path
        assert page.evaluate("document.documentElement.dataset.theme") == theme


def test_the_fleet_fits_a_phone_in_french(up: Up, visit: Visit) -> None:
    page = visit(ADMIN, width=360, theme="dark", locale="fr-FR").new_page()
    page.goto(f"{up.url}/grdf/fleet")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert page.evaluate(FITS)
    tiles = page.locator(".tile").evaluate_all("nodes => nodes.map(node => node.getBoundingClientRect().left)")
    assert len(set(tiles)) == 1, "one below the other"
    is_cut = "each => each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight"
    assert page.locator(".scroll").evaluate_all(f"nodes => nodes.filter({is_cut}).length") == 0, "no table is cut"


def follow(page: Page, link: Locator, within: int) -> None:
    for _ in range(within):
        page.keyboard.press("Tab")
        if link.evaluate("node => node === document.activeElement"):
            break
    page.keyboard.press("Enter")


def test_the_keyboard_reaches_everything(up: Up, visit: Visit) -> None:
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/grdf/fleet")
    page.get_by_role("link", name="All accounts, one by one").focus()
    follow(page, page.locator(".tile a").first, within=10)
    page.wait_for_url("**/grdf/?state=*")
    page.goto(f"{up.url}/grdf/")
    page.get_by_label("Account or meter").focus()
    page.keyboard.type("two-me")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)  # including the one in the headings
    follow(page, page.get_by_role("link", name="two-meters"), within=30)
    page.wait_for_url("**/accounts/two-meters")
    value, slider = page.locator(".value").first, page.get_by_role("slider").first
    slider.focus()
    page.keyboard.press("End")
    last = page.locator("svg").first.locator(".column title").last.text_content()
    expect(value).to_have_text(last or "")
    expect(slider).to_have_attribute("aria-valuetext", last or "")
    page.locator(".column rect").first.hover()
    expect(value).not_to_have_text(last or "")
    page.locator("figure summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("figure table").first).to_be_visible()


def test_airflow_shows_it_in_its_navigation_and_colours_and_its_dag_leads_there(up: Up, visit: Visit) -> None:
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/")
    entry = page.get_by_role("link", name="Gas", exact=True)
    expect(entry).to_be_visible()
    assert entry.evaluate("node => node.scrollWidth <= node.clientWidth"), "the label is not cut off"
    wait(lambda: entry.locator("img").evaluate("node => node.naturalWidth > 0"), "an icon of its own")
    entry.click()
    frame = page.frame_locator("iframe")
    for theme in ("dark", "light"):
        page.evaluate(f"localStorage.setItem('theme', '{theme}')")
        expect(frame.locator("html")).to_have_attribute("data-theme", theme)
    frame.get_by_role("link", name="All accounts, one by one").click()
    frame.get_by_role("link", name="two-meters").click()
    frame.get_by_role("link", name="Its DAG and runs in Airflow").click()  # the whole window goes there
    page.wait_for_url("**/dags/grdf_account__two-meters")
    page.get_by_role("button", name="Dag Docs").click()
    with page.expect_popup() as opened:  # Airflow opens links of its documentation in a tab of their own
        page.get_by_role("link", name="This account on the page Gas").click()
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("two-meters")


@pytest.mark.parametrize("role", [ADMIN, VIEWER])
def test_the_fleet_counts_the_runs_of_today_and_what_airflow_does_not_say_is_not_0(
    up: Up, visit: Visit, role: str
) -> None:
    page = visit(role).new_page()
    page.goto(f"{up.url}/grdf/fleet")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"\d\d:\d\d \(Paris\)"))
    for kind, states in (("task_instances", ("success", "skipped")), ("dag_runs", ("failed", "running", "queued"))):
        for state in states:
            cell = page.locator(f"[data-count$={state}]")
            counted = up.api("GET", (cell.get_attribute("data-count") or "").partition("/api/v2")[2]).json()
            assert all(each["dag_id"].startswith("grdf_account__") for each in counted[kind])
            expect(cell).to_have_text(str(counted["total_entries"]))
    page.route("**/api/v2/dags/~/dagRuns*failed*", lambda route: route.fulfill(status=500, body="{}"))
    page.reload()
    expect(page.locator("[data-count$=failed]")).to_have_text(re.compile(r"^\D+$"))
    expect(page.locator("[data-count$=running]")).to_have_text(re.compile(r"^\d+$"))


CONNECTIONS = {"grdf_adict": "grdf", "grdfgrandlyon_delete": "grdfdelete", "couchdb": "couchdb"}


@pytest.mark.parametrize("conn_id", CONNECTIONS)
def test_a_connection_s_form_has_our_labels_and_its_button_works(up: Up, visit: Visit, conn_id: str) -> None:
    from grdf.provider.provider_info import get_provider_info

    (kind,) = [
        each for each in get_provider_info()["connection-types"] if each["connection-type"] == CONNECTIONS[conn_id]
    ]
    page = visit(ADMIN).new_page()
    page.goto(f"{up.url}/connections")
    row = page.get_by_role("row").filter(has_text=conn_id)
    row.get_by_role("button", name="Edit Connection").click()
    form = page.get_by_role("dialog")
    expect(form.get_by_text(kind["hook-name"], exact=True)).to_be_visible()
    expect(form.locator("input[name=host]")).to_have_value(re.compile(r"127\.0\.0\.1"))
    for label in kind["ui-field-behaviour"]["relabeling"].values():
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    form.get_by_text("Extra Fields", exact=True).click()
    for field in kind["conn-fields"].values():
        for text in (field["label"], field["description"]):
            expect(form.get_by_text(text, exact=True)).to_be_visible()
    page.reload()
    row.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_text("Test Connection Successful")).to_be_visible()
