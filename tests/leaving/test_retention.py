"""The nightly removal of what no account needs: records of consents, files for GRDF, and what others leave behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger
from grdf.staging.area import Staging
from grdf.staging.imports import Imports
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.declaration import Declaration
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import CONSENT_RECORD, METER
from include.gas.documents.gas_days import account_range
from include.gas.errors import BadSettings
from include.gas.proof.consent_record import HOUSEHOLD, KEPT, new_record
from include.gas.rights.meter_rights import Right, State
from tests.leaving.runs import clear_away
from tests.rights.declared import PERSON

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OVERDUE, FRESH = (f"{KEPT}{datetime.now(UTC).date() + timedelta(days)}:{'b' * 32}" for days in (-2, 1800))
PCE, OTHER = "09999999900017", "09999999900024"
OLD = timedelta(days=61)


@pytest.fixture(autouse=True)
def staging(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A staging store of the test's own; and nothing stays for other tests."""
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}")
    clean.book.save({"_id": "neighbour", "account_type": "grdfgrandlyon"})
    yield tmp_path
    remover = Remover(CouchDBHook())
    for name in (account_id, "neighbour"):
        clean.book.remove(name)
        remover.remove_range(CONSENT_RECORD, *account_range(name))
    remover.remove_range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")
    for pce in (PCE, OTHER):
        remover.remove(METER, pce)


def record(account: str, pce: str = PCE, age: timedelta = OLD) -> str:
    """Store a record, and return its id."""
    declaration = Declaration(pce=pce, perimeters=["informatives"], **PERSON)
    made = new_record(account, declaration, datetime.now(UTC) - age, by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(made)
    return made.id


def right(account: str, state: State = "active", pce: str = PCE) -> None:
    """Let an account have a right in the ledger."""
    made = Right(
        client="grdf_adict",
        id=f"r-{account}",
        account=account,
        way="declared",
        state=state,
        since=utc_text(datetime.now(UTC)),
    )
    Ledger(CouchDBHook()).apply(pce, lambda meter: msgspec.structs.replace(meter, rights=(made,)))


def own(account: str) -> list[str]:
    return [each.id for each in ConsentRecords(CouchDBHook()).of(account)]


def kept() -> list[dict[str, Any]]:
    return CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def test_a_record_stays_as_long_as_its_account_has_a_right(account_id: str) -> None:
    right(account_id, "ended")
    right("neighbour", "refused", OTHER)
    known = [record(account_id), record(account_id, age=timedelta(days=400))]
    unneeded = [record(account_id, OTHER), record("neighbour", OTHER), record("neighbour")]
    fresh = record(account_id, OTHER, timedelta(days=59))
    assert clear_away() == len(unneeded)
    assert sorted(own(account_id)) == sorted([*known, fresh])
    assert own("neighbour") == []
    assert len(kept()) == 3
    for copy in kept():
        assert copy["entered"]["email"] == PERSON["email"]
        assert copy["_id"][1:11] > datetime.now(UTC).date().isoformat()
        assert account_id not in str(copy)
    assert clear_away() == 0


def test_a_ledger_that_was_lost_removes_nothing(clean: LocalWorld, account_id: str) -> None:
    """It is back the next morning."""
    for meter in Ledger(CouchDBHook()).every():
        Remover(CouchDBHook()).remove(METER, meter.pce)
    known = record(account_id)
    assert clear_away() == 0
    assert (own(account_id), kept()) == ([known], [])


def test_old_files_of_imports_go(staging: Path) -> None:
    folder, imports = staging / "import", Imports(f"file://{staging}")
    folder.mkdir()
    for name in ("old.csv", "old.result.csv"):
        (folder / name).write_text("pce")
    time.sleep(0.05)
    before = datetime.now(UTC)
    time.sleep(0.05)
    (folder / "new.csv").write_text("pce")
    assert Staging(f"file://{staging}").remove_old(before) == 2
    assert imports.waiting() == ["new.csv"]


def test_a_staging_store_that_fails_keeps_no_record(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (OVERDUE, FRESH):
        CouchDBHook().put(CONSENT_RECORD, {"_id": name, "pce": "x"})
    (staging / "a file").write_text("no folder")
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{staging}/a file/staging")
    with pytest.raises(BadSettings, match="cannot be used"):
        clear_away()
    assert [each["_id"] for each in kept()] == [FRESH]


def test_nothing_of_a_refused_form_is_readable_the_next_day(account_id: str) -> None:
    couchdb, made = CouchDBHook(), record(account_id)
    found = couchdb.get(CONSENT_RECORD, made)
    assert found
    Remover(couchdb).remove(CONSENT_RECORD, made)
    clear_away()
    limit = time.monotonic() + 20
    while True:  # CouchDB compacts in the background
        answer = couchdb.request("GET", CONSENT_RECORD, f"/{made}", query={"rev": f"{found['_rev']}"})
        if answer.status_code == 404 or time.monotonic() > limit:
            break
        time.sleep(0.5)
    assert answer.status_code == 404, answer.text
