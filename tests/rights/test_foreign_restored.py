"""Days of the next household that were taken back do not stay where a backup from before has brought them back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import ACCOUNT, DAY, LEASE, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import days_of, holder, stored, yesterday
from tests.plugins.steps import read_published
from tests.rights.scene import OUTDATED, bring, check, document, listed_then, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook, Document
    from include.sandbox.local_world import LocalWorld

DATA = (DAY, MONTH, YEAR)
FOREIGN = 777


@pytest.fixture(autouse=True)
def the_list_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")


def backup_of(couchdb: CouchDBHook, account: str) -> dict[str, list[Document]]:
    found = {kind: couchdb.range(kind, f"{account}:", f"{account};") for kind in (*DATA, PUBLISHED)}
    single = {ACCOUNT: couchdb.get(ACCOUNT, account), LEASE: couchdb.get(LEASE, "list-of-consents")}
    return found | {kind: [each] for kind, each in single.items() if each}


def restore(couchdb: CouchDBHook, backup: dict[str, list[Document]], kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        now = couchdb.fetch(kind, [each["_id"] for each in backup[kind]])
        plain = ({key: value for key, value in each.items() if key != "_rev"} for each in backup[kind])
        documents = [each | {k: now[each["_id"]][k] for k in ("_rev",) if each["_id"] in now} for each in plain]
        assert not couchdb.write(kind, documents).conflicts


def hours_ago(hours: float) -> str:
    return utc_text(datetime.now(UTC) - timedelta(hours=hours))


def taken_back(world: LocalWorld, couchdb: CouchDBHook, account: str) -> dict[str, list[Document]]:
    """Let the next household's day be read, and taken back in the morning. Return a backup of the night between."""
    (pce,) = holder(account).pces
    right = bring(world, account, pce)
    check()
    run(world, account)
    check()
    own = couchdb.range(DAY, *account_range(account, pce))
    couchdb.write(DAY, [each | {"read_at": hours_ago(25)} for each in own])
    listed_then(couchdb, 24)
    world.control.revoke(right)
    world.control.change_consent(right, date_revocation=hours_ago(20))
    day = yesterday(world) - timedelta(days=3)
    (new,) = world.control.consent([pce], conso_debut=str(day - timedelta(days=17)), keep_others=True)
    world.control.change_consent(str(new["id_droit_acces"]), date_creation=hours_ago(19))
    world.control.correct(pce, day, FOREIGN)
    run(world, account)
    backup = backup_of(couchdb, account)
    assert FOREIGN in stored(couchdb, account, pce).values()
    check()
    assert FOREIGN not in stored(couchdb, account, pce).values()
    return backup


@pytest.mark.parametrize("kinds", [DATA, (DAY,), (DAY, PUBLISHED)])
def test_the_monthly_check_of_the_book_takes_back_what_is_there_again(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, kinds: tuple[str, ...]
) -> None:
    (pce,) = holder(account_id).pces
    backup = taken_back(clean, couchdb, account_id)
    before, told = stored(couchdb, account_id, pce), document(clean, account_id)
    restore(couchdb, backup, kinds)
    clean.control.clear_log()
    counts = read_published(account_id)
    assert stored(couchdb, account_id, pce) == before
    assert counts.get("days_lost", 0) == 0
    assert not [call for call in clean.control.log() if "/pce/" in call["path"]], "GRDF is not asked"
    after = document(clean, account_id)
    assert after["stored"] == told["stored"]
    assert after["unannounced"]["days"] == [str(yesterday(clean) - timedelta(days=3))], "other DAGs are told"
    check()
    assert "unannounced" not in document(clean, account_id)


def test_a_period_that_is_there_again_goes_too(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    (pce,) = holder(account_id).pces
    taken_back(clean, couchdb, account_id)
    since = document(clean, account_id)["given_back"][pce]["since"]
    own, foreign = (
        {"_id": f"{account_id}:{pce}:{first}", "first": first, "end": end, "load": 5, "read_at": at}
        for first, end, at in (
            ("2026-01-01", "2026-02-01", "2026-02-03T00:00:00.000000Z"), ("2026-02-01", "2026-03-01", since),
        )
    )  # fmt: skip
    couchdb.write(PUBLISHED, [own, foreign])
    read_published(account_id)
    assert couchdb.fetch(PUBLISHED, [own["_id"], foreign["_id"]]).keys() == {own["_id"]}


def test_nothing_is_written_where_nothing_is_there_again(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    (pce,) = holder(account_id).pces
    taken_back(clean, couchdb, account_id)
    before = document(clean, account_id)
    figures = stored(couchdb, account_id, pce)
    read_published(account_id)
    after = document(clean, account_id)
    assert {key for key in after if after[key] != before.get(key)} == {"_rev", "book_held_at"}
    assert stored(couchdb, account_id, pce) == figures


@pytest.mark.parametrize("kinds", [(*DATA, ACCOUNT), (*DATA, ACCOUNT, LEASE)])
def test_a_restored_account_has_the_days_taken_back_by_the_next_check(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, kinds: tuple[str, ...]
) -> None:
    """Lists of the time between have not shown its consent in force, whether or not it is known when the last was."""
    (pce,) = holder(account_id).pces
    backup = taken_back(clean, couchdb, account_id)
    before = stored(couchdb, account_id, pce)
    check()
    restore(couchdb, backup, kinds)
    check()
    assert stored(couchdb, account_id, pce) == before
    assert len(days_of(before)) > 30, "its own days stay"
    assert document(clean, account_id)["state"] == OUTDATED
