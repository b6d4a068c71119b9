"""Whatever an operator leaves in an account's folder of proofs concerns that account alone, and goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf import settings
from grdf.ledger.meters import Ledger
from grdf.operators.ways_in.send_proof import SendProofOperator
from grdf.staging.area import Staging
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import METER
from tests.helpers import context
from tests.leaving.steps import delete
from tests.plugins.staging.proof_samples import GOOD, by_hand
from tests.rights.proofs import brought
from tests.rights.scene import check, other_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

PDF, PNG = GOOD["application/pdf"], GOOD["image/png"]


@pytest.fixture(autouse=True)
def staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Staging:
    """A staging store of the test's own."""
    monkeypatch.setenv("AIRFLOW__GRDF__STAGING_URL", f"file://{tmp_path}/staging")
    return Staging(settings.staging_url())


@pytest.fixture
def two(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> Iterator[dict[str, str]]:
    """The rights of two accounts, whose proofs GRDF asks for, in the order in which they are tried."""
    for meter in Ledger(couchdb).every():
        Remover(couchdb).remove(METER, meter.pce)
    rights = {
        name: brought(clean, couchdb, name, f"099999990{name[-5:]}")
        for name in sorted((account_id, other_of(account_id)))
    }
    for right in rights.values():
        clean.control.ask_proof(right, clean.control.today())
    check()
    yield rights
    for name in rights:
        clean.book.remove(name)


def send() -> dict[str, int]:
    return dict(SendProofOperator(task_id="send", account_id="").execute(context(run_type="manual")))


def sent(world: LocalWorld, right: str) -> list[bytes]:
    return [file["content"] for file in world.control.proofs(right)]


def test_a_deletion_takes_everything(clean: LocalWorld, two: dict[str, str], staging: Staging, tmp_path: Path) -> None:
    account, _ = two
    by_hand(staging, f"{account}/alt/older", "scan Durand.pdf", PDF)
    (tmp_path / "staging" / "proofs" / account / "nothing").symlink_to(tmp_path / "nowhere")
    done = delete(account)
    assert "* 2 staged files" in done["check"]["text"], done["check"]["text"]
    assert clean.book.get(account) is None
    assert not (tmp_path / "staging" / "proofs" / account).exists()
