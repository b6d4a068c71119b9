"""Declared rights among odd lists, other accounts, corrections and faults: nobody is given up or mixed up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from grdf.hooks.adict import AdictHook
from grdf.operators.ways_in.look_at_waiting import _chunks
from grdf.stores.accounts.account_store import AccountStore
from include.gas.answers.access_rights import AccessRight, Rights
from include.gas.display.overview import Situation, overview
from include.gas.errors import (
    CredentialsRefused,
    DeclarationRefused,
    NotInForce,
    QuotaWait,
    RetryLater,
    StoreBusy,
)
from tests.helpers import MemoryShelf, connect_cozy, days_of, holder, stored, yesterday
from tests.leaving.runs import acquire, extract, load
from tests.leaving.steps import delete
from tests.rights.declared import (
    accepts,
    calls,
    declared_before,
    give,
    look,
    postcode,
    rights,
    still_waits,
    three,
    waits,
)
from tests.rights.scene import bring, check, document, other_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld


pytestmark = pytest.mark.usefixtures("nobody_else_waits")


def test_a_right_that_grdf_made_narrower_is_read_for_its_own_days_alone(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str
) -> None:
    """A stranger's right on the meter covers more, and the declaration asks for more."""
    clean.control.set(declared_right_state="Active")
    pce = give(clean, account_id, first="2024-01-01", calls_until="2028-01-01")
    acquire(account_id, "scheduled")
    since = yesterday(clean) - timedelta(days=30)
    clean.control.change_consent(rights(clean, pce)[0]["id_droit_acces"], perim_donnees_conso_debut=str(since))
    clean.control.consent([pce], conso_debut="2022-01-01", keep_others=True)
    day = yesterday(clean)
    load(account_id, extract(account_id, day, "scheduled"), day)
    assert min(days_of(stored(couchdb, account_id, pce))) == str(since)


@pytest.mark.parametrize("how", ["empty", "cut", "twice with another role", "checked again", "starts later"])
def test_an_odd_list_gives_nobody_up(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    waits(clean, account_id)
    accepts(clean, account_id)
    (pce,) = holder(account_id).pces

    def odd(rights_now: tuple[AccessRight, ...]) -> tuple[AccessRight, ...]:
        mine = [right for right in rights_now if right.pce == pce]
        kept = tuple(right for right in rights_now if right.pce != pce)
        if how == "empty":
            return ()
        if how == "cut":
            return kept
        if how == "twice with another role":
            return (*rights_now, *(replace(right, role="autorise_contrat_injection") for right in mine))
        if how == "checked again":
            return (*kept, *(replace(right, state="to be checked again by GRDF") for right in mine))
        return (*kept, *(replace(right, first=clean.control.today() + timedelta(9)) for right in mine))

    real = AdictHook.listed_rights

    def listed(self: AdictHook, *arguments: Any, **more: Any) -> Rights:
        found = real(self, *arguments, **more)
        return replace(found, rights=odd(found.rights))

    with monkeypatch.context() as patch:
        patch.setattr(AdictHook, "listed_rights", listed)
        look()
    assert still_waits(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]
    assert not document(clean, account_id).get("state")


@pytest.mark.parametrize("fault", ["busy", "list"])
def test_what_is_wrong_with_one_keeps_no_other_waiting(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    first, second, third = three(account_id)
    waits(clean, first, second, third)
    if fault == "list":  # another account has the second's meter under a right that is over, and the list is unreadable
        own = bring(clean, other_of(account_id), holder(second).pces[0])
        clean.control.revoke(own)
        real = AdictHook.listed_rights
        odd = lambda *given, **more: replace(real(*given, **more), odd=1)  # noqa: E731
        monkeypatch.setattr(AdictHook, "listed_rights", odd)
    else:
        update = AccountStore.update

        def busy(self: AccountStore, name: str, change: Callable[..., Any]) -> Any:
            if name == second:
                raise StoreBusy.about(name, "others changed its document 10 times in a row")
            return update(self, name, change)

        monkeypatch.setattr(AccountStore, "update", busy)
    accepts(clean, first, second, third)
    assert look() == [f"grdf_account__{first}", f"grdf_account__{third}"]
    monkeypatch.undo()
    declared_before(clean, second, 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grdf.hooks.adict.VariableShelf", MemoryShelf)
        assert look("manual") == [f"grdf_account__{second}"]


@pytest.mark.parametrize("brought", ["soon", "2026-13-77", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_an_odd_moment_in_a_document_stops_nobody(clean: LocalWorld, account_id: str, brought: str) -> None:
    odd, good, _ = three(account_id)
    waits(clean, odd, good)
    stored_now = document(clean, odd)
    stored_now["oauth_callback_results"]["consents"][0]["brought"] = brought
    clean.book.save(stored_now)
    accepts(clean, good)
    assert look() == [f"grdf_account__{good}"]
    check()
    clean.book.remove(odd)


def test_a_meter_that_another_account_took_meanwhile(clean: LocalWorld, account_id: str) -> None:
    """It is not opened; the account's other meter is read; in the end it is opened."""
    first, other = holder(three(account_id)[2]).pces[0], other_of(account_id)
    bring(clean, account_id, first)
    give(clean, account_id, keep=True)
    acquire(account_id, "scheduled")
    declared_before(clean, account_id, 20)
    bring(clean, other, holder(account_id).pces[0])
    accepts(clean, account_id)
    assert look() == []
    check()
    assert document(clean, account_id)["state_partial"]
    calls(clean)
    acquire(account_id, "scheduled")
    extract(account_id, yesterday(clean), "scheduled")
    asked = [call["pce"] for call in clean.control.log() if "donnees" in call["path"]]
    assert asked == [first]
    delete(other)
    assert look("manual") == [f"grdf_account__{account_id}"]


def test_a_grant_is_used_before_the_declaration(clean: LocalWorld, account_id: str) -> None:
    (first,) = connect_cozy(clean, account_id)
    other = holder(other_of(account_id)).pces[0]
    give(clean, account_id, keep=True, pce=other, postcode=postcode(other))
    acquire(account_id, "scheduled")
    assert {entry["pce"] for entry in document(clean, account_id)["oauth_callback_results"]["consents"]} == {
        first,
        other,
    }


def test_a_refused_declaration_does_not_block_a_grant(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id, postcode="75001")
    with pytest.raises(DeclarationRefused):
        acquire(account_id, "scheduled")
    refused = document(clean, account_id)
    connect_cozy(clean, account_id)
    clean.book.save(document(clean, account_id) | {key: refused[key] for key in ("declaration", "state")})
    acquire(account_id, "scheduled")
    assert document(clean, account_id)["oauth_callback_results"]["consents"]
    assert extract(account_id, yesterday(clean), "scheduled")


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_out_of_all_bounds_is_said(clean: LocalWorld, account_id: str, day: str) -> None:
    give(clean, account_id, calls_until=day)
    with pytest.raises(DeclarationRefused, match="a day is not between"):
        acquire(account_id, "scheduled")


def test_while_grdf_does_not_answer_other_meters_are_read(clean: LocalWorld, account_id: str) -> None:
    first = holder(other_of(account_id)).pces[0]
    bring(clean, account_id, first)
    give(clean, account_id, keep=True)
    clean.control.fault("/droit_acces$", method="PUT", status=503, times=None)
    told = acquire(account_id, "scheduled", try_number=4)
    assert told == {"account": account_id, "meters": 1, "first_launch": False}
    with pytest.raises(RetryLater):
        acquire(account_id, "scheduled")


def test_a_refusal_beside_other_meters_stays_until_it_is_corrected(clean: LocalWorld, account_id: str) -> None:
    """The account's other meter is read and loaded every day, and the morning's list finds nothing wrong with it."""
    bring(clean, account_id, holder(other_of(account_id)).pces[0])
    give(clean, account_id, keep=True, postcode="75001")
    for _ in range(2):
        acquire(account_id, "scheduled")
        load(account_id, extract(account_id, yesterday(clean), "scheduled"), yesterday(clean))
        check()
        told = document(clean, account_id)
        assert told["state_partial"]
        assert "the postcode does not match the meter" in told["state_message"]
        assert overview(told).situation(clean.control.today()) is Situation.PARTLY
    give(clean, account_id, keep=True)
    acquire(account_id, "manual")
    accepts(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]
    assert not document(clean, account_id).get("state")


def test_a_client_that_may_not_declare_is_nobodys_household(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id)
    clean.control.fault("/droit_acces$", method="PUT", status=403, body={"erreur": "contrat"})
    with pytest.raises(CredentialsRefused, match=r"does not let our client declare .*Ask GRDF whether the contract"):
        acquire(account_id, "scheduled")
    assert not document(clean, account_id).get("state")
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "scheduled")


def test_who_starts_a_run_while_it_waits_is_told_why_nothing_is_read(clean: LocalWorld, account_id: str) -> None:
    waits(clean, account_id)
    acquire(account_id, "manual")
    with pytest.raises(NotInForce, match=r"before the contract's holder has accepted .*grdf_waiting_rights looks"):
        extract(account_id, yesterday(clean), "manual")
    assert still_waits(clean, account_id)


def test_what_was_found_before_grdf_failed_is_not_lost(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = three(account_id)
    waits(clean, first, second)
    accepts(clean, first, second)
    monkeypatch.setattr("grdf.operators.ways_in.look_at_waiting.MOST", 1)
    real, asked = AdictHook.listed_rights, []

    def listed(self: AdictHook, *arguments: Any, **more: Any) -> Rights:
        asked.append(arguments)
        if len(asked) == 2:
            raise QuotaWait.about(None, "GRDF was not called", retry_after=60)
        return real(self, *arguments, **more)

    monkeypatch.setattr(AdictHook, "listed_rights", listed)
    assert look() == [f"grdf_account__{first}"]
    declared_before(clean, second, 20)
    assert look("manual") == [f"grdf_account__{second}"]


def test_a_thousand_meters_a_question() -> None:
    meters = {f"a{at}": ["p"] for at in range(1001)} | {"big": ["p"] * 1001}
    chunks = _chunks(meters)
    assert [sum(len(meters[name]) for name in chunk) for chunk in chunks] == [1000, 1, 1001]
    assert [name for chunk in chunks for name in chunk] == list(meters)
