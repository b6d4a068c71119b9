"""Rights of two households that GRDF's list shows late are not taken into one account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.account.sections.rights.declaration import names_person
from include.gas.documents.doctypes import AUDIT
from include.gas.documents.gas_days import account_range
from include.gas.errors import DeclarationRefused, RetryLater
from tests.helpers import MemoryShelf, holder
from tests.leaving.household import REVOKED
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, WAITS, give, postcode, rights
from tests.rights.scene import consents, document, other_of

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

NEXT = {"name": "Petit-Invente", "email": "p.petit@example.org", "phone": "+33 6 11 11 11 11"}
ACTIVE, REFUSED = "Active", "Refusée"
SAID = "GRDF's list shows rights of different holders that were declared for this account"


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests leave accounts without rights, which a list may have been cut short for."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    monkeypatch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)  # outside a task there are no Variables
    clean.control.set(declared_right_state=ACTIVE)
    yield
    clean.book.remove(account_id)
    Remover(CouchDBHook()).remove_range(AUDIT, *account_range(account_id))


def shown(world: LocalWorld, pce: str, state: str, **fields: Any) -> None:
    for right in rights(world, pce):
        world.control.change_consent(right["id_droit_acces"], etat_droit_acces=state, **fields)


def lost(world: LocalWorld, account: str, pce: str, *, days: float, **person: str) -> None:
    """Enter a household, whose right GRDF takes without an answer, and let so many days pass."""
    give(world, account, keep=bool(document(world, account)), pce=pce, **(person | {"postcode": postcode(pce)}))
    world.control.fault("/droit_acces$", method="PUT", cut=True, after=True)
    with pytest.raises(RetryLater):
        acquire(account, "manual")
    shown(world, pce, REFUSED)
    stored = document(world, account)
    entered = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    world.book.save(stored | {"declaration": stored["declaration"] | {"entered_at": entered}})


def given_up(world: LocalWorld, account: str, *households: dict[str, str]) -> list[str]:
    """Enter households one after the other, each with a meter of its own, until nobody waits. Return the meters."""
    pces = [holder(name).pces[0] for name in (account, other_of(account))]
    for pce, person in zip(pces, households, strict=False):
        lost(world, account, pce, days=31, **person)
        check()
        assert not names_person(document(world, account))
    return pces


def has_none(world: LocalWorld, account: str) -> bool:
    return "oauth_callback_results" not in document(world, account)


def test_neither_is_taken_and_a_person_is_told(
    clean: LocalWorld, account_id: str, capfd: pytest.CaptureFixture[str]
) -> None:
    pces = given_up(clean, account_id, PERSON, NEXT)
    for pce in pces:
        shown(clean, pce, ACTIVE)
    capfd.readouterr()
    for _ in range(2):
        check()
    said = "".join(capfd.readouterr())
    assert has_none(clean, account_id)
    assert f"Account {account_id}: {SAID}" in said
    stored = document(clean, account_id)
    assert SAID in stored["state_message"]
    assert stored["state"] == WAITS
    told = said + str(stored["state_message"])
    assert [each for each in (*pces, *NEXT.values(), PERSON["name"], PERSON["email"]) if each in told] == []


def test_a_run_takes_neither(clean: LocalWorld, account_id: str) -> None:
    for pce in given_up(clean, account_id, PERSON, NEXT):
        shown(clean, pce, ACTIVE)
    with pytest.raises(DeclarationRefused, match=SAID):
        acquire(account_id, "manual")
    assert has_none(clean, account_id)
    assert SAID in document(clean, account_id)["state_message"]


def test_neither_is_taken_on_the_day_on_which_the_second_is_given_up(clean: LocalWorld, account_id: str) -> None:
    """Both have the address of their agency."""
    first, second = given_up(clean, account_id, PERSON)
    lost(clean, account_id, second, days=31, **(NEXT | {"email": PERSON["email"]}))
    shown(clean, first, ACTIVE)
    shown(clean, second, ACTIVE)
    check()
    assert has_none(clean, account_id)
    stored = document(clean, account_id)
    assert SAID in stored["state_message"]
    assert names_person(stored), "a person decides, and has 30 days for it"


def test_the_second_is_not_taken_after_the_first(clean: LocalWorld, account_id: str) -> None:
    first, second = given_up(clean, account_id, PERSON)
    lost(clean, account_id, second, days=10, **NEXT)
    shown(clean, first, ACTIVE)
    stored = document(clean, account_id)
    clean.book.save({key: each for key, each in stored.items() if key != "declaration"} | {"declaration": {}})
    check()
    acquire(account_id, "manual")
    assert [each["pce"] for each in consents(clean, account_id)] == [first]
    shown(clean, second, ACTIVE)
    stored = document(clean, account_id)
    clean.book.save(stored | {"declaration": {"pce": second, "refused": True}})
    check()
    assert [each["pce"] for each in consents(clean, account_id)] == [first]
    stored = document(clean, account_id)
    assert SAID in stored["state_message"]
    assert stored["state_partial"], "the first meter is read on"


@pytest.mark.parametrize("cut", [{}, {"nom_titulaire": None}, {"courriel_titulaire": None}])
def test_a_deletion_ends_both(clean: LocalWorld, account_id: str, cut: dict[str, None]) -> None:
    pces = given_up(clean, account_id, PERSON, NEXT)
    for pce in pces:
        shown(clean, pce, ACTIVE, **cut)
    check()
    assert has_none(clean, account_id)
    delete(account_id, started=datetime.now(UTC))
    assert [right["etat_droit_acces"] for pce in pces for right in rights(clean, pce)] == [REVOKED, REVOKED]


@pytest.mark.parametrize("by", ["morning", "run"])
@pytest.mark.parametrize(
    ("change", "listed"),
    [
        ({}, {}),
        ({"email": "new@example.org"}, {}),
        ({}, {"nom_titulaire": f"Jean {PERSON['name']}"}),
        ({}, {"nom_titulaire": None}),
        ({"email": "new@example.org"}, {"nom_titulaire": None}),
        ({}, {"courriel_titulaire": None}),
    ],
)
def test_one_household_gets_both_of_its_meters(
    clean: LocalWorld, account_id: str, change: dict[str, str], listed: dict[str, Any], by: str
) -> None:
    first, second = given_up(clean, account_id, PERSON, PERSON | change)
    shown(clean, first, ACTIVE)
    shown(clean, second, ACTIVE, **listed)
    if by == "morning":
        check()
    else:
        acquire(account_id, "manual")
    assert {each["pce"] for each in consents(clean, account_id)} == {first, second}
