"""A billing period that is only partly in the days of the consent gives its household no month and no year."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from grdf.hooks.couchdb import CouchDBHook
from grdf.meters.published_totals import write_period_totals
from include.gas.consents.consent import Consent
from include.gas.days.windows import Window
from tests.helpers import holder
from tests.rights.billed import BEFORE, OF_SUMMER, THIS, read, totals
from tests.rights.scene import bring, check

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


def test_the_months_of_the_former_household_are_not_the_next_ones(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce, conso_debut=f"{THIS}-05-20")
    read(clean, account_id, pce)
    found = totals(account_id)
    assert set(found) == OF_SUMMER
    assert found[f"{THIS}"] == 900


def test_nor_the_other_way_round(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce, conso_debut=f"{BEFORE}-11-20", conso_fin=f"{THIS}-05-20")
    read(clean, account_id, pce)
    assert totals(account_id) == {}


def test_what_it_allowed_stays_when_it_has_revoked(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, conso_debut=f"{THIS}-05-20")
    read(clean, account_id, pce)
    clean.control.revoke(right)
    check()
    write_period_totals(CouchDBHook(), account_id, pce)
    assert set(totals(account_id)) == OF_SUMMER


def test_rights_that_follow_each_other_hold_a_period_together() -> None:
    period = Window(date(2026, 1, 1), date(2026, 7, 1))
    first = Consent("09900000000017", "a", end=date(2026, 3, 1), unusable="it is over")
    assert not first.holds(period)
    assert Consent("09900000000017", "b", first=date(2026, 3, 1), others=(first,)).holds(period)
    assert not Consent("09900000000017", "b", first=date(2026, 3, 2), others=(first,)).holds(period)
    assert Consent("09900000000017").holds(period), "no bounds are known"
