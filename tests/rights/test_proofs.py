"""GRDF asks for the proof of a consent: the account and the readings until it is settled."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.errors import RefusalDoubted
from tests.helpers import yesterday
from tests.leaving.runs import acquire, extract, load
from tests.rights.proofs import brought, proofs_of
from tests.rights.scene import OUTDATED, check, document, other_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def test_the_morning_s_check_notes_it(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    other, pce = other_of(account_id), f"099999990{account_id[-5:]}"
    mine = brought(clean, couchdb, account_id, pce)
    foreign = brought(clean, couchdb, other, f"099999991{account_id[-5:]}")
    until = clean.control.today() + timedelta(days=20)
    clean.control.ask_proof(mine, until)
    check()
    (proof,) = proofs_of(clean, account_id).values()
    assert (proof.state, proof.until, proof.sent) == ("asked", until, "")
    assert not proofs_of(clean, other), "it has another right"
    assert not document(clean, account_id).get("state")

    clean.control.ask_proof(mine, None)
    clean.control.ask_proof(foreign, until)
    check()
    assert not proofs_of(clean, account_id)
    assert proofs_of(clean, other)


def test_a_refused_proof_asks_for_a_person_and_stops_no_reading(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pce = f"099999990{account_id[-5:]}"
    right, day = brought(clean, couchdb, account_id, pce, days=10), yesterday(clean)
    check()
    acquire(account_id, "scheduled")
    load(account_id, extract(account_id, day, "scheduled"), day)
    clean.control.decide_proof(right, accept=False)
    capsys.readouterr()
    check()
    assert "GRDF has refused the proof of the consent" in capsys.readouterr().out
    told = document(clean, account_id)
    assert (told["state"], told["state_partial"]) == ("USER_ACTION_NEEDED", True)

    acquire(account_id, "scheduled")  # it is not skipped
    clean.control.clear_log()
    # This sandbox serves nothing while a proof is refused, which GRDF may do, too (1000011): the list decides.
    for number in (1, 2):
        with pytest.raises(RefusalDoubted):
            extract(account_id, day, "scheduled", try_number=number)
    said = document(clean, account_id)["state_message"]
    assert said == told["state_message"], "a passing fault does not hide what a person must do"

    clean.control.decide_proof(right, accept=True)
    load(account_id, extract(account_id, day, "scheduled"), day)
    assert document(clean, account_id)["state_partial"], "a load does not know of it"
    check()
    cleared = document(clean, account_id)
    assert not cleared["state"]
    assert "state_partial" not in cleared
    assert proofs_of(clean, account_id)[right].state == "accepted"

    clean.control.decide_proof(right, accept=False)
    check()
    clean.control.revoke(right)
    check()
    assert document(clean, account_id)["state"] == OUTDATED, "the consent comes first"
    assert not proofs_of(clean, account_id)
