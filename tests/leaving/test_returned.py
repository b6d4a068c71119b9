"""A household that has left is restored from an old backup. It is told until it is deleted again, and not read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.display.overview import overview
from include.gas.leaving.deletion import not_gone
from tests.helpers import known_account
from tests.leaving.household import AUDIT_DATABASE, Couch, household
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.scene import other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("shelf")


def left_and_restored(world: LocalWorld, account: str) -> tuple[str, ...]:
    couch, pces = Couch(world), household(world, account)
    backup = {name: couch.documents(name) for name in couch.databases() if name != AUDIT_DATABASE}
    delete(account)
    for name, documents in backup.items():
        couch.restore(name, documents)
    return pces


def test_a_household_that_left_and_is_restored_is_told_every_day_and_not_read(
    clean: LocalWorld, account_id: str
) -> None:
    neighbour = other_of(account_id)
    known_account(clean, neighbour)
    pces = left_and_restored(clean, account_id)
    clean.control.consent(pces)  # the household that lives there now has consented
    for _ in range(2):
        check()
        told = not_gone(Couch(clean).records(account_id), [account_id], datetime.now(UTC))
        assert told[account_id].startswith("deleted on 20")
        assert not (clean.book.get(neighbour) or {}).get("state")
    document = clean.book.get(account_id) or {}
    assert document["state"] == "USER_ACTION_NEEDED"
    assert overview(document).leaving, "so that nobody asks its household to consent again"
    assert "Start grdf_delete_account for it again" in document["state_message"]
    with pytest.raises(AirflowSkipException):
        acquire(account_id)
    clean.book.remove(neighbour)
    delete(account_id, run_id="run-2")
    couch = Couch(clean)
    assert couch.mentions(account_id, but=(AUDIT_DATABASE,)) == {}
    assert len(couch.records(account_id)) == 2
