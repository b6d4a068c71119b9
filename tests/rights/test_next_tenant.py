"""Another household is not taken into the former one's account, whose days are stored there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.consent_records import ConsentRecords
from grdf.stores.removal import Remover
from include.gas.display.progress import Step, progress
from include.gas.documents.doctypes import CONSENT_RECORD
from include.gas.documents.gas_days import account_range
from include.gas.errors import DeclarationRefused
from tests.helpers import holder
from tests.importing.scene import put, result
from tests.importing.scene import run as run_import
from tests.leaving.runs import acquire
from tests.leaving.runs import check as morning
from tests.leaving.steps import delete
from tests.rights.declared import PERSON, calls, give, holds_person, look, postcode, rights, still_waits
from tests.rights.scene import bring, document, other_of
from tests.rights.tenants import NEXT, SAID, form, program

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

WAYS = pytest.mark.parametrize("way", [form, program])


@pytest.fixture
def moved_out(clean: LocalWorld, account_id: str) -> Iterator[str]:
    """An account whose household has moved out. Its right has ended."""
    clean.control.set(declared_right_state="Active")
    form(clean, account_id, {})
    (first,) = rights(clean, holder(account_id).pces[0])
    clean.control.revoke(first["id_droit_acces"])
    morning()
    yield account_id
    Remover(CouchDBHook()).remove_range(CONSENT_RECORD, *account_range(account_id))


def count(world: LocalWorld, account: str) -> int:
    return len(rights(world, holder(account).pces[0]))


@WAYS
def test_somebody_else_is_refused(clean: LocalWorld, moved_out: str, way: Callable[..., None]) -> None:
    with pytest.raises(DeclarationRefused, match=SAID) as caught:
        way(clean, moved_out, NEXT)
    assert caught.value.reason == DeclarationRefused.ANOTHER
    assert count(clean, moved_out) == 1
    assert [each for each in NEXT.values() if each in str(caught.value)] == []
    assert SAID in document(clean, moved_out)["state_message"]


@WAYS
@pytest.mark.parametrize("person", [{}, {"name": " DÜRAND-INVENTE", "email": "New.Address@example.org"}])
def test_the_same_holder_may_connect_again(
    clean: LocalWorld, moved_out: str, way: Callable[..., None], person: dict[str, str]
) -> None:
    way(clean, moved_out, person)
    assert count(clean, moved_out) == 2


def test_a_misspelt_name_that_was_corrected_by_hand_keeps_nobody_out(clean: LocalWorld, account_id: str) -> None:
    """A record of consent names somebody else, but no right at GRDF does."""
    with pytest.raises(DeclarationRefused, match="postcode"):
        form(clean, account_id, {"name": "Durant-Invente", "email": "m.durant@example.org", "postcode": "75001"})
    with pytest.raises(AirflowSkipException):
        program(clean, account_id, {})
    assert [right["nom_titulaire"] for right in rights(clean, holder(account_id).pces[0])] == [PERSON["name"]]


@pytest.mark.parametrize("left", [False, True], ids=["the former right ends", "the former account leaves"])
def test_who_moves_in_too_early_is_declared_once_the_meter_is_free(
    clean: LocalWorld, account_id: str, *, left: bool
) -> None:
    former, (pce,) = other_of(account_id), holder(account_id).pces
    right = bring(clean, former, pce)
    morning()
    give(clean, account_id)
    with pytest.raises(AirflowSkipException, match="declared then, if that is within 30 days"):
        acquire(account_id, "scheduled")
    entered = document(clean, account_id)["declaration"]["entered_at"]
    morning()
    calls(clean)
    assert look(minute=5) == []
    assert calls(clean) == [], "nobody is asked before the meter is free"
    told = document(clean, account_id)
    assert told["state_message"].count("another account has it, whose consent stands") == 1
    assert told["declaration"]["entered_at"] == entered, "and the person is not kept for longer"
    assert progress(told).step is Step.TAKEN
    if left:
        delete(former)
    else:
        clean.control.revoke(right)
    morning()
    look()
    assert ("PUT", "droit_acces") in calls(clean)
    assert holds_person(clean, account_id) == []
    assert still_waits(clean, account_id)


def test_what_else_is_refused_is_left_to_a_person(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id, postcode="75001")
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    morning()
    calls(clean)
    assert look(minute=5) == []
    assert calls(clean) == []


def line(account: str, **more: str) -> dict[str, Any]:
    (pce,) = holder(account).pces
    return {"account": account, "pce": pce, **PERSON, "postcode": postcode(pce), **more}


def test_an_import_refuses_somebody_else(clean: LocalWorld, moved_out: str) -> None:
    put([line(moved_out, **NEXT)])
    assert run_import() == {"refused": 1}
    assert SAID in result()[0]["reason"]
    assert [each.entered.name for each in ConsentRecords(CouchDBHook()).of(moved_out)] == [PERSON["name"]]
    assert count(clean, moved_out) == 1
    put([line(moved_out, name=PERSON["name"].upper())])
    assert run_import() == {"declared": 1}
