"""A right that we declare for a household: declared once, accepted by its holder, then read like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from tests.helpers import days_of, holder, stored, yesterday
from tests.leaving.runs import acquire, extract, load
from tests.rights.declared import PERSON, TELLING, answer, calls, declared_before, give, holds_person, look, rights
from tests.rights.scene import bring, check, document, other_of

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook
    from include.sandbox.local_world import LocalWorld

WAITS = "USER_ACTION_NEEDED"


def test_it_is_declared_accepted_and_read(clean: LocalWorld, couchdb: CouchDBHook, account_id: str) -> None:
    pce = give(clean, account_id)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "scheduled")
    assert calls(clean) == [("POST", "droits_acces"), ("PUT", "droit_acces")], "look, then ask"
    (right,) = rights(clean, pce)
    waiting = document(clean, account_id)
    assert holds_person(clean, account_id) == []
    assert waiting["oauth_callback_results"]["pce_id"] == pce
    assert waiting["oauth_callback_results"]["consents"][0]["id_accreditation"] == right["id_droit_acces"]
    assert waiting["state"] == WAITS
    assert "waits for the contract's holder to let us read" in waiting["state_message"]
    assert (right["nom_titulaire"], right["etat_droit_acces"]) == (PERSON["name"], "A valider")
    assert (right["perim_donnees_informatives"], right["perim_donnees_techniques"]) == ("Vrai", "Faux")

    with pytest.raises(AirflowSkipException, match="is waiting for its household"):
        acquire(account_id, "scheduled")
    assert look() == []
    assert calls(clean) == [("POST", "droits_acces")]
    declared_before(clean, account_id, 4 * 1440)
    assert look() == []
    assert calls(clean) == [], "it is looked for once an hour"

    answer(clean, pce, "Active")
    check()
    calls(clean)
    assert document(clean, account_id)["state"] == WAITS, "the morning's check would start nothing"
    assert look(minute=5) == [f"grdf_account__{account_id}"]
    assert calls(clean) == [("POST", "droits_acces")]
    after = document(clean, account_id)
    assert not after.get("state")
    assert "waits" not in after["declaration"]
    assert look() == []

    day = yesterday(clean)
    assert acquire(account_id, "manual") == {"account": account_id, "meters": 1, "first_launch": False}
    load(account_id, extract(account_id, day, "manual", try_number=1), day)
    assert calls(clean) == [("GET", "donnees_consos_informatives")]
    assert len(days_of(stored(couchdb, account_id, pce))) > 1000, "the whole history"


@pytest.mark.parametrize("state", ["Refusée", "Obsolète", "Révoquée"])
def test_a_holder_who_does_not_want_it(clean: LocalWorld, account_id: str, state: str) -> None:
    pce = give(clean, account_id)
    with pytest.raises(AirflowSkipException):
        acquire(account_id, "scheduled")
    answer(clean, pce, state)
    declared_before(clean, account_id, 20)
    assert look() == []
    after = document(clean, account_id)
    assert after["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert ("has refused" if state == "Refusée" else "no consent since") in after["state_message"]
    assert "waits" not in after["declaration"]
    calls(clean)
    assert look("manual") == []
    assert calls(clean) == [], "it is not looked for any more"


def test_in_force_at_once(clean: LocalWorld, account_id: str) -> None:
    clean.control.set(declared_right_state="Active")
    give(clean, account_id)
    assert acquire(account_id, "scheduled") == {"account": account_id, "meters": 1, "first_launch": True}
    assert not document(clean, account_id).get("state")
    assert holds_person(clean, account_id) == []
    assert look() == []
    assert extract(account_id, yesterday(clean), "scheduled")


@pytest.mark.parametrize("change", [{}, {"name": "Martin-Invente", "email": "p.martin@example.org"}])
def test_a_right_that_no_account_has_is_taken_up_by_its_holder_alone(
    clean: LocalWorld, account_id: str, change: dict[str, str]
) -> None:
    (pce,) = holder(account_id).pces
    (made,) = clean.control.consent([pce])
    fields = {"nom_titulaire": PERSON["name"], "courriel_titulaire": PERSON["email"], "parcours": "DECLARATION_TIERS"}
    clean.control.change_consent(made["id_droit_acces"], **fields)
    give(clean, account_id, **change)
    if not change:
        assert acquire(account_id, "scheduled")["meters"] == 1
        return
    with pytest.raises(AirflowSkipException, match=r"no account has it.*start grdf_consents with"):
        acquire(account_id, "scheduled")
    assert document(clean, account_id).get("oauth_callback_results") is None
    assert document(clean, account_id)["state"] == WAITS
    calls(clean)
    with pytest.raises(AirflowSkipException, match="is waiting for its household"):
        acquire(account_id, "scheduled")
    assert calls(clean) == [], "a person has to correct it first"


@pytest.mark.parametrize(
    ("change", "quirks", "says"),
    [
        ({"postcode": "75001"}, {}, "the postcode does not match the meter.*Ask the household for the postcode"),
        ({"pce": "12345678901234"}, {}, "GRDF does not know the meter.*Compare the meter's number"),
        ({}, {"contract_ended": True}, "the holder's contract ended.*Ask whether the household has moved"),
        ({"end": "2020-01-01"}, {}, "the perimeters asked for contradict each other.*Check the perimeters"),
    ],
)
def test_each_refusal_says_what_to_do_and_a_correction_heals_it(
    clean: LocalWorld, account_id: str, change: dict[str, Any], quirks: dict[str, Any], says: str
) -> None:
    pce = give(clean, account_id, **change)
    if quirks:
        clean.control.set_quirks(pce, **quirks)
    with pytest.raises(AirflowSkipException, match=f"^Account {account_id}: .*{says}") as caught:
        acquire(account_id, "scheduled")
    assert not any(each in str(caught.value) for each in TELLING)
    refused = document(clean, account_id)
    assert (refused["state"], refused["state_message"]) == (WAITS, str(caught.value))
    assert "GRDF answered" not in refused["state_message"]
    clean.control.set_quirks(pce)
    give(clean, account_id, keep=True)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "manual")
    assert holds_person(clean, account_id) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pce": "0123"}, "its pce is not a meter's number"),
        ({"name": ""}, "it needs either name or company"),
        ({"company": "Exemple SARL"}, "it needs either name or company"),
        ({"postcode": 69000}, "its postcode is not a short text"),
        ({"postcode": "6900"}, "its postcode is not 5 digits"),
        ({"email": "nobody"}, "its email is not an e-mail address"),
        ({"phone": "by pigeon"}, "its phone is not a phone number"),
        ({"perimeters": ["all"]}, "its perimeters are not a list of informatives"),
        ({"perimeters": ["publiees"]}, "do not include informatives"),
        ({"first": "yesterday"}, "its first is not a day"),
        ({"first": "2026-01-02", "end": "2026-01-02"}, "its end is not after first"),
    ],
)
def test_what_is_wrong_in_the_document_is_said_without_asking_grdf(
    clean: LocalWorld, account_id: str, change: dict[str, Any], says: str
) -> None:
    give(clean, account_id, **change)
    before = document(clean, account_id)["declaration"]
    with pytest.raises(AirflowSkipException, match=says) as caught:
        acquire(account_id, "scheduled")
    assert not any(each in str(caught.value) for each in TELLING)
    assert calls(clean) == []
    told = document(clean, account_id)
    noted = {"refused": True, "refused_because": str(caught.value)}
    assert told["declaration"].items() >= (before | noted).items()
    assert (told["state"], told["state_message"]) == (WAITS, str(caught.value))
    with pytest.raises(AirflowSkipException, match="is waiting for its household"):
        acquire(account_id, "scheduled")


def test_an_account_with_other_meters_goes_on_meanwhile(clean: LocalWorld, account_id: str) -> None:
    (pce,) = holder(account_id).pces
    first = holder(other_of(account_id)).pces[0]
    bring(clean, account_id, first)
    give(clean, account_id, keep=True)
    assert acquire(account_id, "scheduled")["meters"] == 2
    assert document(clean, account_id)["state_partial"]
    calls(clean)
    load(account_id, extract(account_id, yesterday(clean), "scheduled"), yesterday(clean))
    asked = [call["pce"] for call in clean.control.log() if "donnees" in call["path"]]
    assert asked == [first]
    answer(clean, pce, "Active")
    declared_before(clean, account_id, 20)
    assert look() == [f"grdf_account__{account_id}"]
    assert not document(clean, account_id).get("state")


def test_all_that_wait_are_asked_for_in_one_call(clean: LocalWorld, account_id: str) -> None:
    names = [f"many-{account_id.rpartition('-')[2]}{n}-{90_000 + n}" for n in range(5)]
    for name in names:
        give(clean, name)
        with pytest.raises(AirflowSkipException):
            acquire(name, "scheduled")
    answer(clean, holder(names[3]).pces[0], "Active")
    declared_before(clean, names[0], 20)
    calls(clean)
    assert look() == [f"grdf_account__{names[3]}"]
    assert calls(clean) == [("POST", "droits_acces")]
