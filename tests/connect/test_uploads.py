"""Files that operators send on the page: households to import, and proofs of consent."""

from __future__ import annotations

import html
import logging
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from grdf.operators.ways_in.send_proof import SendProofOperator
from include.gas.account.marks import with_leaving
from include.gas.display.progress import Step, find_progress
from include.sandbox.local_world import LocalWorld
from tests.connect.dance import said
from tests.connect.direct import followed
from tests.connect.direct import run as take_in
from tests.connect.site import Browser, Site
from tests.helpers import context, holder, known_account
from tests.importing.scene import adopt, run
from tests.plugins.staging.proof_samples import GOOD
from tests.rights.declared import postcode
from tests.rights.scene import document

HOME = "planted-home@example.org"


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    return tmp_path / "staging"


def table(account: str, **more: str) -> bytes:
    (pce,) = holder(account).pces
    cells = {"account": account, "pce": pce, "name": "Durand", "postcode": postcode(pce), "email": HOME} | more
    return f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()


def put(browser: Browser, path: str, *files: tuple[str, bytes]) -> httpx.Response:
    return browser.post(path, files=[("file", (name, content)) for name, content in files])


def conf(page: httpx.Response, dag: str) -> list[dict[str, Any]]:
    found = []
    for form in re.findall(rf'<form data-dag="{dag}".*?</form>', page.text, re.DOTALL):
        tags = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) | {"on": " checked" in tag} for tag in
                re.findall(r"<input[^>]*>", form)]  # fmt: skip
        found.append({t["name"]: t["on"] if t["type"] == "checkbox" else html.unescape(t["value"]) for t in tags})
    return found


def result_at(page: httpx.Response, name: str) -> str:
    (found,) = re.findall(rf'<a href="/gas/airflow/grdf(/import/result\?[^"]*)" download>{name}</a>', page.text)
    return str(found)


def test_a_file_of_households_is_uploaded_checked_and_imported(
    door: Site, clean: LocalWorld, account_id: str, staging: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browser, name = door.browser("op"), f"Durand-{account_id}.csv"
    assert 'href="/gas/airflow/grdf/import/"' in browser.get("/").text
    page = followed(browser, put(browser, "/import/upload", (name, table(account_id))))
    assert (name in said(page).text, HOME in page.text) == (True, False)
    file = staging / "import" / name
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    (start,) = conf(page, "grdf_import_accounts")
    assert start == {"file": name, "dry_run": True, "skip_wrong_lines": False}
    again = put(browser, "/import/upload", (name, table(account_id, email="other@example.org")))
    assert again.status_code == 422, "it is not replaced"
    assert HOME in file.read_text()
    run(name, dry_run=True)
    assert "to declare: 1" in browser.get("/import/").text
    run(name)
    assert find_progress(document(clean, account_id)).step is Step.WAITS
    page, result = browser.get("/import/"), name.replace(".csv", ".result.csv")
    assert conf(page, "grdf_import_accounts") == []
    taken = browser.get(result_at(page, result))
    assert (taken.status_code, taken.headers["Content-Disposition"]) == (200, f'attachment; filename="{result}"')
    assert (HOME in taken.text, account_id in taken.text) == (False, True)
    put(browser, "/import/upload", ("b.csv", table(account_id, postcode="x")))
    run("b.csv", dry_run=True)
    assert "its postcode is not" in browser.get("/import/").text.partition("Line 2:")[2]
    assert 'value="b.csv"' not in followed(browser, browser.post("/import/remove", data={"name": "b.csv"})).text
    assert {each.name for each in (staging / "import").glob("*.csv")} == {"b.result.csv", result}
    log = "\n".join(each.getMessage() for each in caplog.records if each.name.startswith("grdf.page"))
    assert [each for each in ("op uploaded a CSV file with 1 line", "op removed a CSV file") if each not in log] == []
    assert "Durand" not in log


def test_a_file_of_buildings_is_uploaded_for_the_adoption(door: Site, clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    clean.control.drop_consents()
    clean.control.own_contracts([pce])
    browser = door.browser("op")
    page = followed(
        browser, put(browser, "/import/upload", ("pools.csv", f"Building;Meter;Name\n{account_id};{pce};Pool".encode()))
    )
    assert conf(page, "grdf_import_accounts") == []
    (start,) = conf(page, "grdf_adopt_rights")
    assert start == {"buildings": "pools.csv", "dry_run": True}
    assert adopt(buildings="pools.csv")["buildings"] == 1
    assert document(clean, account_id)["name"] == "Pool"


@pytest.mark.parametrize(("name", "content", "message"), [
    ("<script>.csv", b"pce,postcode,email\n", "name"), ("../homes.csv", b"pce,postcode,email\n", "name"),
    ("homes.csv", b"\xff\xfe\x00", "UTF-8"), ("homes.csv", b"pce,planted@example.org\n1,2\n", "column"),
])  # fmt: skip
def test_what_is_no_file_of_households_is_not_stored(
    door: Site, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    answer = put(door.browser("op"), "/import/upload", (name, content))
    assert (answer.status_code, message in said(answer).text, "<script>." in answer.text) == (422, True, False)
    assert not list(tmp_path.glob("**/*.csv"))


def test_what_is_not_there_is_neither_removed_nor_taken_away(door: Site, staging: Path) -> None:
    browser = door.browser("op")
    for odd in ("../account.csv", "", "a.result.csv"):
        assert browser.post("/import/remove", data={"name": odd}).status_code == 422
    for files in ((), (("a.csv", b"x"), ("b.csv", b"x"))):
        assert put(browser, "/import/upload", *files).status_code == 422, "one file"
    for odd in ("..%2f..%2fairflow.cfg", "homes.csv", "nothing.result.csv"):
        assert browser.get(f"/import/result?name={odd}").status_code == 404


def test_proofs_are_uploaded_and_sent(door: Site, clean: LocalWorld, account_id: str, staging: Path) -> None:
    known_account(clean, account_id)
    take_in(account_id)
    (consent,) = document(clean, account_id)["oauth_callback_results"]["consents"]
    clean.control.ask_proof(consent["id_accreditation"], clean.control.today())
    browser, at = door.browser("op"), f"/connect/{account_id}/proofs"
    assert f'href="/gas/airflow/grdf{at}"' in browser.get(f"/accounts/{account_id}").text
    for files in ((), (("a.pdf", GOOD["application/pdf"]), ("<b>.pdf", b"MZ no proof"))):
        answer = put(browser, f"{at}/upload", *files)
        assert (answer.status_code, "<b>.pdf" in answer.text) == (422, False)
        assert not (staging / "proofs" / account_id).exists(), "all files are stored or none"
    names = [("M. Durand.png", GOOD["image/png"]), ("b.pdf", GOOD["application/pdf"])]
    page = followed(browser, put(browser, f"{at}/upload", *names))
    assert "2" in said(page).text
    assert "Durand" not in page.text
    assert all("Durand" not in file.name for file in staging.glob("**/*"))
    too_many = put(browser, f"{at}/upload", *names)
    assert (too_many.status_code, "three files" in said(too_many).text) == (422, True)
    assert conf(page, "grdf_send_proof") == [{"account": account_id}]
    assert SendProofOperator(task_id="send", account_id=account_id).execute(context(run_type="manual"))["files"] == 2
    put(browser, f"{at}/upload", names[0])
    assert list(staging.glob(f"proofs/{account_id}/*"))
    followed(browser, browser.post(f"{at}/remove"))
    assert not list(staging.glob(f"proofs/{account_id}/*"))
    clean.book.save(with_leaving(document(clean, account_id), by="b", since=datetime.now(UTC)))
    assert put(browser, f"{at}/upload", names[0]).status_code == 409, "it is leaving"
    clean.book.remove(account_id)
    assert put(browser, f"{at}/upload", names[0]).status_code == 409
    assert not list(staging.glob(f"proofs/{account_id}/*"))
