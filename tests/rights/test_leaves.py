"""A household leaves: only its own consents are revoked, not those of another account or of nobody here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.helpers import connect_cozy, holder
from tests.leaving.household import ACTIVE, REVOKED, Couch, revocations, rights
from tests.leaving.steps import delete
from tests.rights.scene import bring, consents, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def record(world: LocalWorld, account: str) -> dict[str, Any]:
    (only,) = Couch(world).records(account)
    return only


def test_a_right_that_it_has_not_brought_stays_and_is_told(clean: LocalWorld, account_id: str) -> None:
    pce = holder(account_id).pces[0]
    own = bring(clean, account_id, pce)
    theirs = bring(clean, other_of(account_id), pce)
    plan = delete(account_id, steps=("check",), form={"dry_run": True})["check"]["text"]
    assert "Consents to revoke at GRDF: 1" in plan
    assert f"* {theirs} (another account uses it)" in plan
    assert pce not in plan
    delete(account_id)
    assert rights(clean, (pce,)) == {own: REVOKED, theirs: ACTIVE}
    kept = record(clean, account_id)
    assert (kept["revoked"], kept["left_alone"]) == ([own], {theirs: "another account uses it"})
    assert consents(clean, other_of(account_id))[0]["id_accreditation"] == theirs


def test_a_right_that_another_account_has_too_stays(clean: LocalWorld, account_id: str) -> None:
    pce = holder(account_id).pces[0]
    shared = bring(clean, account_id, pce)
    copy = {key: value for key, value in document(clean, account_id).items() if key != "_rev"}
    clean.book.save(copy | {"_id": other_of(account_id)})
    delete(account_id)
    assert rights(clean, (pce,)) == {shared: ACTIVE}
    assert record(clean, account_id)["left_alone"] == {shared: "another account uses it"}
    delete(other_of(account_id))
    assert rights(clean, (pce,)) == {shared: REVOKED}, "the last one takes it along"


def test_all_that_it_brought_goes(clean: LocalWorld, account_id: str) -> None:
    pce = holder(account_id).pces[0]
    one, two = (bring(clean, account_id, pce) for _ in range(2))
    stored = document(clean, account_id)
    stored["oauth_callback_results"]["consents"][0]["others"] = [{"pce": pce, "id_accreditation": one}]
    clean.book.save(stored)
    delete(account_id)
    assert rights(clean, (pce,)) == {one: REVOKED, two: REVOKED}


def test_an_account_of_the_konnectors(clean: LocalWorld, account_id: str) -> None:
    """Without an ``id_token`` no right that may be somebody else's is revoked."""
    (pce,) = connect_cozy(clean, account_id)
    old = document(clean, account_id)
    old["oauth_callback_results"]["pce_id"] = pce
    del old["oauth_callback_results"]["id_token"]
    clean.book.save(old)
    (own,) = rights(clean, (pce,))
    clean.control.change_consent(own, parcours="DECLARATION_TIERS")
    theirs = bring(clean, other_of(account_id), pce)
    delete(account_id)
    assert rights(clean, (pce,)) == {own: ACTIVE, theirs: ACTIVE}
    assert revocations(clean) == []
    assert theirs in record(clean, account_id)["left_alone"]
