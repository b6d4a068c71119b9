"""A right that GRDF had all along, or shows late, is taken by itself after nobody waits for it any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from include.gas.account.sections.rights.declaration import names_person
from tests.helpers import MemoryShelf, holder
from tests.leaving.runs import acquire, check
from tests.rights.declared import PERSON, WAITS, calls, give, holds_person, lost_answer, rights
from tests.rights.scene import bring, consents, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ACTIVE, REFUSED = "Active", "Refusée"


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)  # outside a task there are no Variables
    clean.control.set(declared_right_state=ACTIVE)


def long_ago(world: LocalWorld, account: str, days: float = 31) -> None:
    """Let so many days pass since the declaration was entered."""
    stored = document(world, account)
    entered = datetime.now(UTC) - timedelta(days=days)
    world.book.save(stored | {"declaration": stored["declaration"] | {"entered_at": entered.isoformat()}})


def shown(world: LocalWorld, pce: str, state: str) -> None:
    for right in rights(world, pce):
        world.control.change_consent(right["id_droit_acces"], etat_droit_acces=state)


def given_up(world: LocalWorld, account: str) -> str:
    """GRDF's answer is lost, and its list shows nothing for 30 days. Return the meter."""
    pce = lost_answer(world, account)
    shown(world, pce, REFUSED)
    long_ago(world, account)
    check()
    assert not names_person(document(world, account))
    return pce


def test_what_the_list_shows_on_the_last_day_is_taken(clean: LocalWorld, account_id: str) -> None:
    pce = lost_answer(clean, account_id)
    long_ago(clean, account_id)
    check()
    assert holds_person(clean, account_id) == []
    assert not document(clean, account_id).get("state")
    assert [each["pce"] for each in consents(clean, account_id)] == [pce]
    assert acquire(account_id) == {"account": account_id, "meters": 1, "first_launch": False}


def test_what_it_shows_later_is_taken(clean: LocalWorld, account_id: str) -> None:
    pce = given_up(clean, account_id)
    check()
    assert document(clean, account_id)["state"] == WAITS
    shown(clean, pce, ACTIVE)
    calls(clean)
    check()
    assert len(calls(clean)) == 1, "the list in hand is enough"
    assert not document(clean, account_id).get("state")
    assert acquire(account_id)["meters"] == 1
    check()
    assert "declarations_sent" not in document(clean, account_id)


def test_an_account_that_is_read_takes_the_right_to_its_other_meter(clean: LocalWorld, account_id: str) -> None:
    (other,) = holder(other_of(account_id)).pces
    bring(clean, account_id, other)
    stored = document(clean, account_id)
    pce = lost_answer(clean, account_id)
    clean.book.save(document(clean, account_id) | {"oauth_callback_results": stored["oauth_callback_results"]})
    long_ago(clean, account_id)
    check()
    assert {each["pce"] for each in consents(clean, account_id)} == {pce, other}
    assert holds_person(clean, account_id) == []


def test_one_for_another_address_than_entered_now_is_for_a_person(clean: LocalWorld, account_id: str) -> None:
    """It was corrected by hand while the account's DAG was paused."""
    lost_answer(clean, account_id, email=PERSON["email"])
    long_ago(clean, account_id)
    for _ in range(2):
        check()
    stored = document(clean, account_id)
    assert "another name or e-mail address" in stored["state_message"]
    assert "oauth_callback_results" not in stored
    stored["declaration"]["refused_since"] = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    clean.book.save(stored)
    for _ in range(2):
        check()
    assert holds_person(clean, account_id) == []
    assert "oauth_callback_results" not in document(clean, account_id)


def test_somebody_elses_is_not_taken(clean: LocalWorld, account_id: str) -> None:
    pce = given_up(clean, account_id)
    other = other_of(account_id)
    clean.control.consent([pce], keep_others=True)
    bring(clean, other, pce)
    check()
    assert "oauth_callback_results" not in document(clean, account_id)
    assert document(clean, account_id)["state"] == WAITS


def test_a_meter_that_another_account_has_is_not_taken(clean: LocalWorld, account_id: str) -> None:
    pce = given_up(clean, account_id)
    bring(clean, other_of(account_id), pce)
    for right in rights(clean, pce):
        if right["parcours"] == "DECLARATION_TIERS":
            clean.control.change_consent(right["id_droit_acces"], etat_droit_acces=ACTIVE)
    check()
    assert "oauth_callback_results" not in document(clean, account_id)
    assert "belongs to another account" in document(clean, account_id)["state_message"]


def test_a_paused_dag_is_not_said_to_be_grdfs_silence(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id)
    long_ago(clean, account_id)
    check()
    said = document(clean, account_id)["state_message"]
    assert "no right of it is known" in said
    assert "not paused" in said
    assert "GRDF" not in said


def test_before_that_its_dag_takes_it(clean: LocalWorld, account_id: str) -> None:
    lost_answer(clean, account_id)
    long_ago(clean, account_id, 29)
    check()
    assert names_person(document(clean, account_id))
    assert acquire(account_id)["meters"] == 1
