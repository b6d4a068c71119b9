"""A deletion dies between the removal of the account and its report. It is told, and touches nobody else's life."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.stores.removal import Remover
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from include.gas.leaving.approval import approvals_of
from include.gas.proof.consent_record import KEPT
from tests.leaving.runs import check
from tests.leaving.steps import delete
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

METER = "09999999900017"

pytestmark = pytest.mark.usefixtures("the_list_counts")


@pytest.fixture(autouse=True)
def nothing_stays_for_other_tests(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> Iterator[None]:
    yield
    clean.book.remove(account_id)
    for first in (account_id, approvals_of(account_id)):
        Remover(couchdb).remove_range(AUDIT, *account_range(first))
    Remover(couchdb).remove_range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def audits(couchdb: CouchDBHook, account: str) -> list[dict[str, Any]]:
    """Return the records of an account's deletions, the oldest first."""
    return sorted(couchdb.range(AUDIT, *account_range(account)), key=lambda each: str(each["asked_at"]))


def dies(world: LocalWorld, couchdb: CouchDBHook, account: str, *, days_ago: int) -> str:
    """Let a household leave whose deletion dies, and return its right."""
    right = bring(world, account, METER)
    delete(account, steps=("check", "mark", "revoke", "purge"), started=datetime.now(UTC))
    assert document(world, account) == {}
    (entry,) = audits(couchdb, account)
    couchdb.put(AUDIT, entry | {"asked_at": utc_text(datetime.now(UTC) - timedelta(days=days_ago))})
    return right


def told(account: str, capfd: pytest.CaptureFixture[str]) -> bool:
    capfd.readouterr()
    given = check()
    found = f"Account {account}: its deletion of 20" in "".join(capfd.readouterr())
    assert given["leaving"] >= found
    return found


def again(account: str, run_id: str) -> None:
    delete(account, run_id=run_id, started=datetime.now(UTC), states={"run-1": "failed"})


def test_it_is_told_every_morning_until_it_is_finished(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    dies(clean, couchdb, account_id, days_ago=0)
    assert not told(account_id, capfd), "it may be under way"
    (entry,) = audits(couchdb, account_id)
    couchdb.put(AUDIT, entry | {"asked_at": utc_text(datetime.now(UTC) - timedelta(days=2))})
    assert told(account_id, capfd)
    assert told(account_id, capfd)
    again(account_id, "run-2")
    assert not told(account_id, capfd)
    (entry,) = audits(couchdb, account_id)
    assert (entry["run"], entry["resumed"][0]["run"], bool(entry["finished_at"])) == ("run-1", "run-2", True)


def test_an_approval_that_waits_for_its_run_is_no_deletion(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    right = bring(clean, account_id, METER)
    delete(account_id, steps=("check", "approve"), started=datetime.now(UTC))
    clean.book.remove(account_id)
    clean.control.revoke(right)
    assert not told(account_id, capfd)


def test_an_account_that_is_restored_without_its_mark_gets_a_record_of_its_own(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    bring(clean, account_id, METER)
    backup = {key: each for key, each in document(clean, account_id).items() if key != "_rev"}
    delete(account_id, steps=("check", "mark", "revoke"), started=datetime.now(UTC))
    clean.book.remove(account_id)
    clean.book.save(backup)
    again(account_id, "run-2")
    assert document(clean, account_id) == {}
    assert [each["run"] for each in audits(couchdb, account_id) if each["finished_at"]] == ["run-2"]
