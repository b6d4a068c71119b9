"""The household of an account is not refused because a record of consent names somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from grdf.consents.owners.former_household import records_of_another, stop_if_another
from grdf.hooks.adict import AdictHook
from grdf.hooks.couchdb import CouchDBHook
from grdf.stores.records.consent_records import ConsentRecords
from include.gas.account.connected import connected
from include.gas.account.sections.rights.declaration import Declaration
from include.gas.answers.access_rights import AccessRight, Rights
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.errors import DeclarationRefused, RetryLater, ServiceUnavailable
from tests.helpers import adict_hook, holder, yesterday
from tests.importing.scene import put
from tests.importing.scene import run as run_import
from tests.leaving.runs import acquire, extract, load
from tests.leaving.runs import check as morning
from tests.rights.declared import PERSON, calls, postcode, rights
from tests.rights.scene import bring, document
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


def test_an_import_takes_it_likewise(clean: LocalWorld, account_id: str) -> None:
    corrected_by_hand(clean, account_id)
    (pce,) = holder(account_id).pces
    put([{"account": account_id, "pce": pce, **PERSON, "postcode": postcode(pce)}])
    assert run_import() == {"declared": 1}


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


def test_on_grdfs_site_it_may_connect_again_and_nobody_else(clean: LocalWorld, account_id: str) -> None:
    lives_there_now(clean, account_id)
    (pce,) = holder(account_id).pces
    (given,) = clean.control.consent([pce], keep_others=True)
    listed = adict_hook().access_rights([pce], account=account_id)
    (again,) = (right for right in listed if right.id == given["id_droit_acces"])
    stored = document(clean, account_id)
    assert records_of_another(CouchDBHook(), account_id, stored, [again], listed) == []
    line = {"id_pce": pce, "id_droit_acces": "another", "nom_titulaire": NEXT["name"], "etat_droit_acces": "Active"}
    other = AccessRight.from_line(line)
    assert other
    (record,) = ConsentRecords(CouchDBHook()).of(account_id)
    assert records_of_another(CouchDBHook(), account_id, stored, [other], listed) == [record]
    assert records_of_another(CouchDBHook(), account_id, stored, [again], [again]) == [record], "a list that is cut"


def test_a_form_that_grdf_refused_while_its_right_was_in_force_does_not_keep_it_out(
    clean: LocalWorld, account_id: str
) -> None:
    """It came by GRDF's site; the record of somebody else's form has stayed."""
    (pce,) = holder(account_id).pces
    bring(clean, account_id, pce)
    stored = document(clean, account_id)
    long_ago = utc_text(datetime.now(UTC) - timedelta(days=300))
    stored["oauth_callback_results"]["consents"][0]["brought"] = long_ago
    clean.book.save(stored)
    day = yesterday(clean)
    load(account_id, extract(account_id, day), day)
    with pytest.raises(DeclarationRefused, match="declared for another name"):
        form(clean, account_id, MISSPELT)

    def stop(name: str) -> None:
        asked = Declaration(pce=pce, name=name, email="other@example.org")
        ask = partial(adict_hook().listed_rights, account=account_id)
        stop_if_another(CouchDBHook(), account_id, document(clean, account_id), asked, ask=ask)

    stop(holder(account_id).last_name)
    with pytest.raises(DeclarationRefused, match=SAID):
        stop(NEXT["name"])


def test_where_its_right_had_ended_before_a_record_it_is_for_a_person_to_say(
    clean: LocalWorld, account_id: str
) -> None:
    """The account may be restored, and the data be of the record's household, that came when the right was over."""
    (pce,) = holder(account_id).pces
    own = bring(clean, account_id, pce)
    before = document(clean, account_id)
    before["oauth_callback_results"]["consents"][0]["brought"] = utc_text(datetime.now(UTC) - timedelta(days=300))
    clean.book.save(before)
    clean.control.revoke(own)
    form(clean, account_id, {})
    day = yesterday(clean)
    load(account_id, extract(account_id, day), day)
    end_rights(clean, account_id)
    clean.book.remove(account_id)
    clean.book.save({key: value for key, value in before.items() if key != "_rev"})
    with pytest.raises(DeclarationRefused, match="record of consent"):
        program(clean, account_id, {"name": holder(account_id).last_name, "email": "other@example.org"})


def test_a_list_that_cannot_be_read_completely_decides_nothing(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrected_by_hand(clean, account_id)
    monkeypatch.setattr(AdictHook, "listed_rights", lambda *_, **__: Rights((), odd=1))
    with pytest.raises(ServiceUnavailable, match="could not be read"):
        program(clean, account_id, {})


def test_grdf_is_asked_only_where_a_record_names_another_holder(clean: LocalWorld, account_id: str) -> None:
    form(clean, account_id, {})
    end_rights(clean, account_id)
    morning()
    calls(clean)
    form(clean, account_id, {})
    assert [method for method, _ in calls(clean)] == ["PUT"]
