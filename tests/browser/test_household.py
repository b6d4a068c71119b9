"""A household's whole life on the page: it connects, is read, is viewed, is read again, and leaves."""

from __future__ import annotations

import csv
import re
import time
from io import StringIO
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from include.sandbox.airflow_stack import ADMIN
from tests.browser.conftest import Visit
from tests.browser.up import LOCKED_OUT, run_now
from tests.helpers import holder

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.up import Up

ACCOUNT = "browser-90077"
DAG = f"grdf_account__{ACCOUNT}"
LONG = 600_000
"""Milliseconds that a run may take on a busy machine."""


def test_it_connects_is_read_and_leaves(up: Up, visit: Visit) -> None:
    window = visit(ADMIN, expected=LOCKED_OUT)
    page = window.new_page()
    page.goto(f"{up.url}/plugin/gas-accounts")
    frame = page.frame_locator("iframe")
    with window.expect_page() as opened:
        frame.get_by_role("link", name="Connect a household").click()
    tab = opened.value
    connect(tab)
    tab.get_by_role("link", name="See the account").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(ACCOUNT)
    watch_first_run(up, tab)
    look_at_the_chart(up, tab)
    start_a_run(up, tab)
    read_again(up, tab)
    leave(up, tab)
    page.goto(f"{up.url}/plugin/gas-accounts")
    frame.get_by_role("link", name="All accounts, one by one").click()
    expect(frame.get_by_role("link", name="two-meters")).to_be_visible()
    expect(frame.get_by_role("link", name=ACCOUNT)).to_have_count(0)


def connect(tab: Page) -> None:
    who = holder(ACCOUNT, 1)
    tab.get_by_label("account").fill(ACCOUNT)
    tab.get_by_role("button", name="Continue", exact=True).click()
    tab.locator("#first_name").fill(who.first_name)
    tab.locator("#last_name").fill(who.last_name)
    tab.locator("#email").fill(who.email)
    tab.get_by_role("button", name="Continue to GRDF").click()
    tab.get_by_role("button", name="Accepter").click()
    expect(tab.get_by_role("heading", name="The first days are stored")).to_be_visible()


def watch_first_run(up: Up, tab: Page) -> None:
    """Reload the account's page, as a person does, until it shows a chart after the first run."""
    limit = time.monotonic() + LONG / 1000
    while not tab.locator("svg.chart").count():
        assert time.monotonic() < limit, "the first run brought no chart"
        time.sleep(2)
        tab.reload()
    up.wait_for_run(DAG)
    tab.reload()


def look_at_the_chart(up: Up, tab: Page) -> None:
    expect(tab.locator("svg.chart")).to_have_count(3)
    answer = tab.request.get(f"{up.url}/grdf/accounts/{ACCOUNT}/days.csv")
    days = {row["day"]: float(row["kwh"]) for row in csv.DictReader(StringIO(answer.text()))}
    assert len(days) > 900
    month = max(days)[:7]
    shown = tab.locator("figure").first
    mine = {day: kwh for day, kwh in days.items() if day.startswith(month)}
    expect(shown.locator("rect.bar.now:not(.gap)")).to_have_count(len(mine))
    shown.get_by_text("Show the numbers as a table").click()
    rows = [row.locator("th, td").all_inner_texts() for row in shown.locator("tbody tr").all()]
    table = {int(row[0].split()[0]): row[1] for row in rows if row[1] != "–"}
    assert {day: float(kwh.replace(",", "")) for day, kwh in table.items()} == {
        int(day[-2:]): kwh for day, kwh in mine.items()
    }
    tab.get_by_role("link", name=re.compile(r"^[A-Z][a-z]+ \d{4}$")).first.click()
    expect(tab.locator("figure").first.locator("rect.bar.now").first).to_be_visible()
    with tab.expect_download() as download:
        figure = tab.locator("figure").first
        figure.get_by_text("Show the numbers as a table").click()
        figure.get_by_role("link", name="Download all numbers as CSV").click()
    assert download.value.suggested_filename == f"{ACCOUNT}-days.csv"


def start_a_run(up: Up, tab: Page) -> None:
    before = {run["dag_run_id"] for run in up.runs(DAG)}
    run_now(tab)
    outcome = tab.get_by_role("status")
    up.wait_for_run(DAG)
    (new,) = [run for run in up.runs(DAG) if run["dag_run_id"] not in before]
    assert (new["run_type"], new["triggering_user_name"]) == ("manual", ADMIN)
    expect(outcome.get_by_role("link")).to_have_text(new["dag_run_id"])
    expect(outcome.get_by_role("link")).to_have_attribute("href", re.compile(f"/dags/{DAG}/runs/manual__"))


def read_again(up: Up, tab: Page) -> None:
    tab.get_by_text("Read a range again…").click()
    form = tab.locator("form[data-dag=grdf_history]")
    form.get_by_label("From").fill("2026-01-05")
    form.get_by_label("To (not included)").fill("2026-02-01")
    form.get_by_label("Include definitive days").check()
    form.get_by_role("button", name="Read again").click()
    expect(tab.get_by_role("status")).to_contain_text("Started")
    up.wait_for_run("grdf_history")
    (run,) = up.runs("grdf_history")
    assert run["triggering_user_name"] == ADMIN
    assert run["conf"] == {
        "accounts": [ACCOUNT], "from": "2026-01-05", "to": "2026-02-01", "include_definitive": True,
    }  # fmt: skip


def leave(up: Up, tab: Page) -> None:
    tab.get_by_text("Leave…").click()
    form = tab.locator("form[data-dag=grdf_delete_account]")
    go, status = form.get_by_role("button", name="Start"), tab.get_by_role("status")
    form.get_by_label("Type the account’s id").fill("another")
    go.click()
    assert up.runs("grdf_delete_account") == []  # the browser requires exactly this id
    form.get_by_label("Type the account’s id").fill(ACCOUNT)
    go.click()
    expect(status).to_contain_text("Started")
    up.wait_for_run("grdf_delete_account")
    (dry,) = up.runs("grdf_delete_account")
    assert dry["conf"] == {"account": ACCOUNT, "confirm": ACCOUNT, "dry_run": True, "keep_data": False}
    form.get_by_label("Dry run").uncheck()
    go.click()
    expect(status.get_by_role("link")).not_to_have_text(dry["dag_run_id"])
    up.approve("grdf_delete_account", up.runs("grdf_delete_account")[0]["dag_run_id"])
    up.wait_for_run("grdf_delete_account")
    tab.reload()
    expect(tab.get_by_text("There is no such account")).to_be_visible()
