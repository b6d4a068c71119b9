"""An operator assigns a right to a household: on purpose, by name, and never a right that another account uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.gas.errors import BadRequest, FailNow, ServiceUnavailable
from tests.helpers import days_of, holder, stored
from tests.leaving.runs import acquire
from tests.rights.scene import OUTDATED, bring, check, consents, document, other_of, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def test_the_newest_right_becomes_its_own_when_a_person_says_so(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, capfd: pytest.CaptureFixture[str]
) -> None:
    pce = holder(account_id).pces[0]
    clean.control.revoke(bring(clean, account_id, pce))
    check()
    (right,) = clean.control.consent([pce])  # for example by letter, so that it belongs to no account
    assert document(clean, account_id)["state"] == OUTDATED
    before = document(clean, account_id)
    assert check(account_id, dry_run=True, by="ines")["taken_over"] == 1
    assert document(clean, account_id) == before
    said = "".join(capfd.readouterr())
    assert f"Right {right['id_droit_acces']} " in said
    assert f"would get account {account_id}, as ines says" in said
    assert check(account_id, dry_run=False, by="ines") == {"taken_over": 1}
    former = before["oauth_callback_results"]["consents"][0]["id_accreditation"]
    after = document(clean, account_id)
    assert not after["state"]
    assert {*after["status"]["meters"][pce]["own"]} == {former, right["id_droit_acces"]}
    run(clean, account_id)
    assert len(days_of(stored(couchdb, account_id, pce))) > 300, "its whole history"
    after = document(clean, account_id)
    assert check(account_id, dry_run=False) == {"taken_over": 0}, "it has it already"
    assert document(clean, account_id) == after


@pytest.mark.parametrize("dry_run", [True, False])
def test_an_old_order_that_was_cleared_takes_no_right_of_who_lives_there_now(
    clean: LocalWorld, account_id: str, dry_run: bool
) -> None:
    pce = holder(account_id).pces[0]
    clean.control.revoke(bring(clean, account_id, pce))
    (right,) = clean.control.consent([pce])
    assert check(account_id, dry_run=False, by="ines")["taken_over"] == 1
    clean.control.revoke(right["id_droit_acces"])  # the household moves out
    check()
    clean.control.consent([pce])  # who lives there now has agreed, and has not come here so far
    before = document(clean, account_id)
    clean.control.clear_log()
    with pytest.raises(BadRequest, match=r"this run of grdf_consents was cleared.*Start grdf_consents anew"):
        check(account_id, dry_run=dry_run, by="ines", cleared=True)
    assert document(clean, account_id) == before
    assert clean.control.log() == [], "GRDF was not asked"


def test_the_morning_s_check_may_be_cleared(clean: LocalWorld, account_id: str) -> None:
    bring(clean, account_id, holder(account_id).pces[0])
    acquire(account_id)
    clean.control.revoke(consents(clean, account_id)[0]["id_accreditation"])
    assert check(cleared=True)["checked"] >= 1
    assert document(clean, account_id)["state"] == OUTDATED


@pytest.mark.parametrize("revoked", [False, True])
def test_never_one_that_another_account_uses(clean: LocalWorld, account_id: str, revoked: bool) -> None:
    pce, new = holder(account_id).pces[0], other_of(account_id)
    old = bring(clean, account_id, pce)
    bring(clean, new, pce)
    if revoked:
        clean.control.revoke(old)
    check()
    before = document(clean, account_id)
    with pytest.raises(FailNow, match=f"{account_id}: it cannot have right"):
        check(account_id, dry_run=False)
    assert document(clean, account_id) == before


def test_grdf_answers_nothing_that_can_be_read(clean: LocalWorld, account_id: str) -> None:
    bring(clean, account_id, holder(account_id).pces[0])
    clean.control.fault("/droits_acces", method="POST", status=200, body="{")
    with pytest.raises(ServiceUnavailable):
        check(account_id, dry_run=False)
