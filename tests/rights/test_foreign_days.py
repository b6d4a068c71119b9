"""What GRDF has served under somebody else's right is not kept once this is known: facts and prices, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers import holder, yesterday
from tests.leaving.runs import extract, load
from tests.plugins.published import billing
from tests.plugins.steps import read_published
from tests.rights.scene import OUTDATED, bring, check, document, hands_over, run

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

CONTRACT = {
    "donnees_contractuelles": {"car": {"car_actuelle": 43210, "car_future": 43999}, "tarif_acheminement": "T2"},
    "statut_restitution": None,
}


def test_the_contract_and_the_yearly_consumption(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, days=500)
    check()
    run(clean, account_id)
    hands_over(clean, account_id, right)
    body = {"pce": {"id_pce": pce}, **CONTRACT}
    clean.control.fault(f"/pce/{pce}/donnees_contractuelles", times=None, status=200, body=body)
    run(clean, account_id)
    read_published(account_id)
    assert billing(clean, account_id)["contract"]["car"] == 43210, "no list has shown it yet"
    clean.control.set(faults=[])
    check()
    read_published(account_id)
    assert document(clean, account_id)["state"] == OUTDATED
    assert "contract" not in billing(clean, account_id)


def test_a_load_keeps_the_state_that_the_check_has_set_meanwhile(clean: LocalWorld, account_id: str) -> None:
    right = bring(clean, account_id, holder(account_id).pces[0])
    check()
    run(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    clean.control.revoke(right)
    check()
    load(account_id, staged, yesterday(clean))
    assert document(clean, account_id)["state"] == OUTDATED
