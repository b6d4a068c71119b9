"""Files that operators send on the page: households to import, and proofs of consent."""

from __future__ import annotations

import html
import re
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.operators.ways_in.send_proof import SendProofOperator
from include.gas.account.marks import with_leaving
from include.gas.display.progress import Step, progress
from include.sandbox.adict.meter_data import meters
from tests.connect.dance import said
from tests.helpers import context, holder, known_account
from tests.importing.scene import run
from tests.plugins.staging.proof_samples import GOOD
from tests.rights.proofs import take_in
from tests.rights.scene import document

if TYPE_CHECKING:
    import requests

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld
    from tests.connect.site import Browser, Site

pytestmark = pytest.mark.usefixtures("shelf")

HOME = "planted-home@example.org"


@pytest.fixture(autouse=True)
def staging(door: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site's folder, used by tasks in this process, too."""
    folder = Path(door.stack.home) / "grdf" / "staging"
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{folder}")
    return folder


def table(account: str, **more: str) -> bytes:
    (pce,) = holder(account).pces
    meter = meters.find(pce)
    assert meter
    cells = {"account": account, "pce": pce, "name": "Durand", "postcode": meter.postcode, "email": HOME} | more
    return f"{','.join(cells)}\n{','.join(cells.values())}\n".encode()


def put(browser: Browser, path: str, *files: tuple[str, bytes]) -> requests.Response:
    return browser.post(path, files=[("file", (name, content)) for name, content in files])


def led_to(browser: Browser, answer: requests.Response) -> requests.Response:
    assert answer.status_code == 303, answer.text
    return browser.get(browser.site.origin + answer.headers["Location"])


def conf(page: requests.Response, dag: str) -> list[dict[str, Any]]:
    """Return what the page's buttons start a DAG with, as its script reads the forms."""
    found = []
    for form in re.findall(rf'<form data-dag="{dag}".*?</form>', page.text, re.DOTALL):
        tags = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) | {"on": " checked" in tag} for tag in
                re.findall(r"<input[^>]*>", form)]  # fmt: skip
        found.append({t["name"]: t["on"] if t["type"] == "checkbox" else html.unescape(t["value"]) for t in tags})
    return found


def result_at(page: requests.Response, name: str) -> str:
    """Return the address below the page at which a result is taken away."""
    (found,) = re.findall(rf'<a href="/gas/airflow/grdf(/import/result\?[^"]*)" download>{name}</a>', page.text)
    return str(found)


def test_a_file_of_households_is_uploaded_checked_and_imported(
    door: Site, clean: LocalWorld, account_id: str, staging: Path
) -> None:
    browser, name = door.browser("op"), f"{account_id}.csv"
    assert 'href="/gas/airflow/grdf/import/"' in browser.get("/").text
    page = led_to(browser, put(browser, "/import/upload", (name, table(account_id))))
    assert f"The file {name} is stored" in said(page).text
    assert HOME not in page.text
    file = staging / "import" / name
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    (start,) = [each for each in conf(page, "grdf_import_accounts") if each["file"] == name]
    assert start == {"file": name, "dry_run": True, "skip_wrong_lines": False}
    for dry_run in (True, False):
        run(name, dry_run=dry_run)
    assert progress(document(clean, account_id)).step is Step.WAITS
    page = browser.get("/import/")
    assert conf(page, "grdf_import_accounts") == []
    result = browser.get(result_at(page, f"{account_id}.result.csv"))
    assert result.status_code == 200
    assert result.headers["Content-Disposition"] == f'attachment; filename="{account_id}.result.csv"'
    assert HOME not in result.text
    assert account_id in result.text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("homes.xlsx", b"PK", "the name of the file is not valid"),
        ("a.result.csv", b"pce,postcode,email\n", "the name of the file is not valid"),
        ("<script>.csv", b"pce,postcode,email\n", "the name of the file is not valid"),
        ("homes.csv", b"\xff\xfe\x00", "UTF-8"),
        ("homes.csv", b"", "it needs a header"),
        ("homes.csv", b"pce,planted@example.org\n1,2\n", "column"),
    ],
)
def test_what_is_no_file_of_households_is_not_stored(
    door: Site, staging: Path, name: str, content: bytes, says: str
) -> None:
    answer = put(door.browser("op"), "/import/upload", (name, content))
    assert answer.status_code == 422
    assert says in said(answer).text
    assert "<script>." not in answer.text
    assert not list(staging.glob("**/homes*"))


def test_a_name_with_a_folder_leads_out_of_none(door: Site, staging: Path) -> None:
    for name in ("../homes.csv", "/tmp/homes.csv", "..\\homes.csv", "proofs/homes.csv"):
        answer = put(door.browser("op"), "/import/upload", (name, table("somebody-00001")))
        assert answer.status_code == 422, name
    assert not list(staging.parent.glob("**/homes.csv"))


def test_a_file_is_not_replaced_but_can_be_removed(door: Site, account_id: str, staging: Path) -> None:
    browser, name = door.browser("op"), f"{account_id}.csv"
    put(browser, "/import/upload", (name, table(account_id)))
    again = put(browser, "/import/upload", (name, table(account_id, email="other@example.org")))
    assert again.status_code == 422
    assert "that was not worked off yet" in said(again).text
    assert HOME in (staging / "import" / name).read_text()
    assert name not in led_to(browser, browser.post("/import/remove", data={"name": name})).text
    assert not (staging / "import" / name).exists()
    for odd in ("../account.csv", "", f"{account_id}.result.csv"):
        assert browser.post("/import/remove", data={"name": odd}).status_code == 422
    for answer in (put(browser, "/import/upload"), put(browser, "/import/upload", ("a.csv", b"x"), ("b.csv", b"x"))):
        assert "Choose one file" in said(answer).text
    for odd in ("..%2f..%2fairflow.cfg", name, "nothing.result.csv"):
        assert browser.get(f"/import/result?name={odd}").status_code == 404


def test_proofs_are_uploaded_and_sent(
    door: Site, clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Path
) -> None:
    known_account(clean, account_id)
    take_in(couchdb, account_id)
    (consent,) = document(clean, account_id)["oauth_callback_results"]["consents"]
    clean.control.ask_proof(consent["id_accreditation"], clean.control.today())
    browser, at = door.browser("op"), f"/connect/{account_id}/proofs"
    assert f'href="/gas/airflow/grdf{at}"' in browser.get(f"/accounts/{account_id}").text
    assert "No file waits" in said(browser.get(at)).text
    names = [("M. Durand.png", GOOD["image/png"]), ("b.pdf", GOOD["application/pdf"])]
    page = led_to(browser, put(browser, f"{at}/upload", *names))
    assert "Files that wait to be sent: 2." in said(page).text
    assert "Durand" not in page.text
    assert all("Durand" not in file.name for file in staging.glob("**/*"))
    too_many = put(browser, f"{at}/upload", *names)
    assert (too_many.status_code, "GRDF takes three files" in said(too_many).text) == (422, True)
    assert conf(page, "grdf_send_proof") == [{"account": account_id}]
    assert SendProofOperator(task_id="send", account_id=account_id).execute(context(run_type="manual"))["files"] == 2
    assert "GRDF is checking the proof" in said(browser.get(at)).text
    put(browser, f"{at}/upload", names[0])
    assert "No file waits" in said(led_to(browser, browser.post(f"{at}/remove"))).text


def test_all_files_are_stored_or_none(door: Site, clean: LocalWorld, account_id: str, staging: Path) -> None:
    known_account(clean, account_id)
    browser, at = door.browser("op"), f"/connect/{account_id}/proofs/upload"
    answer = put(browser, at, ("a.pdf", GOOD["application/pdf"]), ("<b>.pdf", b"MZ no proof"))
    assert answer.status_code == 422
    assert "<b>.pdf is neither a PDF nor a PNG nor a JPEG file. Nothing was stored." in said(answer).text
    assert "<b>.pdf" not in answer.text
    assert "Choose at least one file" in said(put(browser, at)).text
    assert not (staging / "proofs" / account_id).exists()


def test_who_has_left_gets_no_files(door: Site, clean: LocalWorld, account_id: str, staging: Path) -> None:
    known_account(clean, account_id)
    at = f"/connect/{account_id}/proofs/upload"
    since = datetime.now(UTC)
    clean.book.save(with_leaving(document(clean, account_id), by="b", since=since))
    assert put(door.browser("op"), at, ("a.pdf", GOOD["application/pdf"])).status_code == 409
    clean.book.remove(account_id)
    assert put(door.browser("op"), at, ("a.pdf", GOOD["application/pdf"])).status_code == 409
    assert not (staging / "proofs" / account_id).exists()


def test_a_file_s_name_does_not_reach_the_log(door: Site, clean: LocalWorld, account_id: str, staging: Path) -> None:
    browser, name = door.browser("op"), f"Durand-Invente-{account_id}.csv"
    sent = put(browser, "/import/upload", (name, table(account_id)))
    assert f"The file {name} is stored" in said(led_to(browser, sent)).text
    assert (staging / "import" / name).exists()
    run(name, dry_run=True)
    page, result = browser.get("/import/"), name.replace(".csv", ".result.csv")
    assert browser.get(result_at(page, result)).status_code == 200
    browser.post("/import/remove", data={"name": name})
    log = (Path(door.stack.home) / "api-server.log").read_text(encoding="utf-8")
    assert "op uploaded a CSV file with 1 line(s) of households" in log
    assert "op removed a CSV file of households" in log
    assert name not in log
