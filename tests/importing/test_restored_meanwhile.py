"""The accounts are restored from a backup while an import is in progress: its rights get their accounts again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from include.gas.errors import RetryLater
from tests.importing.meanwhile import states
from tests.importing.scene import adopt, household, put, records, run
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

OTHER = household(340_000)


def test_a_right_whose_account_is_lost_gets_it_again_with_its_record(clean: LocalWorld, home: dict[str, str]) -> None:
    account = home["account"]
    put([home, OTHER])
    clean.control.fault(f"/pce/{OTHER['pce']}/droit_acces$", method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run()
    assert states(clean, home) == ["A valider"]
    (record,) = records(account)
    clean.book.remove(account)
    run()
    (right,) = [each for each in clean.control.consents() if each["id_pce"] == home["pce"]]
    clean.control.change_consent(right["id_droit_acces"], etat_droit_acces="Active")
    adopt()
    assert document(clean, account)
    assert record.id in [each.id for each in records(account)]
