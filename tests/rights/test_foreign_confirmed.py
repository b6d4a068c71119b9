"""Days that were known before the next household came stay, also if GRDF has confirmed them under its consent since."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.documents.doctypes import DAY
from include.gas.documents.gas_days import account_range
from tests.helpers import days_of, holder, stored, yesterday
from tests.rights.scene import bring, check, document, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


@pytest.mark.parametrize("says_when", [True, False])
def test_days_that_are_only_confirmed_stay(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, says_when: bool
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    first = str(yesterday(clean) - timedelta(days=38))
    young = [
        {key: value for key, value in each.items() if says_when or key != "read_at"} | {"status": "provisional"}
        for each in couchdb.range(DAY, *account_range(account_id, pce))
        if each["status"] == "definitive" and each["_id"].rpartition(":")[2] >= first
    ]
    couchdb.write(DAY, young)  # as before GRDF made their month definitive
    before = stored(couchdb, account_id, pce)
    clean.control.revoke(right)
    clean.control.consent([pce], conso_debut=str(yesterday(clean) - timedelta(days=60)), keep_others=True)
    changed = yesterday(clean) - timedelta(days=4)
    clean.control.correct(pce, changed, 777)
    run(clean, account_id)
    confirmed = couchdb.fetch(DAY, [each["_id"] for each in young])
    assert young
    assert {each["status"] for each in confirmed.values()} == {"definitive"}
    assert 777 in stored(couchdb, account_id, pce).values(), "no list has shown it yet"
    check()
    after = days_of(stored(couchdb, account_id, pce))
    assert after == {day: load for day, load in days_of(before).items() if day != str(changed)}
    assert couchdb.fetch(DAY, list(confirmed)) == confirmed
    told = document(clean, account_id)
    check()
    assert document(clean, account_id) == told
    assert days_of(stored(couchdb, account_id, pce)) == after
