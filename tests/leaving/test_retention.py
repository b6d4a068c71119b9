"""What stays for a while after a household has left, and the nightly removal of what no account needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from grdf.meters.answer_storage import with_stored_years
from grdf.stores.accounts.account_store import AccountStore
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.account.declaration import Declaration
from include.gas.account.status import Status
from include.gas.answers.consumption.daily import Reading
from include.gas.days.gas_day import utc_text
from include.gas.days.windows import ONE_DAY, Window
from include.gas.documents.day_documents import Document, account_range
from include.gas.documents.doctypes import ACCOUNT, AUDIT, CONSENT_RECORD, DAY, METER, MONTH, YEAR
from include.gas.documents.storing import store_readings
from include.gas.errors import BadSettings
from include.gas.proof.consent_record import HOUSEHOLD, KEPT, new_record
from include.gas.rights.meter_rights import Right, State
from include.sandbox.local_world import LocalWorld
from tests.helpers import known_account, wait
from tests.leaving.runs import acquire, clear_away
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, give, holds_person
from tests.rights.scene import document

TODAY = datetime.now(UTC).date()
OVERDUE, FRESH = (f"{KEPT}{TODAY + timedelta(days)}:{'b' * 32}" for days in (-2, 1800))
PCE, OTHER = "09999999900017", "09999999900024"
OLD = timedelta(days=61)


@pytest.fixture(autouse=True)
def staging(
    clean: LocalWorld, couch: object, account_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Path]:
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}")
    clean.book.save({"_id": "neighbour", "account_type": "grdfgrandlyon"})
    yield tmp_path
    remover = Remover(CouchDBHook())
    remover.remove_range(CONSENT_RECORD, "", "\ufff0")
    for pce in (PCE, OTHER):
        remover.remove(METER, pce)


def record(account: str, pce: str = PCE, age: timedelta = OLD) -> str:
    declaration = Declaration(pce=pce, perimeters=["informatives"], **PERSON)
    made = new_record(account, declaration, datetime.now(UTC) - age, by=HOUSEHOLD)
    ConsentRecords(CouchDBHook()).add(made)
    return made.id


def right(account: str, state: State = "active", pce: str = PCE) -> None:
    since = utc_text(datetime.now(UTC))
    made = Right(client="grdf_adict", id=f"r-{account}", account=account, way="declared", state=state, since=since)
    Ledger(CouchDBHook()).apply(pce, lambda meter: msgspec.structs.replace(meter, rights=(made,)))


def own(account: str) -> list[str]:
    return [each.id for each in ConsentRecords(CouchDBHook()).records_of(account)]


def kept() -> list[dict[str, Any]]:
    return CouchDBHook().range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


@pytest.mark.parametrize(("days", "keep_data"), [("30", False), ("0", False), ("30", True)])
def test_a_copy_stays_for_the_time_that_the_settings_say(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, days: str, keep_data: bool
) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_RECORD_DAYS", days)
    record(account_id, give(clean, account_id), timedelta(0))
    text = delete(account_id, form={"keep_data": keep_data})["check"]["text"]
    stays = days == "30" and not keep_data
    assert ("kept for 30 days" in text) is stays
    assert len(own(account_id)) == keep_data
    assert len(kept()) == stays
    for copy in kept():
        assert copy["entered"]["name"] == PERSON["name"]
        assert account_id not in str(copy)
        assert timedelta(29) <= date.fromisoformat(copy["_id"][1:11]) - TODAY <= timedelta(31)


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
    assert account_id not in str(kept())
    assert all(copy["_id"][1:11] > str(TODAY) and copy["entered"]["email"] == PERSON["email"] for copy in kept())
    assert clear_away() == 0


def test_a_ledger_that_was_lost_removes_nothing(account_id: str) -> None:
    known = record(account_id)
    assert clear_away() == 0
    assert (own(account_id), kept()) == ([known], [])


def test_a_staging_store_that_fails_keeps_no_record(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (OVERDUE, FRESH):
        CouchDBHook().put(CONSENT_RECORD, {"_id": name, "pce": "x"})
    (staging / "a file").write_text("no folder")
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{staging}/a file/staging")
    with pytest.raises(BadSettings, match="cannot be used"):
        clear_away()
    assert [each["_id"] for each in kept()] == [FRESH]


def test_couchdb_forgets_the_revisions_that_named_the_person(clean: LocalWorld, account_id: str) -> None:
    def readable(doctype: str, doc_id: str, revision: str) -> bool:
        answer = CouchDBHook().request("GET", doctype, f"/{doc_id}", query={"rev": revision})
        return answer.ok and PERSON["name"] in answer.text

    made = record(account_id)
    refused = CouchDBHook().get(CONSENT_RECORD, made) or {}
    Remover(CouchDBHook()).remove(CONSENT_RECORD, made)
    give(clean, account_id)
    named = document(clean, account_id)["_rev"]
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    assert not holds_person(clean, account_id)
    assert readable(ACCOUNT, account_id, named)
    clear_away()
    wait(lambda: not readable(ACCOUNT, account_id, named), what="compaction")  # after CouchDB has answered
    wait(lambda: not readable(CONSENT_RECORD, made, str(refused["_rev"])), what="compaction")
    give(clean, account_id, keep=True, postcode="75001")
    named = document(clean, account_id)["_rev"]
    assert readable(ACCOUNT, account_id, named)
    delete(account_id)
    wait(lambda: not readable(ACCOUNT, account_id, named), what="compaction")


def test_old_days_go_and_their_months_stay(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    couchdb, this_year = CouchDBHook(), TODAY.year
    (pce,) = known_account(clean, account_id)
    old, kept_day = date(this_year - 4, 12, 30), date(this_year - 3, 1, 2)
    readings = [Reading(day, 60, "definitive", "measured", {}) for day in (old, old + ONE_DAY, kept_day)]
    window = Window(old, kept_day + ONE_DAY)
    written = store_readings(couchdb, account_id, pce, readings, datetime.now(UTC), window=window, allowed=[window])

    def read(stored: Document) -> Document:
        stored = with_stored_years(stored, pce, written)
        return Status.with_reading(stored, pce, msgspec.structs.replace(Status.reading_of(stored, pce), since=old))

    AccountStore(couchdb).update(account_id, read)

    def days() -> list[str]:
        return [each["_id"].rpartition(":")[2] for each in couchdb.range(DAY, *account_range(account_id))]

    clear_away()
    assert len(days()) == 3, "all are kept, unless the setting says otherwise"
    assert clear_away(dry_run=True) == 2, "as with three years"
    monkeypatch.setenv("AIRFLOW__GRDF__DAYS_KEPT_YEARS", "3")
    assert clear_away(dry_run=True) == 2
    assert len(days()) == 3
    clear_away()
    assert days() == [str(kept_day)]
    totals = {each["_id"].rpartition(":")[2]: each["load"] for kind in (MONTH, YEAR) for each in
              couchdb.range(kind, *account_range(account_id))}  # fmt: skip
    assert totals[f"{old:%Y-%m}"] == totals[f"{old:%Y}"] == 120
    reading = document(clean, account_id)["status"]["readings"][pce]
    assert ({*reading["years"]}, reading["since"]) == ({str(kept_day.year)}, f"{kept_day.year}-01-01"), (
        "none is missing"
    )
    (record,) = [each for each in couchdb.scan(AUDIT) if each["_id"].startswith("~days:")]
    assert record["removed"] == {DAY: 2}
    clear_away()
    assert len([each for each in couchdb.scan(AUDIT) if each["_id"].startswith("~days:")]) == 1
    monkeypatch.setenv("AIRFLOW__GRDF__DAYS_KEPT_YEARS", "2")
    with pytest.raises(BadSettings, match="days_kept_years"):
        clear_away()
