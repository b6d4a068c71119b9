"""The contract of a meter: only of who lives there under the consent."""

from __future__ import annotations

from datetime import timedelta

from include.sandbox.local_world import LocalWorld
from tests.helpers import holder, yesterday
from tests.leaving.runs import extract, load
from tests.plugins.steps import billing, read_published
from tests.rights.scene import OUTDATED, bring, check, document, run


def test_the_contract_of_who_lives_there_now_is_not_kept_once_it_is_known(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, days=500)
    check()
    run(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    clean.control.revoke(right)
    clean.control.consent([pce], conso_debut=str(yesterday(clean) - timedelta(days=20)), keep_others=True)
    contract = {"car": {"car_actuelle": 43210, "car_future": 43999}, "tarif_acheminement": "T2"}
    body = {"pce": {"id_pce": pce}, "donnees_contractuelles": contract, "statut_restitution": None}
    clean.control.fault(f"/pce/{pce}/donnees_contractuelles", times=None, status=200, body=body)
    read_published(account_id)
    assert billing(clean, account_id)["contract"]["car"] == 43210, "no list has shown it yet"
    clean.control.set(faults=[])
    check()
    load(account_id, staged, yesterday(clean))
    assert document(clean, account_id)["state"] == OUTDATED
    read_published(account_id)
    assert "contract" not in billing(clean, account_id)
