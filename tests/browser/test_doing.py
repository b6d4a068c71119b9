"""What people do in a browser: connect households, import them, send proofs, start runs, and see what came of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from include.sandbox.airflow_stack import ADMIN, VIEWER
from include.sandbox.control import SandboxControl
from tests.browser.up import run_now
from tests.helpers import holder
from tests.plugins.staging.proof_samples import GOOD
from tests.rights.declared import postcode

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit
    from tests.browser.up import Up

LONG = 600_000


@pytest.fixture
def grdf(up: Up) -> SandboxControl:
    return SandboxControl(up.sandbox)


def test_a_household_connects_is_read_and_leaves(up: Up, visit: Visit) -> None:
    account, window = "browser-90077", visit(ADMIN)
    page, dag, who = window.new_page(), f"grdf_account__{account}", holder(account)
    page.goto(f"{up.url}/plugin/gas-accounts")
    frame = page.frame_locator("iframe")
    with window.expect_page() as opened:
        frame.get_by_role("link", name="Connect a household").click()
    tab = opened.value
    tab.get_by_label("account").fill(account)
    tab.get_by_role("button", name="Continue", exact=True).click()
    tab.get_by_text("Or on GRDF’s own site").click()
    for field, text in (("first_name", who.first_name), ("last_name", who.last_name), ("email", who.email)):
        tab.locator(f"#{field}").fill(text)
    tab.get_by_role("button", name="Continue to GRDF").click()
    tab.get_by_role("button", name="Accepter").click()
    expect(tab.get_by_role("heading", name="The first days are stored")).to_be_visible(timeout=LONG)
    tab.get_by_role("link", name="See the account").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(account)
    up.wait_for_run(dag)
    tab.reload()
    look_at_the_chart(tab, account)
    start_a_run(up, tab, dag)
    order(up, tab, account)
    page.goto(f"{up.url}/plugin/gas-accounts")
    frame.get_by_role("link", name="All accounts, one by one").click()
    expect(frame.get_by_role("link", name="two-meters")).to_be_visible()
    expect(frame.get_by_role("link", name=account)).to_have_count(0)


def look_at_the_chart(tab: Page, account: str) -> None:
    expect(tab.locator("svg.chart")).to_have_count(3)
    shown = tab.locator("figure").first
    shown.get_by_text("Show the numbers as a table").click()
    rows = [row.locator("th, td").all_inner_texts() for row in shown.locator("tbody tr").all()]
    expect(shown.locator("rect.bar.now")).to_have_count(sum(row[1] != "–" for row in rows))
    with tab.expect_download() as download:
        shown.get_by_role("link", name="Download all numbers as CSV").click()
    assert download.value.suggested_filename == f"{account}-days.csv"
    tab.get_by_role("link", name=re.compile(r"^[A-Z][a-z]+ \d{4}$")).first.click()
    expect(tab.locator("figure").first.locator("rect.bar.now").first).to_be_visible()


def start_a_run(up: Up, tab: Page, dag: str) -> None:
    before = {run["dag_run_id"] for run in up.runs(dag)}
    run_now(tab)
    up.wait_for_run(dag)
    (new,) = [run for run in up.runs(dag) if run["dag_run_id"] not in before]
    assert (new["run_type"], new["triggering_user_name"]) == ("manual", ADMIN)
    link = tab.get_by_role("status").get_by_role("link")
    expect(link).to_have_attribute("href", re.compile(f"/dags/{dag}/runs/{quote(new['dag_run_id'], safe='')}$"))


def order(up: Up, tab: Page, account: str) -> None:
    tab.get_by_text("Read a range again…").click()
    form, status = tab.locator("form[data-dag=grdf_history]"), tab.get_by_role("status")
    form.get_by_label("From").fill("2026-01-05")
    form.get_by_label("To (not included)").fill("2026-02-01")
    form.get_by_label("Include definitive days").check()
    form.get_by_role("button", name="Read again").click()
    expect(status).to_contain_text("Started")
    run = up.wait_for_run("grdf_history")
    assert run["conf"] == {
        "accounts": [account], "from": "2026-01-05", "to": "2026-02-01", "include_definitive": True,
    }  # fmt: skip
    tab.get_by_text("Delete…").click()
    form = tab.locator("form[data-dag=grdf_delete_account]")
    go = form.get_by_role("button", name="Start")
    form.get_by_label("Type the account’s id").fill("another")
    go.click()
    assert up.runs("grdf_delete_account") == []  # the browser requires exactly this id
    form.get_by_label("Type the account’s id").fill(account)
    go.click()
    expect(status).to_contain_text("Started")
    dry = up.wait_for_run("grdf_delete_account")
    assert dry["conf"] == {"account": account, "confirm": account, "dry_run": True, "keep_data": False}
    expect(tab.locator(".result")).to_contain_text("To remove:")
    form.get_by_label("Dry run").uncheck()
    go.click()
    expect(tab.get_by_role("link", name="approve")).to_be_visible()
    up.approve("grdf_delete_account", up.runs("grdf_delete_account")[0]["dag_run_id"])
    up.wait_for_run("grdf_delete_account")


def test_the_direct_way_to_the_first_days_and_to_a_proof(up: Up, visit: Visit, grdf: SandboxControl) -> None:
    account, page = "browser-direct-90101", visit(ADMIN).new_page()
    (pce,) = holder(account).pces
    page.goto(f"{up.url}/grdf/connect/{account}")
    form, title, proof = page.locator("form.direct"), page.get_by_role("heading", level=1), "#direct-proof"
    for field, text in (("pce", pce), ("postcode", "75001"), ("name", "Durand"), ("email", "planted@example.org")):
        form.locator(f"#direct-{field}").fill(text)
    for wrong in (True, False):
        form.locator(proof).fill("paper form 7")
        form.locator("#direct-postcode").fill("75001" if wrong else postcode(pce))
        page.get_by_role("button", name="Check and go on").click()
        page.get_by_role("button", name="Send").click()
        if wrong:
            expect(page.get_by_text("not the postcode")).to_be_visible(timeout=LONG)
            page.get_by_role("link", name="To the form").click()
    page.get_by_role("button", name="Look now").click()
    expect(title).to_have_text(re.compile("Waiting"), timeout=LONG)
    (right,) = [each["id_droit_acces"] for each in grdf.consents() if each["id_pce"] == pce]
    with page.expect_popup() as opened:
        page.get_by_role("link", name="its e-mails").click()
    opened.value.get_by_role("button", name="Send GRDF's mails now").click()
    opened.value.locator("form", has_text=pce).get_by_role("button", name="Accept").click()
    page.get_by_role("button", name="Look now").click()
    expect(title).to_have_text("The first days are stored", timeout=LONG)
    look_at_its_own_page(page, visit(width=400).new_page(), f"{up.url}/grdf/connect/{account}")
    grdf.ask_proof(right, grdf.today())
    page.goto(f"{up.url}/grdf/connect/{account}/proofs")
    files = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": GOOD["image/png"]} for n in "ab"]
    page.get_by_label("Add files").set_input_files(files)  # type: ignore[arg-type]  # a list of payloads
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Send the proof").click()
    expect(page.locator("#actions [role=status]")).to_contain_text("Started")
    up.wait_for_run("grdf_send_proof")
    assert [each["type"] for each in grdf.proofs(right)] == ["image/png", "image/png", "application/pdf"]


def look_at_its_own_page(page: Page, phone: Page, form: str) -> None:
    page.goto(form)
    page.get_by_role("button", name="Create a link to its figures").click()
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    phone.goto(page.get_by_label("Link").input_value())
    expect(phone.locator("svg.chart")).to_have_count(2)
    assert [each["id"] for each in Axe().run(phone).response["violations"]] == []


def test_who_may_only_look_starts_nothing_also_with_a_page_of_before(up: Up, visit: Visit) -> None:
    viewer = visit(VIEWER).new_page()
    viewer.goto(f"{up.url}/grdf/accounts/two-meters")
    expect(viewer.locator("svg.chart")).to_have_count(3)
    expect(viewer.locator("#actions")).to_have_count(0)
    window = visit(ADMIN)
    page = window.new_page()
    page.goto(f"{up.url}/grdf/accounts/two-meters")
    before = len(up.runs("grdf_account__two-meters"))
    window.add_cookies([{"name": "_token", "value": up.token(VIEWER), "url": up.url}])
    for why in ("Forbidden", "Not authenticated"):
        page.get_by_role("button", name="Run now").click()
        expect(page.get_by_role("status")).to_have_text(re.compile(why))
        window.clear_cookies()
    assert len(up.runs("grdf_account__two-meters")) == before
