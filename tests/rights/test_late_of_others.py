"""A right that GRDF's list shows late is not taken by a former account if it is somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.account.sections.rights.declaration import names_person
from include.gas.days.gas_day import utc_text
from include.gas.documents.doctypes import AUDIT, CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from include.gas.errors import RetryLater
from tests.helpers import MemoryShelf
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, give, postcode, rights
from tests.rights.scene import consents, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

AGENCY = "agency@example.org"
NEXT = {"name": "Petit-Invente", "phone": "+33 6 11 11 11 11"}
RESULTS, SENT = "oauth_callback_results", "declarations_sent"


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)  # outside a task there are no Variables
    clean.control.set(declared_right_state="Active")
    yield
    for name in (account_id, other_of(account_id)):
        clean.book.remove(name)
        for doctype in (CONSENT_RECORD, AUDIT):
            Remover(CouchDBHook()).remove_range(doctype, *account_range(name))


def given_up(world: LocalWorld, account: str, days: float = 0, *, answer: str = "lost") -> str:
    """GRDF does not answer for 30 days, so the household is removed. Return the meter.

    :param days: how long ago it was sent
    :param answer: ``lost``: GRDF has taken the right and its list does not show it; ``none``: it has not taken it
    """
    pce = give(world, account, email=AGENCY)
    no_answer = {"cut": True, "after": True} if answer == "lost" else {"status": 503}
    world.control.fault("/droit_acces$", method="PUT", **no_answer)
    with pytest.raises(RetryLater):
        acquire(account, "scheduled")
    change(world, pce, etat_droit_acces="Refusée")
    stored = document(world, account)
    entered = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    world.book.save(stored | {"declaration": stored["declaration"] | {"entered_at": entered}})
    check()
    assert not names_person(document(world, account))
    older(world, account, days)
    return pce


def older(world: LocalWorld, account: str, days: float) -> None:
    """Let so many days pass since the declaration was sent."""
    stored = document(world, account)
    at = utc_text(datetime.now(UTC) - timedelta(days=days))
    world.book.save(stored | {SENT: [each | {"at": at} for each in stored[SENT]]})


def change(world: LocalWorld, pce: str, **fields: Any) -> None:
    for right in rights(world, pce):
        world.control.change_consent(right["id_droit_acces"], **fields)


def declares(world: LocalWorld, account: str, pce: str, **person: str) -> None:
    """Another household declares its right to the meter, and the answer is lost."""
    given = {"pce": pce, **PERSON, "postcode": postcode(pce), **person}
    world.book.save({"_id": account, "account_type": "grdfgrandlyon", "declaration": given})
    world.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        acquire(account, "scheduled")


def elsewhere(world: LocalWorld, pce: str, **fields: Any) -> None:
    """Another program of ours, or an operator on GRDF's portal, declares a right for the meter."""
    (made,) = world.control.consent([pce], keep_others=True)
    said = {"nom_titulaire": PERSON["name"], "courriel_titulaire": AGENCY, "parcours": "DECLARATION_TIERS"}
    world.control.change_consent(made["id_droit_acces"], **(said | fields))


def has_none(world: LocalWorld, account: str) -> bool:
    return RESULTS not in document(world, account)


def test_the_next_household_of_the_same_agency_keeps_its_right(clean: LocalWorld, account_id: str) -> None:
    pce, other = given_up(clean, account_id, answer="none"), other_of(account_id)
    declares(clean, other, pce, email=AGENCY, **NEXT)
    check()
    assert has_none(clean, account_id)
    assert acquire(other, "scheduled")["meters"] == 1
    check()
    assert has_none(clean, account_id)


def test_another_name_is_told_and_not_taken(
    clean: LocalWorld, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    pce = given_up(clean, account_id, answer="none")
    elsewhere(clean, pce, nom_titulaire=NEXT["name"])
    caplog.clear()
    check()
    said = caplog.text
    assert has_none(clean, account_id)
    assert f"Account {account_id}: GRDF's list shows right {rights(clean, pce)[0]['id_droit_acces']}" in said
    assert NEXT["name"] not in said
    assert pce not in said


@pytest.mark.parametrize(
    "fields",
    [
        {"nom_titulaire": f"Jean {PERSON['name']}"},
        {"nom_titulaire": PERSON["name"].upper().replace("-", " ")},
        {"nom_titulaire": None, "raison_sociale_du_titulaire": PERSON["name"]},
        {"nom_titulaire": None},
        {"courriel_titulaire": None},
    ],
)
def test_its_own_is_taken_however_grdf_writes_the_holder(
    clean: LocalWorld, account_id: str, fields: dict[str, Any]
) -> None:
    pce = given_up(clean, account_id, 35)
    change(clean, pce, etat_droit_acces="Active", **fields)
    check()
    assert [each["pce"] for each in consents(clean, account_id)] == [pce]


def test_the_deletion_of_a_former_account_leaves_the_next_ones_right(clean: LocalWorld, account_id: str) -> None:
    pce, other = given_up(clean, account_id, answer="none"), other_of(account_id)
    declares(clean, other, pce, email=AGENCY, **NEXT)
    delete(account_id, started=datetime.now(UTC))
    assert [each["etat_droit_acces"] for each in rights(clean, pce)] == ["Active"]
    assert acquire(other, "scheduled")["meters"] == 1
