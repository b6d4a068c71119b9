"""A meter changes hands: data that the new tenant has allowed never reaches the old tenant's account."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.account.own_meters import with_meters
from include.gas.consents.consent import Consent
from include.gas.errors import ConsentLost, MeterTaken, ServiceUnavailable
from tests.helpers import adict_hook, connect_code, connect_cozy, days_of, holder, stored, yesterday
from tests.leaving.household import ACTIVE, REVOKED, rights
from tests.leaving.runs import acquire, extract, load
from tests.leaving.steps import delete
from tests.rights.scene import OUTDATED, bring, check, consents, document, other_of, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


def test_the_new_tenants_right_never_serves_the_old_account(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """The audit's experiment: a right is revoked, and somebody else gives one, which only their account may use."""
    pce, new = holder(account_id).pces[0], other_of(account_id)
    old_right = bring(clean, account_id, pce)
    run(clean, account_id)
    check()  # GRDF's list has whole seconds: what was read belongs to the account, as a later list shows
    before = stored(couchdb, account_id, pce)
    assert len(days_of(before)) > 30
    clean.control.revoke(old_right)
    new_right = bring(clean, new, pce, days=20)
    clean.control.correct(pce, yesterday(clean) - timedelta(days=3), 777)
    check()
    assert consents(clean, account_id)[0]["id_accreditation"] == old_right
    assert document(clean, account_id)["state"] == OUTDATED
    with pytest.raises(AirflowSkipException):
        run(clean, account_id)
    with pytest.raises(ConsentLost):
        run(clean, account_id, "manual")
    assert stored(couchdb, account_id, pce) == before
    run(clean, new)
    assert 777 in stored(couchdb, new, pce).values()
    delete(account_id)
    assert rights(clean, (pce,)) == {old_right: REVOKED, new_right: ACTIVE}


def test_who_consents_twice_is_read_under_both(clean: LocalWorld, account_id: str, couchdb: CouchDBHook) -> None:
    """It has two active rights: the older one lasts longest but its days are over, the newer one covers today."""
    today = clean.control.today()
    pce = holder(account_id).pces[0]
    bring(
        clean, account_id, pce, conso_debut=str(today - timedelta(days=200)), conso_fin=str(today - timedelta(days=100))
    )
    run(clean, account_id)
    first = days_of(stored(couchdb, account_id, pce))
    assert len(first) == 100
    old = document(clean, account_id)
    connect_cozy(clean, account_id, conso_debut=str(today - timedelta(days=30)))
    fresh = document(clean, account_id)
    for right in clean.control.consents():  # as a declared right can exist in addition to one from Client Connect
        if right["id_pce"] == pce:
            clean.control.change_consent(right["id_droit_acces"], etat_droit_acces="Active")
    results = old["oauth_callback_results"] | fresh["oauth_callback_results"]
    clean.book.save({**old, "state": OUTDATED, "oauth": fresh["oauth"], "oauth_callback_results": results})
    run(clean, account_id)
    days = days_of(stored(couchdb, account_id, pce))
    assert first.keys() < days.keys()
    assert str(today - timedelta(days=10)) in days
    assert str(today - timedelta(days=60)) not in days, "what neither of them covers is not asked for"
    assert len(consents(clean, account_id)[0]["others"]) == 1


def test_of_two_rights_the_one_whose_days_are_over_does_not_win(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """This is the audit's experiment on row 4, where both rights are the account's own."""
    today = clean.control.today()
    pce = holder(account_id).pces[0]
    old = bring(clean, account_id, pce, days=90, conso_fin=str(today - timedelta(days=20)), droit_fin="2031-01-01")
    bring(clean, account_id, pce, days=20, droit_fin=str(today + timedelta(days=60)))
    both = document(clean, account_id)
    both["oauth_callback_results"]["consents"][0]["others"] = [{"pce": pce, "id_accreditation": old}]
    clean.book.save(both)
    check()
    run(clean, account_id)
    days = days_of(stored(couchdb, account_id, pce))
    assert str(today - timedelta(days=5)) in days
    assert str(today - timedelta(days=60)) in days
    asked = [call for call in clean.control.log() if call["path"].endswith("informatives")]
    assert len(asked) == 1, "one window suffices"


def test_a_household_connects_again_while_the_list_is_on_its_way(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """The answer cannot contain a right given after the request, which does not mean that it is lost."""
    from grdf.consents.lists.consent_dates import with_dates
    from grdf.stores.accounts.account_store import AccountStore

    accounts = AccountStore(couchdb)
    pce = holder(account_id).pces[0]
    clean.control.revoke(bring(clean, account_id, pce))
    body = "\n".join(json.dumps(right) for right in clean.control.consents() if right["id_pce"] == pce)
    clean.control.fault("/droits_acces", delay_s=2, status=200, body=body)
    before = accounts.account(account_id)
    asking = threading.Thread(target=lambda: with_dates(adict_hook(), accounts, before))
    asking.start()
    time.sleep(0.5)
    (fresh,) = clean.control.consent([pce])
    added = [Consent(pce, fresh["id_droit_acces"])]
    accounts.update(account_id, lambda stored: with_meters(stored, added, datetime.now(UTC)))
    asking.join(30)
    (meter,) = accounts.account(account_id).meters
    assert meter.ids == (fresh["id_droit_acces"],)
    assert not document(clean, account_id).get("state")


def test_what_was_asked_before_another_connected_is_not_stored_after_it(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    """Between the new tenant's consent at GRDF and the new account, GRDF serves the old account's call."""
    pce, new = holder(account_id).pces[0], other_of(account_id)
    old_right = bring(clean, account_id, pce)
    run(clean, account_id)
    before = stored(couchdb, account_id, pce)
    clean.control.revoke(old_right)
    connect_cozy(clean, new, pces=[pce])
    clean.control.correct(pce, yesterday(clean) - timedelta(days=3), 777)
    staged = extract(account_id, yesterday(clean))
    assert staged["counts"]["readings"] > 0
    acquire(new)
    load(account_id, staged, yesterday(clean))
    assert stored(couchdb, account_id, pce) == before


@pytest.mark.parametrize("connect", [connect_cozy, connect_code])
def test_a_meter_that_another_account_reads_is_not_taken(clean: LocalWorld, account_id: str, connect: Any) -> None:
    pce, new = holder(account_id).pces[0], other_of(account_id)
    own = bring(clean, account_id, pce, fields={"parcours": "DECLARATION_TIERS"})
    before = document(clean, account_id)
    connect(clean, new, pces=[pce])
    with pytest.raises(MeterTaken, match="belongs to another account") as refused:
        acquire(new)
    assert refused.value.holder == account_id
    assert not [word for word in (pce, account_id) if word in str(refused.value)], "who sees one may not see the other"
    assert document(clean, account_id) == before
    taken = document(clean, new)
    assert account_id not in taken["state_message"]
    assert taken["state"] == OUTDATED
    assert "consents" not in taken["oauth_callback_results"]
    assert not {"id_token", "code"} & (taken["oauth"].keys() | taken["oauth_callback_results"].keys())
    with pytest.raises(AirflowSkipException):
        acquire(new)
    check()
    assert consents(clean, account_id)[0]["id_accreditation"] == own


def test_the_code_of_a_household_outlives_a_list_that_does_not_come(clean: LocalWorld, account_id: str) -> None:
    pce, new = holder(account_id).pces[0], other_of(account_id)
    clean.control.revoke(bring(clean, account_id, pce))
    connect_code(clean, new, pces=[pce])
    clean.control.fault("/droits_acces", status=503)
    with pytest.raises(ServiceUnavailable):
        acquire(new)
    assert acquire(new)["first_launch"] is True
    assert not {"id_token", "code"} & document(clean, new)["oauth_callback_results"].keys()


def test_two_that_take_a_meter_at_once(clean: LocalWorld, account_id: str) -> None:
    pce, new = holder(account_id).pces[0], other_of(account_id)
    for name in (account_id, new):
        connect_cozy(clean, name, pces=[pce])
    for right in clean.control.consents():
        if right["id_pce"] == pce:
            clean.control.change_consent(right["id_droit_acces"], etat_droit_acces="Active")
    outcomes: list[str] = []

    def try_it(name: str) -> None:
        try:
            acquire(name)
            outcomes.append("taken")
        except MeterTaken:
            outcomes.append("refused")

    tasks = [threading.Thread(target=try_it, args=(name,)) for name in (account_id, new)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join(60)
    assert sorted(outcomes) == ["refused", "taken"]


@pytest.mark.parametrize("state", ["refused", "run out"])
def test_a_run_by_hand_looks_into_the_list_first(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook, state: str
) -> None:
    """The account knows about its loss from a refusal or from the calendar, but not from the list yet."""
    pce = holder(account_id).pces[0]
    own = bring(clean, account_id, pce)
    run(clean, account_id)
    before = stored(couchdb, account_id, pce)
    stale = document(clean, account_id)
    if state == "refused":
        clean.control.revoke(own)
        with pytest.raises(ConsentLost):
            run(clean, account_id)
    else:
        clean.control.change_consent(own, date_fin_droit_acces=str(yesterday(clean)))
        stale["oauth_callback_results"]["consents"][0]["calls_until"] = str(yesterday(clean))
        clean.book.save(stale)
    clean.control.consent([pce], keep_others=True)
    clean.control.correct(pce, yesterday(clean) - timedelta(days=3), 777)
    for run_type in ("manual", "scheduled"):
        with pytest.raises((ConsentLost, AirflowSkipException)):
            run(clean, account_id, run_type)
    assert stored(couchdb, account_id, pce) == before
    assert "informatives" not in clean.control.log()[-1]["path"]
