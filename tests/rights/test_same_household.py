"""The household of an account is not refused because a record of consent names somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.connected import connected
from include.gas.consents.consent import Consent
from include.gas.errors import DeclarationRefused, RetryLater
from tests.helpers import holder
from tests.leaving.runs import acquire
from tests.leaving.runs import check as morning
from tests.rights.declared import PERSON, rights
from tests.rights.scene import document
from tests.rights.tenants import NEXT, SAID, clear_away, end_rights, form, program

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

MISSPELT = {"name": "Durant-Invente", "email": "m.durant@example.org"}
WAYS = pytest.mark.parametrize("way", [form, program])


@pytest.fixture(autouse=True)
def setting(clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW__GRDF__LOST_CONSENTS_PERCENT", "100")
    clean.control.set(declared_right_state="Active")
    yield
    clear_away(account_id)


def corrected_by_hand(world: LocalWorld, account: str) -> None:
    """Let a form with a misspelt household wait for GRDF, and somebody correct it in the account's document."""
    world.control.fault("/droit_acces$", method="PUT", status=503)
    with pytest.raises(RetryLater):
        form(world, account, MISSPELT)
    stored = document(world, account)
    right = {key: PERSON[key] for key in ("name", "email")}
    world.book.save(stored | {"declaration": stored["declaration"] | right})
    acquire(account, "manual")
    end_rights(world, account)
    morning()


@WAYS
def test_a_misspelt_record_that_was_corrected_by_hand_does_not_keep_it_out(
    clean: LocalWorld, account_id: str, way: Callable[..., None]
) -> None:
    corrected_by_hand(clean, account_id)
    way(clean, account_id, {})
    assert [right["nom_titulaire"] for right in rights(clean, holder(account_id).pces[0])] == [PERSON["name"]] * 2


@WAYS
def test_somebody_else_is_refused_all_the_same_and_hears_by_which_record(
    clean: LocalWorld, account_id: str, way: Callable[..., None]
) -> None:
    corrected_by_hand(clean, account_id)
    (record,) = ConsentRecords(CouchDBHook()).of(account_id)
    with pytest.raises(DeclarationRefused, match=SAID) as caught:
        way(clean, account_id, NEXT)
    told = str(caught.value)
    assert f"record of consent {record.id} ({record.given[:10]})" in told
    assert caught.value.records in document(clean, account_id)["state_message"]
    assert [each for each in (*MISSPELT.values(), *PERSON.values(), *NEXT.values()) if each in told] == []


def lives_there_now(world: LocalWorld, account: str) -> str:
    """Let a household be declared, and the next one have come by GRDF's site, before the two were compared."""
    (pce,) = holder(account).pces
    form(world, account, {})
    end_rights(world, account)
    (own,) = world.control.consent([pce], keep_others=True)
    right = str(own["id_droit_acces"])
    stored = connected(document(world, account), account, [Consent(pce, right)], at=datetime.now(UTC), by="someone")
    world.book.save(stored)
    morning()
    return right


@WAYS
@pytest.mark.parametrize("ended", [False, True])
def test_who_has_come_by_grdfs_site_before_the_two_were_compared_may_connect_again(
    clean: LocalWorld, account_id: str, way: Callable[..., None], ended: bool
) -> None:
    right = lives_there_now(clean, account_id)
    who = holder(account_id)
    clean.control.revoke(right)
    if ended:
        morning()
    way(clean, account_id, {"name": who.last_name, "email": "other@example.org"})
    with pytest.raises(DeclarationRefused, match=SAID):
        way(clean, account_id, NEXT)
