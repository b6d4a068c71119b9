"""Billing periods and contracts: only what lies in the days of the consent, and as GRDF publishes it by now."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from grdf.hooks.couchdb import CouchDBHook
from include.gas.days.gas_day import paris_today
from include.gas.documents.billing.periods import readable_periods
from include.gas.documents.day_documents import account_range, day_id
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from tests.helpers import holder, yesterday
from tests.leaving.runs import extract, load
from tests.plugins.steps import billing, periods, read_published
from tests.rights.scene import OUTDATED, bring, check, document, other_of, run

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

THIS = paris_today(datetime.now(UTC)).year - 1
"""Last year, all of which is over."""
WINTER, SUMMER = (f"{THIS - 1}-12-01", f"{THIS}-06-01", 6000), (f"{THIS}-06-01", f"{THIS}-11-01", 900)
OF_SUMMER = {*(f"{THIS}-{month:02}" for month in range(6, 11)), f"{THIS}"}


def line(pce: str, first: str, end: str, load: int) -> str:
    use = {"date_debut_consommation": f"{first}T06:00:00+01:00", "date_fin_consommation": f"{end}T06:00:00+01:00"}
    said = {"energie": load, "type_conso": "publiée", "type_qualif_conso": "Mesuré", "statut_conso": "Définitive"}
    return json.dumps({"pce": {"id_pce": pce}, "consommation": use | said, "statut_restitution": None})


def totals(account: str) -> dict[str, Any]:
    found = (each for name in (MONTH, YEAR) for each in CouchDBHook().range(name, *account_range(account)))
    return {each["_id"].rpartition(":")[2]: each["load"] for each in found}


def publish(world: LocalWorld, account: str, *published: tuple[str, str, int], more: str = "") -> None:
    """Have periods read of a meter that is read twice a year."""
    (pce,) = holder(account).pces
    world.control.set_quirks(pce, frequency="6M")
    body = "\n".join([*(line(pce, *each) for each in published), more])
    world.control.fault(f"/pce/{pce}/donnees_consos_publiees", times=None, status=200, body=body)
    read_published(account)
    world.control.set(faults=[])


def household(world: LocalWorld, account: str, first: str, **terms: Any) -> tuple[str, str]:
    """Return the meter and the right of a household that has opened its days from some day on."""
    (pce,) = holder(account).pces
    right = bring(world, account, pce, conso_debut=first, **terms)
    check()
    return pce, right


def test_a_period_that_is_only_partly_in_the_days_of_the_consent_is_not_stored(
    clean: LocalWorld, account_id: str
) -> None:
    """Its parts are not known. What the consent allowed stays when it is over."""
    _, right = household(clean, account_id, f"{THIS}-05-20")
    publish(clean, account_id, WINTER, SUMMER)
    found = totals(account_id)
    assert ({*found}, found[f"{THIS}"]) == (OF_SUMMER, 900)
    clean.control.revoke(right)
    check()
    read_published(account_id)
    assert {*totals(account_id)} == OF_SUMMER
    household(clean, other := other_of(account_id), f"{THIS - 1}-11-20", conso_fin=f"{THIS}-05-20")
    publish(clean, other, WINTER, SUMMER)
    assert totals(other) == {}


def test_a_first_period_is_published_anew_with_a_later_start(clean: LocalWorld, account_id: str) -> None:
    """A cut answer takes nothing away, and a damaged day keeps no totals away."""
    pce, _ = household(clean, account_id, f"{THIS}-01-01")
    old, new = (f"{THIS}-01-02", f"{THIS}-07-01", 6000), (f"{THIS}-01-20", f"{THIS}-07-01", 4000)
    following = (f"{THIS}-07-01", f"{THIS}-10-10", 900)
    day = {"_id": day_id(account_id, pce, date(THIS, 3, 5)), "account": account_id, "pce": pce, "load": None}
    CouchDBHook().write(DAY, [day | {"year": THIS, "month": 13, "day": 5}])
    for published, more, firsts, total in (
        ((old, following), "", [old, following], 6900),
        ((new, following), '{"pce": {"id_', [old, new, following], 6900),
        ((new, following), "", [new, following], 4900),
    ):
        publish(clean, account_id, *published, more=more)
        counted = [each.first.isoformat() for each in readable_periods(periods(account_id))]
        assert (counted, totals(account_id)[f"{THIS}"]) == ([first for first, _, _ in firsts], total)


def test_the_contract_of_who_lives_there_now_is_not_kept_once_it_is_known(clean: LocalWorld, account_id: str) -> None:
    """Nor does a load that was under way undo what the check has found."""
    pce, right = household(clean, account_id, str(yesterday(clean) - timedelta(days=500)))
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
