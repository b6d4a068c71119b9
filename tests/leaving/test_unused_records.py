"""A record of consent on which no right rests does not stay as long as its account, nor do files of imports."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.operators.retention import RemoveOverdueOperator
from grdf.staging.imports import Imports
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.sections.marks import with_leaving
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.account.sections.rights.sent_declarations import with_sent
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from include.gas.proof.consent_record import HOUSEHOLD, KEPT, new_record
from tests.helpers import context
from tests.rights.declared import PERSON, give
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

PCE = "09999999900017"


@pytest.fixture(autouse=True)
def staging(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}")
    yield tmp_path
    clean.book.remove(account_id)
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(account_id))


def record(account: str, days: float, pce: str = PCE) -> str:
    """Store a record that is so many days old, and return its id."""
    declaration = Declaration(pce=pce, perimeters=["informatives"], **PERSON)
    made = new_record(account, declaration, datetime.now(UTC) - timedelta(days=days), by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(made)
    return made.id


def left(account: str) -> list[str]:
    RemoveOverdueOperator(task_id="remove_overdue").execute(context())
    return [each.id for each in ConsentRecords(CouchDBHook()).of(account)]


def copies() -> list[dict[str, Any]]:
    return CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def brought(world: LocalWorld, account: str, days: float) -> None:
    """Let the account have got its right so many days ago."""
    bring(world, account, PCE)
    stored = document(world, account)
    stored["oauth_callback_results"]["consents"][0]["brought"] = utc_text(datetime.now(UTC) - timedelta(days=days))
    world.book.save(stored)


def test_a_right_rests_on_what_was_recorded_before_it(clean: LocalWorld, account_id: str) -> None:
    brought(clean, account_id, 100)
    rests, fresh = record(account_id, 101), record(account_id, 3)
    for refused in (record(account_id, 40), record(account_id, 200, pce="09999999900024")):
        assert refused not in left(account_id)
    assert left(account_id) == [rests, fresh]


def test_what_an_account_does_not_name_any_more_is_kept_as_after_a_deletion(clean: LocalWorld, account_id: str) -> None:
    """The account may have come back from a backup made before GRDF's answer, and not know its right."""
    give(clean, account_id)
    clean.book.save(document(clean, account_id) | {"declaration": {"refused_since": "2026-01-01T00:00:00Z"}})
    made = record(account_id, 41)
    known = {each["_id"] for each in copies()}
    assert left(account_id) == []
    [copy] = [each for each in copies() if each["_id"] not in known]
    assert (copy["pce"], copy["entered"]["email"]) == (PCE, PERSON["email"])
    assert made not in str(copy)


@pytest.mark.parametrize("how", ["declared", "sent", "leaving", "odd"])
def test_what_may_still_become_a_right_keeps_its_record(clean: LocalWorld, account_id: str, how: str) -> None:
    """It was refused 40 days ago, unless the account says otherwise."""
    given: dict[str, Any] = {"declared": {"pce": PCE}}.get(how, {})
    give(clean, account_id, **given)
    stored = document(clean, account_id)
    if how != "declared":
        del stored["declaration"]
    if how == "sent":
        asked = Declaration(pce=PCE, name=PERSON["name"], email=PERSON["email"])
        stored = with_sent(stored, asked, datetime.now(UTC) - timedelta(days=40))
    if how == "odd":
        stored["oauth_callback_results"] = {"consents": [{"pce": PCE, "id_accreditation": "r", "brought": 7}]}
    clean.book.save(with_leaving(stored, run="r", by="b", since=datetime.now(UTC)) if how == "leaving" else stored)
    known = record(account_id, 41)
    assert left(account_id) == [known]
    if how == "sent":
        stored = document(clean, account_id)
        stored["declarations_sent"][0]["at"] = utc_text(datetime.now(UTC) - timedelta(days=61))
        clean.book.save(stored)
        assert left(account_id) == []


def test_old_files_of_imports_go(staging: Path) -> None:
    folder, imports = staging / "import", Imports(f"file://{staging}")
    folder.mkdir()
    for name in ("old.csv", "old.result.csv"):
        (folder / name).write_text("pce")
    time.sleep(0.05)
    before = datetime.now(UTC)
    time.sleep(0.05)
    (folder / "new.csv").write_text("pce")
    assert imports.remove_old(before) == 2
    assert imports.names() == ["new.csv"]


def test_nothing_of_a_refused_form_is_readable_the_next_day(clean: LocalWorld, account_id: str) -> None:
    couchdb = CouchDBHook()
    give(clean, account_id)
    made = record(account_id, 1)
    found = couchdb.get(CONSENT_RECORD, made)
    assert found
    ConsentRecords(couchdb).remove(next(iter(ConsentRecords(couchdb).of(account_id))))
    left(account_id)
    limit = time.monotonic() + 20
    while True:  # CouchDB compacts in the background
        answer = couchdb.request("GET", CONSENT_RECORD, f"/{made}", query={"rev": f"{found['_rev']}"})
        if answer.status_code == 404 or time.monotonic() > limit:
            break
        time.sleep(0.5)
    assert answer.status_code == 404, answer.text
