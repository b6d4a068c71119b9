"""Which deletions an import respects: those that end after it began and remove the data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import RetryLater
from tests.importing.meanwhile import states
from tests.importing.scene import household, put, run
from tests.leaving.steps import delete
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_who_was_leaving_when_the_import_began_has_left(clean: LocalWorld, home: dict[str, str]) -> None:
    account, started = home["account"], datetime.now(UTC)
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, steps=("check", "mark", "revoke"), started=started)
    other = household(270_001)
    put([home, other])
    clean.control.fault(f"/pce/{other['pce']}/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run(skip=True)
    delete(account, steps=("purge", "report"), approved_by=None, started=started)
    assert run(skip=True) == {"declared": 1, "left": 1}
    assert document(clean, account) == {}
    assert states(clean, home) == []
    put([home])
    assert run() == {"declared": 1}, "a new import, because the household has come back"
    clean.book.remove(other["account"])


def test_a_deletion_that_keeps_the_data_hinders_no_import(clean: LocalWorld, home: dict[str, str]) -> None:
    """It has revoked the former consent, and the household gives a new one."""
    account = home["account"]
    clean.book.save({"_id": account, "account_type": "grdfgrandlyon"})
    delete(account, form={"keep_data": True}, started=datetime.now(UTC))
    put([home])
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run()
    assert run() == {"declared": 1}
