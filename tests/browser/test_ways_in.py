"""The direct way in, an import and proofs, as an operator does them in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from include.sandbox.adict.meter_data import meters
from include.sandbox.airflow_stack import ADMIN
from include.sandbox.control import SandboxControl
from tests.browser.conftest import Visit
from tests.helpers import holder
from tests.plugins.staging.proof_samples import GOOD

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.browser.up import Up

LONG = 600_000
"""Milliseconds that a run may take on a busy machine."""
NAME, EMAIL = "Durand-Invente", "browser-planted@example.org"


@pytest.fixture
def grdf(up: Up) -> Iterator[SandboxControl]:
    """GRDF's stand-in of ``./grdf up``. After the test nothing of a person is in Airflow's database, logs and files."""
    yield SandboxControl(up.sandbox)
    rows = list(up.rows())
    assert {"dag_run", "task_instance", "xcom", "log"} <= {table for table, _ in rows}
    assert {table for table, row in rows if NAME in row or EMAIL in row} == set()
    files = [path for path in up.home.rglob("*") if path.is_file()]
    assert up.home / "api-server.log" in files
    holding = [path.name for path in files if any(planted.encode() in path.read_bytes() for planted in (NAME, EMAIL))]
    assert holding == []


def postcode(pce: str) -> str:
    meter = meters.find(pce)
    assert meter
    return meter.postcode


def declare(up: Up, page: Page, account: str) -> str:
    """Fill in the form, and return the meter."""
    (pce,) = holder(account).pces
    page.goto(f"{up.url}/grdf/connect/{account}")
    form, title = page.locator("form.direct"), page.get_by_role("heading", level=1)
    form.get_by_label("Meter number (PCE)").fill(pce)
    form.get_by_label("Postcode of the meter").fill("75001")
    form.get_by_label("Last name").fill(NAME)
    form.get_by_label("E-mail address").fill(EMAIL)
    form.get_by_label("Where is the household’s consent kept?").fill("paper form 7")
    page.get_by_role("button", name="Check and go on").click()
    expect(title).to_have_text("Is this right?")
    page.get_by_role("button", name="Send").click()
    expect(title).to_have_text("GRDF is asked next")
    expect(page.get_by_text("For GRDF this is not the postcode of this meter.")).to_be_visible(timeout=LONG)
    page.get_by_role("link", name="To the form").click()
    form.get_by_label("Postcode of the meter").fill(postcode(pce))
    form.get_by_label("Where is the household’s consent kept?").fill("paper form 7")
    page.get_by_role("button", name="Check and go on").click()
    page.get_by_role("button", name="Send").click()
    look(up)
    expect(title).to_have_text("Waiting for the e-mail to be answered", timeout=LONG)
    return pce


def look(up: Up) -> None:
    """Let the DAG look that looks every quarter of an hour."""
    before = {run["dag_run_id"] for run in up.runs("grdf_waiting_rights")}
    assert up.api("POST", "/dags/grdf_waiting_rights/dagRuns", json={"logical_date": None}).ok
    limit = time.monotonic() + LONG / 1000
    while not [run for run in up.runs("grdf_waiting_rights") if run["dag_run_id"] not in before]:
        assert time.monotonic() < limit
        time.sleep(0.5)


def answers(up: Up, grdf: SandboxControl, pce: str, *, accept: bool) -> None:
    """Let the holder answer, and look."""
    (right,) = [each for each in grdf.consents() if each["id_pce"] == pce]
    grdf.answer(right["id_droit_acces"], accept=accept)
    look(up)


def test_the_direct_way_to_the_first_days(up: Up, visit: Visit, grdf: SandboxControl) -> None:
    account, page = "browser-direct-90101", visit(ADMIN).new_page()
    pce = declare(up, page, account)
    answers(up, grdf, pce, accept=True)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(re.compile("Accepted|The first days are stored"), timeout=LONG)
    expect(title).to_have_text("The first days are stored", timeout=LONG)
    page.goto(f"{up.url}/grdf/accounts/{account}")
    expect(page.locator("svg.chart")).to_have_count(3)
    page.get_by_role("link", name="Records of consent").click()
    expect(page.get_by_text(EMAIL)).to_have_count(2)  # also of the form that GRDF has refused


def test_a_holder_who_refuses(up: Up, visit: Visit, grdf: SandboxControl) -> None:
    page = visit(ADMIN).new_page()
    pce = declare(up, page, "browser-direct-90102")
    answers(up, grdf, pce, accept=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("The holder has refused", timeout=LONG)


def start(up: Up, form: Locator, status: Locator) -> None:
    form.get_by_role("button").click()
    expect(status).to_contain_text("Started")
    up.wait_for_run("grdf_import_accounts")


def test_a_file_of_households(up: Up, visit: Visit, grdf: SandboxControl) -> None:
    pces = [f"099999950{number}" for number in (90110, 90111)]
    lines = [f"browser-import-{pce[-5:]},{pce},{NAME},{postcode(pce)},{EMAIL}" for pce in pces]
    text = "\n".join(["account,pce,name,postcode,email", *lines, "browser-import-1,123,X,1,nothing"])
    page = visit(ADMIN, expected="status of 422").new_page()
    page.goto(f"{up.url}/grdf/")
    page.get_by_role("link", name="Import households").click()
    page.get_by_label("File").set_input_files({"name": "Mes foyers.csv", "mimeType": "text/csv", "buffer": b"x"})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("the name of the file is not valid")
    page.get_by_label("File").set_input_files({"name": "homes.csv", "mimeType": "text/csv", "buffer": text.encode()})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("The file homes.csv is stored.")).to_be_visible()
    form, status = page.locator("form.file"), page.locator("#actions [role=status]")
    start(up, form, status)
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("link", name="homes.result.csv").click()
    result = download.value.path().read_text()
    assert "4,browser-import-1,wrong" in result
    assert EMAIL not in result
    form.get_by_label("Dry run").uncheck()
    form.get_by_label("Skip wrong lines").check()
    start(up, form, status)
    page.reload()
    expect(page.get_by_text("No file waits.")).to_be_visible()
    assert {right["id_pce"] for right in grdf.consents()} >= set(pces)


def test_proofs(up: Up, visit: Visit, grdf: SandboxControl) -> None:
    account, page = "browser-proof-90103", visit(ADMIN).new_page()
    pce = declare(up, page, account)
    (right,) = [each["id_droit_acces"] for each in grdf.consents() if each["id_pce"] == pce]
    grdf.answer(right)
    grdf.ask_proof(right, grdf.today())
    page.goto(f"{up.url}/grdf/accounts/{account}")
    page.get_by_role("link", name="Proofs").click()
    files = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": GOOD["image/png"]} for n in "ab"]
    page.get_by_label("Add files").set_input_files(files)  # type: ignore[arg-type]  # a list of payloads
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Files that wait to be sent: 2.")).to_be_visible()
    page.get_by_role("button", name="Send the proof").click()
    expect(page.locator("#actions [role=status]")).to_contain_text("Started")
    up.wait_for_run("grdf_send_proof")
    page.reload()
    expect(page.get_by_text("GRDF is checking the proof of this consent.")).to_be_visible()
    assert [each["type"] for each in grdf.proofs(right)] == ["image/png", "image/png", "application/pdf"]
