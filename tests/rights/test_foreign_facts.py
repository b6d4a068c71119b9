"""The next household's contract and consumption, which ``grdf_published`` read, do not stay on the former account."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.helpers import holder, yesterday
from tests.plugins.steps import read_published
from tests.rights.scene import bring, check, document, run

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

CONTRACT = {
    "donnees_contractuelles": {"car": {"car_actuelle": 43210, "car_future": 43999}, "tarif_acheminement": "T2"},
    "statut_restitution": None,
}

pytestmark = pytest.mark.usefixtures("the_list_counts")


def hands_over(world: LocalWorld, account: str, right: str) -> None:
    """The next household consents without coming here. Nothing of the billed periods changes, but its days do."""
    (pce,) = holder(account).pces
    world.control.revoke(right)
    world.control.consent([pce], conso_debut=str(yesterday(world) - timedelta(days=60)), keep_others=True)
    for back in range(3, 34):
        world.control.correct(pce, yesterday(world) - timedelta(days=back), 500 + back)
    body = {"pce": {"id_pce": pce}, **CONTRACT}
    world.control.fault(f"/pce/{pce}/donnees_contractuelles", times=None, status=200, body=body)


def test_they_go_with_its_days(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, days=500)
    check()
    run(clean, account_id)
    hands_over(clean, account_id, right)
    run(clean, account_id)
    read_published(account_id)
    told = document(clean, account_id)
    assert told["meter_facts"][pce]["car"] == 43210
    assert told["published"][pce]["differences"], "its own periods, beside the days of the next household"
    clean.control.set(faults=[])
    check()
    told = document(clean, account_id)
    assert told["consents_lost"] == [pce]
    assert pce not in told.get("meter_facts", {})
    assert pce not in told.get("published", {})


def test_what_was_read_before_is_its_own(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, days=500)
    check()
    run(clean, account_id)
    read_published(account_id)
    check()
    before = document(clean, account_id)
    hands_over(clean, account_id, right)
    run(clean, account_id)
    clean.control.set(faults=[])
    check()
    told = document(clean, account_id)
    assert told["consents_lost"] == [pce]
    assert told["meter_facts"] == before["meter_facts"]
    assert told["published"] == before["published"]
