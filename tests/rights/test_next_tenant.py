"""Another household is not taken into the former one's account, whose days are stored there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.documents.doctypes import CONSENT_RECORD, DAY, MONTH, YEAR
from include.gas.documents.gas_days import account_range
from include.gas.errors import DeclarationRefused
from tests.helpers import holder, yesterday
from tests.importing.scene import outcomes, put, result
from tests.importing.scene import run as run_import
from tests.leaving.runs import check as morning
from tests.leaving.runs import extract, load
from tests.rights.declared import PERSON, postcode, rights
from tests.rights.scene import document, other_of
from tests.rights.tenants import NEXT, SAID, form, program

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld


@pytest.fixture
def moved_out(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An account whose household has moved out. Its right has ended, and its days are stored."""
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    clean.control.set(declared_right_state="Active")
    form(clean, account_id, {})
    (first,) = rights(clean, holder(account_id).pces[0])
    clean.control.revoke(first["id_droit_acces"])
    morning()
    yield account_id
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(account_id))


def count(world: LocalWorld, account: str) -> int:
    return len(rights(world, holder(account).pces[0]))


@pytest.mark.parametrize("way", [form, program])
def test_somebody_else_is_refused(clean: LocalWorld, moved_out: str, way: Callable[..., None]) -> None:
    with pytest.raises(DeclarationRefused, match=SAID) as caught:
        way(clean, moved_out, NEXT)
    assert caught.value.reason == DeclarationRefused.ANOTHER
    assert count(clean, moved_out) == 1
    assert [each for each in NEXT.values() if each in str(caught.value)] == []
    assert SAID in document(clean, moved_out)["state_message"]


@pytest.mark.parametrize("way", [form, program])
@pytest.mark.parametrize("person", [{}, {"name": " DÜRAND-INVENTE", "email": "New.Address@example.org"}])
def test_the_same_holder_may_connect_again(
    clean: LocalWorld, moved_out: str, way: Callable[..., None], person: dict[str, str]
) -> None:
    way(clean, moved_out, person)
    assert count(clean, moved_out) == 2


@pytest.mark.parametrize("way", [form, program])
def test_another_meter_makes_no_difference(clean: LocalWorld, moved_out: str, way: Callable[..., None]) -> None:
    (other,) = holder(other_of(moved_out)).pces
    with pytest.raises(DeclarationRefused, match=SAID):
        way(clean, moved_out, NEXT, other)
    assert rights(clean, other) == []
    way(clean, moved_out, {}, other)
    assert len(rights(clean, other)) == 1, "the same household may have a second one"


@pytest.mark.parametrize("restored", [False, True])
@pytest.mark.parametrize("way", [form, program])
def test_somebody_else_is_refused_where_days_are_stored_whose_account_is_lost(
    clean: LocalWorld, account_id: str, restored: bool, way: Callable[..., None]
) -> None:
    """An older backup may have it as it was before its right was declared."""
    clean.control.set(declared_right_state="Active")
    form(clean, account_id, {})
    day = yesterday(clean)
    load(account_id, extract(account_id, day), day)
    (first,) = rights(clean, holder(account_id).pces[0])
    clean.control.revoke(first["id_droit_acces"])
    name = ConsentRecords(CouchDBHook()).of(account_id)[0].id
    old = {
        "_id": account_id,
        "account_type": "grdfgrandlyon",
        "connected": {"at": "", "by": "household", "record": name},
    }
    clean.book.remove(account_id)
    if restored:
        clean.book.save(old)
    with pytest.raises(DeclarationRefused, match=SAID):
        way(clean, account_id, NEXT)
    assert count(clean, account_id) == 1
    for record in ConsentRecords(CouchDBHook()).of(account_id)[1:]:
        ConsentRecords(CouchDBHook()).remove(record)  # as the page does
    clean.book.remove(account_id)
    if restored:
        clean.book.save(old)
    way(clean, account_id, {"name": PERSON["name"].upper(), "email": "new@example.org"})
    for doctype in (CONSENT_RECORD, DAY, MONTH, YEAR):
        Remover(CouchDBHook()).remove_range(doctype, *account_range(account_id))


def line(account: str, **more: str) -> dict[str, Any]:
    (pce,) = holder(account).pces
    return {"account": account, "pce": pce, **PERSON, "postcode": postcode(pce), **more}


def test_an_import_refuses_somebody_else(clean: LocalWorld, moved_out: str) -> None:
    before = document(clean, moved_out)
    put([line(moved_out, **NEXT)])
    assert run_import() == {"refused": 1}
    assert SAID in result()[0]["reason"]
    assert document(clean, moved_out) == before
    assert [each.entered.name for each in ConsentRecords(CouchDBHook()).of(moved_out)] == [PERSON["name"]]
    assert count(clean, moved_out) == 1
    put([line(moved_out, name=PERSON["name"].upper())])
    assert run_import() == {"declared": 1}
    put([line(moved_out, **NEXT)])
    assert run_import() == {"connected": 1}, "the meter is read under the right of the first one"
    assert outcomes() == [(moved_out, "connected")]
