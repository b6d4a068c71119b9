"""A file that was put there for a former household of an account never reaches GRDF, and does not stay."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from grdf import settings
from grdf.operators.retention import RemoveOverdueOperator
from grdf.operators.ways_in.send_proof import SendProofOperator
from grdf.staging.area import Staging
from grdf.stores.removal import Remover
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import ProofNotSent
from include.gas.leaving.deletion_record import audit_entry
from tests.helpers import context
from tests.plugins.staging.proof_samples import GOOD, by_hand
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from pathlib import Path

    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

PDF, PNG = GOOD["application/pdf"], GOOD["image/png"]


@pytest.fixture(autouse=True)
def staging(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Staging]:
    """A staging store of the test's own."""
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    yield Staging(settings.staging_url())
    clean.book.remove(account_id)
    Remover(couchdb).remove_range(AUDIT, *account_range(account_id))


def asked(world: LocalWorld, account: str) -> str:
    """Create an account whose proof GRDF asks for, and return the right."""
    right = bring(world, account, f"099999990{account[-5:]}")
    world.control.ask_proof(right, world.control.today() + timedelta(days=20))
    return right


def connected(world: LocalWorld, account: str, at: datetime) -> None:
    world.book.save(document(world, account) | {"connected": {"at": utc_text(at), "by": "someone"}})


def send(account: str) -> dict[str, int]:
    return dict(SendProofOperator(task_id="send", account_id=account).execute(context(run_type="manual")))


def clear_away() -> None:
    RemoveOverdueOperator(task_id="remove_overdue").execute(context())


def left(couchdb: CouchDBHook, account: str, at: datetime, *, keep_data: bool = False, killed: bool = False) -> None:
    """Let a household have left, whose files another worker should have removed.

    :param killed: whether its deletion died before its report
    """
    entry = audit_entry(account, "run-1", by="me", at=at, keep_data=keep_data)
    couchdb.put(AUDIT, entry | ({} if killed else {"finished_at": utc_text(at)}))


@pytest.mark.parametrize("dated", [1.6e9, 4e9])
@pytest.mark.parametrize("how", ["connected", "deleted", "its deletion was killed"])
def test_an_older_file_is_removed_unsent(
    clean: LocalWorld,
    couchdb: CouchDBHook,
    account_id: str,
    staging: Staging,
    caplog: pytest.LogCaptureFixture,
    how: str,
    dated: float,
) -> None:
    file = staging.proofs.put(account_id, PDF).removeprefix("file://")
    os.utime(file, (dated, dated))
    right = asked(clean, account_id)
    if how == "connected":
        connected(clean, account_id, datetime.now(UTC))
    else:
        left(couchdb, account_id, datetime.now(UTC), killed=how != "deleted")
    with caplog.at_level(logging.WARNING), pytest.raises(ProofNotSent, match="neither a record of that consent"):
        send(account_id)
    assert clean.control.proofs(right) == []
    assert staging.proofs.count(account_id) == 0
    assert f"Account {account_id}: 1 file(s) that waited to be sent to GRDF are removed" in caplog.text
    staging.proofs.put(account_id, PNG)
    assert send(account_id)["files"] == 1
    assert [each["content"] for each in clean.control.proofs(right)] == [PNG]


@pytest.mark.parametrize("how", ["before", "deleted but kept", "killed but kept"])
def test_a_file_of_the_household_itself_is_sent(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging, how: str
) -> None:
    right = asked(clean, account_id)
    now = datetime.now(UTC)
    connected(clean, account_id, now)
    staging.proofs.put(account_id, PDF)
    if how.endswith("but kept"):
        left(couchdb, account_id, datetime.now(UTC), keep_data=True, killed=how.startswith("killed"))
    assert send(account_id)["files"] == 1
    assert len(clean.control.proofs(right)) == 1


def test_files_of_a_household_that_has_left_go(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, staging: Staging, caplog: pytest.LogCaptureFixture
) -> None:
    """Its deletion ran on a worker that did not see them."""
    by_hand(staging, f"{account_id}/alt", "scan Durand.pdf", PDF)
    by_hand(staging, "somebody-new", "1.pdf", PDF)
    clear_away()
    assert (staging.proofs.count(account_id), staging.proofs.count("somebody-new")) == (1, 1)
    left(couchdb, account_id, datetime.now(UTC))
    with caplog.at_level(logging.WARNING):
        clear_away()
    assert (staging.proofs.count(account_id), staging.proofs.count("somebody-new")) == (0, 1)
    assert f"Account {account_id}: 1 file(s) that waited to be sent to GRDF are removed" in caplog.text
    assert "Durand" not in caplog.text
