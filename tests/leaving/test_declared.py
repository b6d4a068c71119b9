"""A household leaves whose right was declared for it: whatever GRDF has of it is revoked, and its name is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.errors import AccountLeaving, RetryLater
from tests.leaving.household import REVOKED, Couch
from tests.leaving.runs import acquire
from tests.leaving.steps import delete
from tests.rights.declared import TELLING, give, rights
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.mark.parametrize("when", ["while it waits", "after a lost answer", "before it was declared"])
def test_what_grdf_has_is_revoked(clean: LocalWorld, account_id: str, when: str) -> None:
    pce = give(clean, account_id)
    if when == "while it waits":
        with pytest.raises(AirflowSkipException):
            acquire(account_id, "scheduled")
    elif when == "after a lost answer":
        clean.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
        with pytest.raises(RetryLater):
            acquire(account_id, "scheduled")
    had = len(rights(clean, pce))
    assert had == (when != "before it was declared")

    told = delete(account_id, form={"dry_run": True}, steps=("check",))
    assert ("that are not known yet" in told["check"]["text"]) == (when != "while it waits")
    delete(account_id)

    assert [right["etat_droit_acces"] for right in rights(clean, pce)] == [REVOKED] * had
    assert document(clean, account_id) == {}
    assert Couch(clean).mentions(*TELLING, pce) == {}


def test_nothing_is_declared_for_a_household_that_leaves(clean: LocalWorld, account_id: str) -> None:
    from grdf.hooks.couchdb import CouchDBHook
    from grdf.ledger.taking_in import TakingIn
    from tests.helpers import adict_hook

    pce = give(clean, account_id)
    clean.book.save(document(clean, account_id) | {"leaving": {"by": "b", "since": "s"}})
    with pytest.raises(AirflowSkipException, match="is leaving"):
        acquire(account_id, "manual")
    with pytest.raises(AccountLeaving):
        TakingIn(CouchDBHook(), adict_hook(), account_id).take_in()
    assert rights(clean, pce) == []
