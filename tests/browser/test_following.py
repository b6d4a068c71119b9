"""The page follows a run started by a button, even if something interferes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from include.sandbox.airflow_stack import ADMIN
from tests.browser.conftest import Visit
from tests.browser.up import LOCKED_OUT, run_now

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from tests.browser.up import Up

DAG = "grdf_account__two-meters"
ITS_RUN = "**/api/v2/dags/*/dagRuns/manual__*"
"""Requests about a run that the page follows."""
LONG = 600_000
"""Milliseconds that a run may take on a busy machine."""


def open_account(up: Up, page: Page) -> Locator:
    page.goto(f"{up.url}/grdf/accounts/two-meters")
    return page.get_by_role("status")


def test_the_dag_is_paused(up: Up, visit: Visit) -> None:
    page = visit(ADMIN, expected=LOCKED_OUT).new_page()
    status = open_account(up, page)
    assert up.api("PATCH", f"/dags/{DAG}", json={"is_paused": True}).ok
    try:
        run_now(page)
        expect(status).to_contain_text(
            "It is waiting because its DAG is paused in Airflow. Switch the DAG on there:", timeout=LONG
        )
        expect(status.get_by_role("link")).to_have_attribute("href", re.compile(f"/dags/{DAG}/runs/manual__"))
    finally:
        assert up.api("PATCH", f"/dags/{DAG}", json={"is_paused": False}).ok
    expect(status).to_contain_text("It succeeded", timeout=LONG)


def test_airflow_cannot_be_reached_for_a_while(up: Up, visit: Visit) -> None:
    page = visit(ADMIN, expected="ERR_FAILED|status of 500").new_page()
    status = open_account(up, page)
    page.route(ITS_RUN, lambda route: route.abort())
    page.get_by_role("button", name="Run now").click()
    silent = "Airflow does not answer just now. The page keeps asking."
    expect(status).to_contain_text(silent, timeout=LONG)
    expect(status).to_contain_text("Started.")
    expect(status.get_by_role("link")).to_have_text(re.compile("^manual__"))
    with page.expect_response(ITS_RUN) as answer:
        page.route(ITS_RUN, lambda route: route.fulfill(status=500, body="no JSON"))  # from now on, instead
    assert answer.value.status == 500
    expect(status).to_contain_text(silent)
    page.unroute(ITS_RUN)
    expect(status).to_contain_text("It succeeded", timeout=LONG)
    expect(status).not_to_contain_text(silent)


@pytest.mark.parametrize(
    ("refusal", "why"), [(401, "your login to Airflow has expired"), (403, "may no longer see it")]
)
def test_it_may_not_be_seen_any_more(up: Up, visit: Visit, refusal: int, why: str) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=refusal, json={"detail": "no"})

    page = visit(ADMIN, expected=LOCKED_OUT).new_page()
    page.clock.install()
    status = open_account(up, page)
    page.route(ITS_RUN, refuse)
    run_now(page)
    expect(status).to_contain_text(why, timeout=LONG)
    expect(status).to_contain_text("Started.")
    expect(status.get_by_role("link")).to_have_attribute("href", re.compile(f"/dags/{DAG}/runs/manual__"))
    page.clock.run_for(30_000)
    page.evaluate("fetch(location.href).then(() => undefined)")  # by then, all earlier requests have been answered
    assert len(asked) == 1, "it has stopped asking"
