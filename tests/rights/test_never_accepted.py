"""A right that nobody has accepted opens no day, and when it ends says nothing about the account's other rights."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.answers.access_rights import WAITING
from tests.helpers import holder
from tests.leaving.runs import acquire
from tests.plugins.steps import read_published
from tests.rights.billed import OF_SUMMER, THIS, read, totals
from tests.rights.declared import answer, declared_before, give, look
from tests.rights.scene import bring, check, consents, document

if TYPE_CHECKING:
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
