"""GRDF's cache answers "no recent consent" (code 1000003) for days: what the household sees, and what is read."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.display.overview import Situation, overview
from include.gas.errors import ConsentLost, RefusalDoubted
from tests.helpers import known_account, stored, yesterday
from tests.leaving.household import rights
from tests.leaving.runs import acquire, check, extract, load

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

STALE = "1000003"

pytestmark = pytest.mark.usefixtures("shelf")


def settled(world: LocalWorld, account: str) -> str:
    (pce,) = known_account(world, account, 1, conso_debut=str(yesterday(world) - timedelta(days=20)))
    check()
    return pce


def asked_to_act(world: LocalWorld, account: str) -> bool:
    document = world.book.get(account) or {}
    said = overview(document).situation(world.control.today())
    return said in (Situation.CONNECT, Situation.PARTLY) or str(document.get("state") or "").startswith("USER_ACTION")


@pytest.mark.parametrize("list_answers", [True, False])
def test_for_days_while_the_right_is_active(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, list_answers: bool
) -> None:
    pce, day = settled(clean, account_id), yesterday(clean)
    clean.control.set_quirks(pce, refusal=STALE)
    for _ in range(3):
        if not list_answers:
            clean.control.fault("droits_acces", status=503, times=None)
        acquire(account_id)
        for number in (1, 2):
            with pytest.raises(RefusalDoubted, match="Aucune accréditation récente trouvée"):
                extract(account_id, day, try_number=number)
            assert not asked_to_act(clean, account_id)
        clean.control.set(faults=[])
        check()
        assert not asked_to_act(clean, account_id)
    assert not stored(couchdb, account_id, pce)

    clean.control.set_quirks(pce)
    acquire(account_id)
    load(account_id, extract(account_id, day), day)
    assert stored(couchdb, account_id, pce), "the days come afterwards"
    assert not (clean.book.get(account_id) or {}).get("state")


def test_revoked_while_the_list_did_not_answer(clean: LocalWorld, account_id: str) -> None:
    pce, day = settled(clean, account_id), yesterday(clean)
    (own,) = rights(clean, (pce,))
    clean.control.revoke(own)
    clean.control.set_quirks(pce, refusal=STALE)
    clean.control.fault("droits_acces", status=503, times=None)
    with pytest.raises(RefusalDoubted):
        extract(account_id, day, try_number=1)
    clean.control.set(faults=[])
    with pytest.raises(ConsentLost):
        extract(account_id, day, try_number=2)
    assert asked_to_act(clean, account_id), "the list has the last word"
