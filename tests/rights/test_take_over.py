"""An operator assigns a right to a household: on purpose, by name, and never a right that another account uses."""

from __future__ import annotations

import pytest

from include.gas.errors import BadRequest, ServiceUnavailable
from include.sandbox.local_world import LocalWorld
from tests.helpers import holder
from tests.rights.scene import OUTDATED, bring, check, document


def test_the_newest_right_becomes_its_own_when_a_person_says_so(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pce = holder(account_id).pces[0]
    former = bring(clean, account_id, pce)
    clean.control.revoke(former)
    assert check(cleared=True)["checked"] == 1, "the morning's check may be cleared"
    (right,) = clean.control.consent([pce])  # for example by letter, so that it belongs to no account
    before = document(clean, account_id)
    assert before["state"] == OUTDATED
    assert check(account_id, dry_run=True, by="ines")["taken_over"] == 1
    assert document(clean, account_id) == before
    said = "".join(capfd.readouterr())
    assert all(word in said for word in (right["id_droit_acces"], account_id, "ines"))
    clean.control.fault("/droits_acces", method="POST", status=200, body="{")
    with pytest.raises(ServiceUnavailable):
        check(account_id, dry_run=False)
    assert check(account_id, dry_run=False, by="ines") == {"taken_over": 1}
    after = document(clean, account_id)
    assert not after["state"]
    assert {*after["status"]["meters"][pce]["own"]} == {former, right["id_droit_acces"]}
    assert check(account_id, dry_run=False) == {"taken_over": 0}, "it has it already"
    assert document(clean, account_id) == after
    clean.control.clear_log()
    with pytest.raises(BadRequest, match=r"was cleared.*Start grdf_consents anew"):
        check(account_id, dry_run=False, by="ines", cleared=True)  # the newest right may be another household's by now
    assert clean.control.log() == [], "GRDF was not asked"
