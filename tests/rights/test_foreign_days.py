"""What GRDF has served under somebody else's right is not kept once this is known: days, periods, facts and prices."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.account import Account
from include.gas.account.own_meters import without_old_token
from include.gas.answers.access_rights import AccessRight
from include.gas.display.overview import Situation, overview
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import account_range
from tests.helpers import connect_cozy, days_of, holder, stored, yesterday
from tests.leaving.runs import extract, load
from tests.plugins.steps import read_published
from tests.rights.scene import OUTDATED, bring, check, consents, document, hands_over, run

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

CONTRACT = {
    "donnees_contractuelles": {"car": {"car_actuelle": 43210, "car_future": 43999}, "tarif_acheminement": "T2"},
    "statut_restitution": None,
}


def list_of(world: LocalWorld) -> str:
    """Return the list of all rights. Odd rights of other tests are left out."""
    return "\n".join(json.dumps(right) for right in world.control.consents() if AccessRight.from_line(right))


def next_one_comes(world: LocalWorld, account: str, right: str, days: int) -> None:
    """The household revokes, and the next one consents to that many past days without coming here."""
    world.control.revoke(right)
    start = str(yesterday(world) - timedelta(days=days))
    world.control.consent([holder(account).pces[0]], conso_debut=start, keep_others=True)


def totals(couchdb: CouchDBHook, account: str) -> list[tuple[str, dict[str, Any]]]:
    return [(each, doc) for each in (MONTH, YEAR) for doc in couchdb.range(each, *account_range(account))]


def with_prices(couchdb: CouchDBHook, account: str) -> None:
    """Compute prices for the totals as they are, as a consumer does."""
    for doctype, total in totals(couchdb, account):
        if "price" not in total:
            couchdb.write(doctype, [total | {"price": total["load"] / 10}])


def test_what_a_run_between_two_lists_has_read_is_taken_back(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, capfd: pytest.CaptureFixture[str]
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    before = stored(couchdb, account_id, pce)
    new = hands_over(clean, account_id, right)
    for back in (4, 5):  # GRDF has more days of the new tenant; it may not have published the latest three yet
        clean.control.correct(pce, yesterday(clean) - timedelta(days=back), 888)
    run(clean, account_id)
    assert {777, 888} <= set(stored(couchdb, account_id, pce).values()), "no list has shown it yet"
    check()
    after = stored(couchdb, account_id, pce)
    corrected = {str(yesterday(clean) - timedelta(days=back)) for back in (3, 4, 5)}
    assert days_of(after) == {day: load for day, load in days_of(before).items() if day not in corrected}
    months = {key: load for key, load in after.items() if len(key) == len("2026-10")}
    for key, total in months.items():
        assert total == sum(load for day, load in days_of(after).items() if day.startswith(key))
    assert "They are removed" in "".join(capfd.readouterr())
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert told["lost_days"] == {pce: {"read_again": True}}, "none of them is lost"
    assert sum(year["days"] for year in told["stored"][pce].values()) == len(days_of(after))
    assert set(told["announced"]["days"]) == corrected, "other DAGs are told"
    assert consents(clean, account_id)[0]["id_accreditation"] != new
    check()
    assert document(clean, account_id) == told, "once"
    clean.control.change_consent(right, etat_droit_acces="Active", date_revocation=None)
    check()
    run(clean, account_id)
    assert len(days_of(stored(couchdb, account_id, pce))) == len(days_of(before)), "read again if it was its own"


@pytest.mark.usefixtures("the_list_counts")
@pytest.mark.parametrize("frequency", ["6M", "JJ"])
def test_so_are_periods_with_their_totals(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, frequency: str
) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, days=500)
    clean.control.set_quirks(pce, frequency=frequency)
    check()
    next_one_comes(clean, account_id, right, 700)
    read_published(account_id)
    found = [couchdb.range(each, *account_range(account_id)) for each in (PUBLISHED, MONTH, YEAR)]
    assert all(found)
    check()
    assert [couchdb.range(each, *account_range(account_id)) for each in (PUBLISHED, MONTH, YEAR)] == [[], [], []]


@pytest.mark.usefixtures("the_list_counts")
def test_so_are_the_contract_and_the_yearly_consumption(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, days=500)
    check()
    run(clean, account_id)
    next_one_comes(clean, account_id, right, 60)
    for back in range(3, 34):
        clean.control.correct(pce, yesterday(clean) - timedelta(days=back), 500 + back)
    body = {"pce": {"id_pce": pce}, **CONTRACT}
    clean.control.fault(f"/pce/{pce}/donnees_contractuelles", times=None, status=200, body=body)
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


@pytest.mark.usefixtures("the_list_counts")
def test_so_is_every_price_that_tells_their_kwh(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    with_prices(couchdb, account_id)
    next_one_comes(clean, account_id, right, 20)
    for kwh in (777, 888):
        clean.control.correct(pce, yesterday(clean) - timedelta(days=3), kwh)
        run(clean, account_id)
        with_prices(couchdb, account_id)
    foreign = {doc["_id"]: doc for _, doc in totals(couchdb, account_id) if "former_price" in doc}
    assert len(foreign) == 2, "a month and the year"
    check()
    after = totals(couchdb, account_id)
    assert document(clean, account_id)["consents_lost"] == [pce]
    for _, total in after:
        assert "former_price" not in total
        assert ("price" in total) == (total["_id"] not in foreign), "the others fit"


def test_a_load_keeps_the_mark_that_the_check_has_set_meanwhile(clean: LocalWorld, account_id: str) -> None:
    right = bring(clean, account_id, holder(account_id).pces[0])
    check()
    run(clean, account_id)
    staged = extract(account_id, yesterday(clean))
    clean.control.revoke(right)
    check()
    load(account_id, staged, yesterday(clean))
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert overview(told | {"state": None}).situation(clean.control.today()) is Situation.CONNECT


def test_an_id_token_that_cannot_be_checked_now_is_not_thrown_away(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection has a wrong issuer when the konnector's accounts are first checked."""
    (pce,) = connect_cozy(clean, account_id)
    old = document(clean, account_id)
    old["oauth_callback_results"]["pce_id"] = pce
    clean.book.save(old)
    clean.control.consent([pce], keep_others=True)
    good = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
    wrong = good | {"extra": good["extra"] | {"issuer": "https://elsewhere.example"}}
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(wrong))
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean))
    check()
    told = document(clean, account_id)
    assert told["state"] == OUTDATED
    assert not Account.from_document(told).reconnected
    assert "former_id_token" in without_old_token(told, clean.control.today() + timedelta(29))["oauth_callback_results"]
    late = without_old_token(told, clean.control.today() + timedelta(30))["oauth_callback_results"]
    assert not [key for key in late if "token" in key], "none stays at rest for ever"
    monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(good))
    clean.control.fault("/droits_acces", method="GET", status=200, body=list_of(clean))
    check()
    told = document(clean, account_id)
    assert consents(clean, account_id)[0]["id_accreditation"]
    assert not told["state"]
    assert not [key for key in told["oauth_callback_results"] if "token" in key]
