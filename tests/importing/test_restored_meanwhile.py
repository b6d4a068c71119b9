"""The accounts are restored from a backup while an import is in progress: the proofs of its rights stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.errors import RetryLater
from include.gas.proof.consent_record import KEPT
from tests.importing.meanwhile import states
from tests.importing.scene import adopt, household, outcomes, put, records, run
from tests.rights.scene import document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

pytestmark = pytest.mark.usefixtures("the_list_counts")
OTHER = household(340_000)
DECLARED = "/pce/{pce}/droit_acces$"


@pytest.fixture(autouse=True)
def no_copies(home: dict[str, str], clean: LocalWorld) -> Iterator[None]:
    yield
    clean.book.remove(OTHER["account"])
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, KEPT, KEPT + "\ufff0")


def declared_then_held_up(world: LocalWorld, home: dict[str, str]) -> Any:
    """Have the first household of a file declared, hold the import up, and return the record of the consent."""
    put([home, OTHER])
    world.control.fault(DECLARED.format(**OTHER), method="PUT", status=503, times=1)
    with pytest.raises(RetryLater):
        run()
    assert states(world, home) == ["A valider"]
    (record,) = records(home["account"])
    return record


def restored(world: LocalWorld, account: str, backup: dict[str, Any] | None = None) -> None:
    """Put an account back as it was before the import; it was not there if there is no backup."""
    world.book.remove(account)
    if backup:
        world.book.save({key: value for key, value in backup.items() if key != "_rev"})


def test_the_record_of_a_right_that_its_account_does_not_know_any_more_stays(
    clean: LocalWorld, home: dict[str, str]
) -> None:
    record = declared_then_held_up(clean, home)
    restored(clean, home["account"])
    assert run() == {"refused": 1, "declared": 1}
    assert outcomes()[0] == (home["account"], "refused")
    assert document(clean, home["account"]) == {}
    assert [each.id for each in records(home["account"])] == [record.id]
    (right,) = [each for each in clean.control.consents() if each["id_pce"] == home["pce"]]
    clean.control.change_consent(right["id_droit_acces"], etat_droit_acces="Active")
    adopt()
    assert [each.entered.email for each in records(f"right-{right['id_droit_acces']}")] == [home["email"]]


def test_it_stays_with_an_account_that_was_there_before(clean: LocalWorld, home: dict[str, str]) -> None:
    clean.book.save({"_id": home["account"], "account_type": "grdfgrandlyon", "name": "Flat 3"})
    backup = document(clean, home["account"])
    record = declared_then_held_up(clean, home)
    restored(clean, home["account"], backup)
    assert run() == {"refused": 1, "declared": 1}
    assert [each.id for each in records(home["account"])] == [record.id]
    assert document(clean, home["account"])["name"] == "Flat 3"
