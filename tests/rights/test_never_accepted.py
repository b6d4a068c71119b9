"""A right that nobody has accepted opens no day, and when it ends says nothing about the account's other rights."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.account.own_meters import with_meters
from include.gas.answers.access_rights import WAITING
from include.gas.consents.consent import Consent
from tests.helpers import holder, stored
from tests.leaving.runs import acquire
from tests.plugins.steps import read_published
from tests.rights.billed import OF_SUMMER, THIS, read, totals
from tests.rights.declared import answer, declared_before, give, look
from tests.rights.scene import bring, check, consents, document, hands_over, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")


def declared_anew(world: LocalWorld, account: str) -> str:
    """A household's right is over. It, or whoever has its account, declares one for all that GRDF keeps."""
    (pce,) = holder(account).pces
    right = bring(world, account, pce, conso_debut=f"{THIS}-05-20")
    read(world, account, pce)
    assert set(totals(account)) == OF_SUMMER
    world.control.revoke(right)
    check()
    give(world, account, keep=True)
    with suppress(AirflowSkipException):
        acquire(account, "manual")
    return pce


@pytest.mark.parametrize("answered", [None, "Refusée", "Obsolète"])
def test_it_opens_no_month_of_the_former_household(clean: LocalWorld, account_id: str, answered: str | None) -> None:
    pce = declared_anew(clean, account_id)
    if answered:
        answer(clean, pce, answered)
        look()
    read_published(account_id)
    assert set(totals(account_id)) == OF_SUMMER


@pytest.mark.parametrize(("word", "then"), [("A revérifier", "Révoquée"), ("En cours de validation", None), ("", None)])
def test_nor_does_another_word_of_grdfs_open_one(
    clean: LocalWorld, account_id: str, word: str, then: str | None
) -> None:
    """After two days a declared right waits no more, whatever a list says."""
    pce = declared_anew(clean, account_id)
    check()
    declared_before(clean, account_id, 3 * 24 * 60)
    for state in (word, then):
        if state is not None:
            answer(clean, pce, state)
            look(minute=5)
            check()
            assert consents(clean, account_id)[0]["unusable"] != WAITING
    read_published(account_id)
    assert set(totals(account_id)) == OF_SUMMER


@pytest.mark.parametrize("state", ["Refusée", "A valider", "A revérifier", "Obsolète"])
def test_one_that_was_in_force_keeps_its_months(clean: LocalWorld, account_id: str, state: str) -> None:
    (pce,) = holder(account_id).pces
    right = bring(clean, account_id, pce, conso_debut=f"{THIS}-05-20")
    read(clean, account_id, pce)
    clean.control.change_consent(right, etat_droit_acces=state)
    check()
    told = document(clean, account_id)
    clean.book.save({key: each for key, each in told.items() if key != "book_held_at"})  # a month later
    read_published(account_id)
    assert set(totals(account_id)) == OF_SUMMER


def test_months_that_it_has_opened_go(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declared_anew(clean, account_id)
    with monkeypatch.context() as patch:
        patch.setattr(Consent, "holds", lambda *_: True)
        read_published(account_id)
    assert set(totals(account_id)) > OF_SUMMER
    told = document(clean, account_id)
    clean.book.save({key: each for key, each in told.items() if key != "book_held_at"})  # a month later
    read_published(account_id)
    assert set(totals(account_id)) == OF_SUMMER


def test_its_end_does_not_keep_the_next_households_days(
    clean: LocalWorld, account_id: str, couchdb: CouchDBHook
) -> None:
    pce = holder(account_id).pces[0]
    right = bring(clean, account_id, pce)
    check()
    run(clean, account_id)
    check()
    (waits,) = clean.control.consent([pce], keep_others=True)
    declared = str(waits["id_droit_acces"])
    clean.control.change_consent(declared, etat_droit_acces="A valider", parcours="DECLARATION_TIERS")
    second = Consent(pce, declared, unusable=WAITING)
    clean.book.save(with_meters(document(clean, account_id), [second], datetime.now(UTC)))
    check()
    before = stored(couchdb, account_id, pce)
    hands_over(clean, account_id, right)
    run(clean, account_id)
    assert 777 in stored(couchdb, account_id, pce).values(), "no list has shown it yet"
    time.sleep(2)  # GRDF's list names seconds
    clean.control.revoke(declared)
    check()
    after = stored(couchdb, account_id, pce)
    assert 777 not in after.values()
    assert len(before) - len(after) <= 1, "the household's own days stay"
    states = [each["unusable"] for each in consents(clean, account_id)]
    assert states[0].endswith(", without ever being in force")
    check()
    assert [each["unusable"] for each in consents(clean, account_id)] == states
