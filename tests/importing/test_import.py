"""An import: checked as a whole first, then declared household by household, each with its record and its right."""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from include.gas.documents.day_documents import dag_id
from include.gas.errors import BadRequest, RefusalUnexplained, RetryLater
from include.gas.importing import line_check
from include.sandbox.local_world import LocalWorld
from tests.importing.scene import (
    NAME,
    adopt,
    execute,
    files,
    household,
    names_person,
    outcomes,
    put,
    puts,
    records,
    result,
    rights,
    run,
)
from tests.leaving.runs import acquire, check
from tests.leaving.steps import delete
from tests.rights.declared import answer, look
from tests.rights.scene import bring, document
from tests.rights.scene import check as check_rights

Homes = list[dict[str, str]]


def break_put(world: LocalWorld, home: dict[str, str], *, taken: bool = False) -> None:
    world.control.fault(f"/pce/{home['pce']}/droit_acces$", method="PUT", status=503, after=taken)


def test_households_are_declared_and_nothing_of_them_stays_but_the_records(
    clean: LocalWorld, homes: Homes, caplog: pytest.LogCaptureFixture
) -> None:
    homes = homes[:3]
    homes[1] |= {"account": "", "perimeters": "informatives|publiees|techniques", "first": "2024-01-01"}
    put(homes)
    with caplog.at_level(logging.DEBUG):
        assert run(dry_run=True) == {"to declare": 3}
        assert (puts(clean), document(clean, homes[0]["account"])) == (0, {})
        assert files() == [NAME, "homes.result.csv"]
        assert run() == {"declared": 3}
    assert [said for said in ("3 line(s) to declare: until", "3 declared") if said not in caplog.text] == []
    assert puts(clean) == 3
    found = rights(clean, *homes)
    assert sorted(right["id_pce"] for right in found) == [home["pce"] for home in homes]
    assert {right["etat_droit_acces"] for right in found} == {"A valider"}
    assert [right["perim_donnees_techniques"] for right in found] == ["Faux", "Vrai", "Faux"]
    accounts = [account for account, _ in outcomes()]
    assert accounts[::2] == [homes[0]["account"], homes[2]["account"]]
    assert accounts[1].startswith("household-")
    for number, (account, home) in enumerate(zip(accounts, homes, strict=True), start=2):
        stored = document(clean, account)
        assert stored["oauth_callback_results"]["pce_id"] == home["pce"]
        assert not {"name", "postcode", "email", "phone"} & stored["declaration"].keys()
        assert home["name"] not in str(stored)
        (record,) = records(account)
        assert (record.by, record.proof) == ("import by an-operator", f"line {number} of {NAME}")
        assert record.entered.email == home["email"]
    assert files() == ["homes.result.csv"], "the file is removed"
    assert names_person(caplog.text) == names_person(result()) == []
    with pytest.raises(BadRequest, match=r"homes\.result\.csv"):
        run()
    assert puts(clean) == 3
    answer(clean, homes[0]["pce"], "Active")
    assert look("manual") == [dag_id(accounts[0])]


def test_nothing_is_sent_while_a_line_is_wrong(
    clean: LocalWorld, homes: Homes, caplog: pytest.LogCaptureFixture
) -> None:
    homes = homes[:3]
    put([*homes, homes[0] | {"account": "twice"}, household(900_000, pce="9999999700000", account="Mme Durand")])
    run(dry_run=True)
    with caplog.at_level(logging.INFO), pytest.raises(BadRequest, match=r"3 of 5 lines of homes\.csv are wrong"):
        run()
    assert puts(clean) == 0
    wrong = ((6, line_check.BAD_ACCOUNT), (2, line_check.TWICE), (5, line_check.TWICE))
    assert [at for at, why in wrong if f"Line {at} of homes.csv is wrong: {why}." not in caplog.text] == []
    assert NAME in files()
    assert run(skip=True) == {"declared": 2, "wrong": 3}
    assert len(rights(clean, *homes)) == 2
    assert files() == ["homes.result.csv"]
    assert outcomes()[-1] == ("", "wrong"), "what is no id is not repeated"
    assert names_person(result()) == []


def test_a_household_that_grdf_refuses_stops_no_other_and_leaves_nothing(
    clean: LocalWorld, homes: Homes, caplog: pytest.LogCaptureFixture
) -> None:
    put([homes[0] | {"postcode": "75001"}, *homes[1:3]])
    assert run() == {"declared": 2, "refused": 1}
    assert (document(clean, homes[0]["account"]), records(homes[0]["account"])) == ({}, [])
    assert "postcode" in result()[0]["reason"]
    assert names_person(result()) == names_person(caplog.text) == []
    assert "Line 2 of homes.csv is refused: GRDF refused the right to read meter M-" in caplog.text
    put(homes[:3])
    assert run() == {"connected": 2, "declared": 1}, "corrected"


def test_a_refused_household_that_had_an_account_keeps_it(clean: LocalWorld, home: dict[str, str]) -> None:
    bare = {"_id": home["account"], "account_type": "grdfgrandlyon"}
    for oauth in ({"oauth": {"access_token": "x"}}, {"oauth": {"code": "abc", "redirect_uri": "http://localhost/x"}}):
        clean.book.save(bare | oauth)
        put([home | {"postcode": "75001"}])
        run()
        assert document(clean, home["account"])["oauth"], "it came another way"
        clean.book.remove(home["account"])
    old = bring(clean, home["account"], home["pce"])
    acquire(home["account"])
    clean.control.revoke(old)
    check()
    put([home | {"postcode": "75001"}])
    assert run() == {"refused": 1}
    after = document(clean, home["account"])
    assert [each["id_accreditation"] for each in after["oauth_callback_results"]["consents"]] == [old]
    assert "postcode" in after["state_message"]
    put([home])
    assert run() == {"declared": 1}
    assert home["email"] not in str(document(clean, home["account"]))


def test_who_was_refused_or_deleted_meanwhile_is_not_declared_by_the_next_try(clean: LocalWorld, homes: Homes) -> None:
    put([homes[0] | {"postcode": "75001"}, homes[1], homes[2] | {"account": ""}, *homes[3:]])
    break_put(clean, homes[4])
    began = datetime.now(UTC)
    with pytest.raises(RetryLater):
        run(run_id="one", began=began)
    answer(clean, homes[1]["pce"], "Refusée")
    look("manual")  # this declares the last one
    own = outcomes()[2][0]
    for account in (own, homes[3]["account"]):
        delete(account, started=datetime.now(UTC))
    clean.control.clear_log()
    assert run(run_id="one", began=began) == {"connected": 2, "refused": 3}
    assert (puts(clean), document(clean, own)) == (0, {})
    assert [right["etat_droit_acces"] for right in rights(clean, *homes[2:4])] == ["Révoquée"] * 2
    put([homes[3]])
    assert run(dry_run=True) == {"refused": 1}, "an id is not used again"
    put([homes[3] | {"account": ""}])
    assert run() == {"declared": 1}, "it has come back"


def test_the_daily_runs_calls_are_left_alone(clean: LocalWorld, homes: Homes, monkeypatch: pytest.MonkeyPatch) -> None:
    def allow(calls: int) -> None:
        connection = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
        connection["extra"]["calls_per_day"] = calls
        monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(connection))

    allow(4)  # half of them are for daily runs
    put(homes[:3])
    for _ in range(2):
        with pytest.raises(AirflowRescheduleException):
            run()
        assert puts(clean) < 3
    before = puts(clean)
    allow(100)
    assert run()["declared"] == 3 - before
    assert puts(clean) == 3


def test_what_grdf_refuses_in_a_way_that_we_do_not_know_stops_the_import(clean: LocalWorld) -> None:
    homes = [household(910_000 + number) for number in range(12)]
    put(homes)
    body = {"code_statut_traitement": "4711", "message_retour_traitement": "?"}
    clean.control.fault("/droit_acces$", method="PUT", times=10, status=418, body=body)
    with pytest.raises(RefusalUnexplained):
        run()
    assert puts(clean) == 10
    assert run() == {"declared": 12}


def test_a_household_without_an_id_has_its_account_until_its_right_is_over(
    clean: LocalWorld, home: dict[str, str]
) -> None:
    bare = home | {"account": ""}
    put([bare])
    assert run() == {"declared": 1}
    ((account, _),) = outcomes()
    put([bare | {"email": "planted-else@example.org"}])
    assert run() == {"connected": 1}
    assert outcomes() == [(account, "connected")], "the name is the same"
    put([bare | {"name": "Invente-Else", "email": "planted-else@example.org"}])
    assert run() == {"waiting": 1}, "a right to its meter waits for another holder"
    (right,) = rights(clean, home)
    answer(clean, home["pce"], "Active")
    look("manual")
    clean.control.revoke(right["id_droit_acces"])
    check()
    put([bare])
    assert run() == {"declared": 1}
    assert outcomes()[0][0] != account, "somebody of the same name may live there now"


def test_a_run_that_was_cleared_does_nothing(clean: LocalWorld, home: dict[str, str]) -> None:
    """It would do again what somebody ordered once. Airflow tells tasks how often that was."""
    from airflow.sdk.api.datamodels._generated import DagRun

    from grdf.operators.ways_in.send_proof import SendProofOperator

    assert "clear_number" in DagRun.model_fields
    put([home])
    for dag, step in {
        "grdf_import_accounts": lambda: run(cleared=True),
        "grdf_adopt_rights": lambda: adopt(cleared=True),
        "grdf_consents": lambda: check_rights(home["account"], dry_run=False, cleared=True),
        "grdf_send_proof": lambda: execute(SendProofOperator, {}, cleared=True, account_id=home["account"]),
    }.items():
        with pytest.raises(BadRequest, match=f"Start {dag} anew"):
            step()
    assert clean.control.log() == []
