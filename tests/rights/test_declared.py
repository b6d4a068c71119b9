"""A right that we declare for a household: declared once, accepted by its holder, then read like any other."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.gas.account.declaration import has_personal_data
from include.gas.days.gas_day import utc_text
from include.gas.display.account_summary import Situation, summarize_account
from include.gas.errors import DeclarationRefused, FailNow, RetryLater
from include.sandbox.local_world import LocalWorld
from tests.helpers import connect_cozy, days_of, holder, stored, yesterday
from tests.importing.scene import adopt
from tests.leaving.runs import acquire, extract, load
from tests.rights.declared import (
    PERSON,
    TELLING,
    WAITS,
    accepts,
    calls,
    give,
    holds_person,
    look,
    postcode,
    rights,
    waits,
)
from tests.rights.scene import bring, check, consents, document, other_of, run

if TYPE_CHECKING:
    from grdf.hooks.couchdb import CouchDBHook

PUT = {"path": "/droit_acces$", "method": "PUT"}


def meter(account: str) -> str:
    return holder(account).pces[0]


def refused(account: str, match: str, kind: type[Exception] = AirflowSkipException) -> str:
    with pytest.raises(kind, match=match) as caught:
        acquire(account)
    assert not any(each in str(caught.value) for each in TELLING)
    return str(caught.value)


def test_in_force_at_once(clean: LocalWorld, account_id: str) -> None:
    clean.control.set(declared_right_state="Active")
    give(clean, account_id)
    assert acquire(account_id) == {"account": account_id, "meters": 1, "first_launch": True}
    assert not document(clean, account_id).get("state")
    assert not holds_person(clean, account_id)
    assert look() == []
    assert extract(account_id, yesterday(clean))["answers"] == 1


def test_all_that_wait_are_asked_for_in_one_call_and_started_as_airflow_can(
    clean: LocalWorld, account_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"many-{n}-{90_000 + 5 * int(account_id.rpartition('-')[2]) + n}" for n in range(4)]
    waits(clean, *names)
    accepts(clean, *names[1:])
    calls(clean)
    monkeypatch.setattr("grdf.operators.ways_in.check_waiting_rights.STARTED", 2)
    assert look() == [f"grdf_account__{name}" for name in names[1:3]]
    assert calls(clean) == [("POST", "droits_acces")]
    assert look() == [f"grdf_account__{names[3]}"]


def declared_elsewhere(world: LocalWorld, account: str, email: str = "else@example.org", **fields: str) -> str:
    (made,) = world.control.consent([meter(account)], keep_others=True)
    of_holder = {"nom_titulaire": PERSON["name"], "courriel_titulaire": email, "parcours": "DECLARATION_TIERS"}
    world.control.change_consent(made["id_droit_acces"], **of_holder | fields)
    give(world, account)
    return str(made["id_droit_acces"])


def test_a_right_that_no_account_has_is_taken_up_by_its_holder(clean: LocalWorld, account_id: str) -> None:
    declared_elsewhere(clean, account_id, PERSON["email"])
    assert acquire(account_id)["meters"] == 1


def test_the_messages_lead_from_another_s_right_to_an_account_that_is_read(
    clean: LocalWorld, couchdb: CouchDBHook, account_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    right = declared_elsewhere(clean, account_id, etat_droit_acces="A valider")
    said = refused(account_id, "no account has it")
    assert "start grdf_consents with this account" in said
    before = document(clean, account_id)
    assert (before["state"], before["state_message"]) == (WAITS, said)
    calls(clean)
    refused(account_id, "waits for a person")
    assert calls(clean) == [], "a person has to correct it first"
    with pytest.raises(FailNow, match="waits for its holder"):
        check(account_id, dry_run=False)
    assert document(clean, account_id) == before
    clean.control.change_consent(right, etat_droit_acces="Active")
    assert check(account_id, dry_run=True) == {"taken_over": 1}
    assert adopt(dry_run=True)["left_out"] >= 1
    assert any(right in each and "grdf_consents" in each for each in caplog.messages)
    assert check(account_id, dry_run=False, by="ines") == {"taken_over": 1}
    (entry,) = consents(clean, account_id)
    assert entry["id_accreditation"] == right
    assert not holds_person(clean, account_id)
    calls(clean)
    run(clean, account_id)
    assert "PUT" not in [method for method, _ in calls(clean)], "nothing is declared any more"
    assert days_of(stored(couchdb, account_id, entry["pce"]))


@pytest.mark.parametrize(
    ("change", "quirks", "text"),
    [
        ({"postcode": "75001"}, {}, "postcode"),
        ({"pce": "12345678901234"}, {}, "meter's number"),
        ({}, {"contract_ended": True}, "has moved"),
        ({"end": "2020-01-01"}, {}, "perimeters"),
        ({"postcode": 69000}, {}, "postcode"),
        ({"calls_until": "9999-12-31"}, {}, "a day is not between"),
    ],
)
def test_a_refusal_says_what_to_do_and_a_correction_heals_it(
    clean: LocalWorld, account_id: str, change: dict[str, Any], quirks: dict[str, Any], text: str
) -> None:
    pce = give(clean, account_id, **change)
    clean.control.set_quirks(pce, **quirks)
    said = refused(account_id, f"^Account {account_id}: .*{text}")
    shown = document(clean, account_id)
    assert (shown["state"], shown["state_message"]) == (WAITS, said)
    assert shown["declaration"]["refused_because"] == said
    calls(clean)
    refused(account_id, "waits for a person")
    check()
    assert (look(minute=5), {path for _, path in calls(clean)}) == ([], {"droits_acces"}), "it is left to a person"
    clean.control.set_quirks(pce)
    give(clean, account_id, keep=True)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "manual")
    assert not holds_person(clean, account_id)


@pytest.mark.parametrize(
    ("status", "code"), [(409, "1000000077"), (404, ""), (400, ""), (422, ""), (201, "1000000077")]
)
def test_a_refusal_that_we_do_not_know_is_said_and_not_repeated(
    clean: LocalWorld, account_id: str, status: int, code: str
) -> None:
    give(clean, account_id)
    body = json.dumps({"code_statut_traitement": code} if code else {})
    clean.control.fault(**PUT, status=status, body=body, times=None)
    refused(account_id, "we do not know", DeclarationRefused)
    calls(clean)
    refused(account_id, "waits for a person")
    assert calls(clean) == []


@pytest.mark.parametrize("first", ["waits", "is refused", "GRDF is down"])
def test_an_account_with_another_meter_goes_on_meanwhile(clean: LocalWorld, account_id: str, first: str) -> None:
    other = meter(other_of(account_id))
    bring(clean, account_id, other)
    give(clean, account_id, keep=True, **({"postcode": "75001"} if first == "is refused" else {}))
    if first == "GRDF is down":
        clean.control.fault(**PUT, status=503)
        assert acquire(account_id, try_number=4)["account"] == account_id
    for _ in range(2):
        acquire(account_id)
        calls(clean)
        load(account_id, extract(account_id, yesterday(clean)), yesterday(clean))
        assert [call["pce"] for call in clean.control.log() if "donnees" in call["path"]] == [other]
        check()
        shown = document(clean, account_id)
        assert shown["state_partial"]
        if first == "is refused":
            assert "postcode" in shown["state_message"]
            assert summarize_account(shown).situation(clean.control.today()) is Situation.PARTLY
    if first == "is refused":
        give(clean, account_id, keep=True)
        acquire(account_id, "manual")
    accepts(clean, account_id)
    assert look("manual") == [f"grdf_account__{account_id}"]
    assert not document(clean, account_id).get("state")


@pytest.mark.parametrize("before", [False, True], ids=["still to declare", "refused"])
def test_a_grant_is_used_whatever_is_declared(clean: LocalWorld, account_id: str, before: bool) -> None:
    other = meter(other_of(account_id))
    give(clean, account_id, pce=other, postcode="75001" if before else postcode(other))
    if before:
        refused(account_id, "postcode")
    given = document(clean, account_id)
    (first,) = connect_cozy(clean, account_id)
    kept = {key: given[key] for key in ("declaration", "state") if key in given}
    clean.book.save(document(clean, account_id) | kept)
    acquire(account_id)
    assert {entry["pce"] for entry in consents(clean, account_id)} == {first} | ({other} if not before else set())
    assert extract(account_id, yesterday(clean))["answers"] == 1


def older(world: LocalWorld, account: str, days: float) -> None:
    stored = document(world, account)
    moment = datetime.fromisoformat(stored["declaration"]["entered_at"]) - timedelta(days=days)
    stored["declaration"]["entered_at"] = utc_text(moment)
    world.book.save(stored)


def test_a_person_is_kept_for_30_days_from_the_first_morning_on(clean: LocalWorld, account_id: str) -> None:
    give(clean, account_id, postcode="75001")
    refused(account_id, "postcode")
    check()
    older(clean, account_id, 25)
    stored = document(clean, account_id)
    stored["declaration"]["postcode"] = postcode(meter(account_id))  # a correction begins anew
    clean.book.save(stored)
    clean.control.fault(**PUT, status=503)
    with pytest.raises(RetryLater):
        acquire(account_id, "manual")
    check()
    older(clean, account_id, 29)
    check()
    assert has_personal_data(document(clean, account_id))
    older(clean, account_id, 2)
    check()
    stored = document(clean, account_id)
    assert not holds_person(clean, account_id)
    assert not has_personal_data(stored)
    assert (stored["state"], stored["declaration"]["refused"], "pce" in stored["declaration"]) == (WAITS, True, True)
    assert all(word in stored["state_message"] for word in (account_id, "30 days"))
    refused(account_id, "waits for a person")
    give(clean, account_id, keep=True)
    with pytest.raises(AirflowSkipException, match="has to accept"):
        acquire(account_id, "manual")
    assert len(rights(clean, meter(account_id))) == 1
