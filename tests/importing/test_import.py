"""An import: checked as a whole first, then declared household by household, each with its record and its right."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowRescheduleException

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger, asking
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import dag_id
from include.gas.errors import BadRequest, RefusalUnexplained, RetryLater, StoreBusy
from include.gas.importing import line_check
from include.gas.rights.meter_rights import Right
from include.gas.rights.transitions import asked, refused
from tests.importing.scene import (
    NAME,
    files,
    folder,
    household,
    names_person,
    outcomes,
    put,
    puts,
    records,
    result,
    run,
)
from tests.importing.scene import rights as all_rights
from tests.leaving.runs import acquire, check
from tests.rights.declared import answer, look
from tests.rights.scene import bring, document

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

_numbers = count(1)
WANTED = Right(client="", way="declared", state="asked", since="")


@pytest.fixture
def homes() -> list[dict[str, str]]:
    """Three households that no other test has."""
    return [household(next(_numbers)) for _ in range(3)]


@pytest.fixture(autouse=True)
def empty(clean: LocalWorld) -> None:
    for name in files():
        folder().remove(name)
    clean.control.clear_log()


def rights(world: LocalWorld, *homes: dict[str, str]) -> list[dict[str, Any]]:
    pces = [home["pce"] for home in homes]
    return [right for right in all_rights(world) if right["id_pce"] in pces]


def test_households_are_declared_and_nothing_of_them_stays_but_the_records(
    clean: LocalWorld, homes: list[dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    homes[1] = homes[1] | {"account": "", "perimeters": "informatives|publiees|techniques", "first": "2024-01-01"}
    put(homes)
    with caplog.at_level(logging.DEBUG):
        assert run(dry_run=True) == {"to declare": 3}
        assert puts(clean) == 0
        assert document(clean, homes[0]["account"]) == {}
        assert files() == [NAME, "homes.result.csv"]
        told = run()
    assert told == {"declared": 3}
    assert "3 line(s) to declare: until" in caplog.text
    assert "File homes.csv: 3 declared. All lines are in homes.result.csv" in caplog.text
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
    assert names_person(caplog.text) == []
    assert names_person(result()) == []
    with pytest.raises(BadRequest, match=r"If it was worked off, homes\.result\.csv says what came of it"):
        run()
    assert puts(clean) == 3

    answer(clean, homes[0]["pce"], "Active")
    assert look("manual") == [dag_id(accounts[0])]


def test_nothing_is_sent_while_a_line_is_wrong(
    clean: LocalWorld, homes: list[dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    put([*homes, homes[0] | {"account": "twice"}, household(next(_numbers), pce="9999999700000", account="Mme Durand")])
    with caplog.at_level(logging.INFO), pytest.raises(BadRequest, match=r"3 of 5 lines of homes\.csv are wrong"):
        run()
    assert puts(clean) == 0
    assert f"Line 6 of homes.csv is wrong: {line_check.BAD_ACCOUNT}." in caplog.text
    assert all(f"Line {at} of homes.csv is wrong: {line_check.TWICE}." in caplog.text for at in (2, 5))
    assert NAME in files()
    assert run(skip=True) == {"declared": 2, "wrong": 3}
    assert len(rights(clean, *homes)) == 2
    assert files() == ["homes.result.csv"]
    assert outcomes()[-1] == ("", "wrong"), "what is no id is not repeated"
    assert names_person(result()) == []


def test_what_is_connected_is_left_alone_and_a_meter_that_is_taken_is_waited_for(
    clean: LocalWorld, homes: list[dict[str, str]]
) -> None:
    one, two, _ = homes
    bring(clean, one["account"], one["pce"])
    bring(clean, "somebody-else", two["pce"])
    put(homes)
    assert run(dry_run=True) == {"connected": 1, "to declare": 2}
    assert result()[1]["reason"] == line_check.TAKEN
    assert run() == {"connected": 1, "declared": 1, "waiting": 1}
    assert "it is declared by itself once that one's consent ends" in result()[1]["reason"]
    assert puts(clean) == 1
    assert [len(records(each["account"])) for each in homes] == [0, 1, 1]
    assert document(clean, two["account"])["declaration"]["email"] == two["email"], "it may be declared yet"
    for account in ("somebody-else", two["account"]):
        clean.book.remove(account)


def test_a_household_that_grdf_refuses_stops_no_other_and_leaves_nothing(
    clean: LocalWorld, homes: list[dict[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    put([homes[0] | {"postcode": "75001"}, *homes[1:]])
    assert run() == {"declared": 2, "refused": 1}
    assert document(clean, homes[0]["account"]) == {}
    assert records(homes[0]["account"]) == []
    assert "the postcode does not match the meter" in result()[0]["reason"]
    assert names_person(result()) == names_person(caplog.text) == []
    assert "Line 2 of homes.csv is refused: GRDF refused the right to read meter M-" in caplog.text
    put(homes)
    assert run() == {"connected": 2, "declared": 1}, "corrected"


def test_a_refused_household_that_had_an_account_keeps_it(clean: LocalWorld, homes: list[dict[str, str]]) -> None:
    home = homes[0]
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


def test_a_refused_line_leaves_the_account_of_another_way_in_alone(
    clean: LocalWorld, homes: list[dict[str, str]]
) -> None:
    home = homes[0]
    bare = {"_id": home["account"], "account_type": "grdfgrandlyon"}
    for oauth in ({"oauth": {"access_token": "x"}}, {"oauth": {"code": "abc", "redirect_uri": "http://localhost/x"}}):
        clean.book.save(bare | oauth)
        put([home | {"postcode": "75001"}])
        run()
        assert document(clean, home["account"])["oauth"]
        clean.book.remove(home["account"])


def test_no_other_holder_takes_over_a_renewal(clean: LocalWorld, homes: list[dict[str, str]]) -> None:
    home, today = homes[0], datetime.now(UTC).date()
    put([home | {"calls_until": str(today + timedelta(days=20))}])
    run()
    answer(clean, home["pce"], "Active")
    look("manual")
    longer = home | {"calls_until": str(today + timedelta(days=400))}
    put([longer])
    assert run(began=datetime.now(UTC)) == {"declared": 1}
    put([longer | {"name": "Another", "email": "planted-another@example.org"}])
    assert run(began=datetime.now(UTC), dry_run=True) == {"wrong": 1}
    put([longer | {"phone": "06 00 00 00 00"}])
    assert run(began=datetime.now(UTC)) == {"declared": 1}
    assert document(clean, home["account"])["declaration"]["phone"] == "06 00 00 00 00", "it is sent at the end"


def test_grdf_fails_and_the_next_try_continues(clean: LocalWorld, homes: list[dict[str, str]]) -> None:
    put(homes)
    clean.control.fault(f"/pce/{homes[1]['pce']}/droit_acces$", method="PUT", status=503, after=True)
    with pytest.raises(RetryLater):
        run()
    assert len(rights(clean, *homes)) == 3, "it has taken the second one all the same"
    assert files() == [NAME, "homes.result.csv"]
    assert outcomes() == [(home["account"], said) for home, said in zip(
        homes, ("declared", "to declare", "declared"), strict=True)]  # fmt: skip
    assert names_person(result()) == []
    assert run() == {"connected": 2, "declared": 1}
    assert len(rights(clean, *homes)) == 3
    assert puts(clean) == 3
    assert [len(records(home["account"])) for home in homes] == [1, 1, 1]


def test_a_line_that_another_task_is_declaring_keeps_no_other_waiting(
    clean: LocalWorld, homes: list[dict[str, str]]
) -> None:
    """Or that a try was killed at. A quarter of an hour later nobody can be declaring it any more."""
    put(homes)
    who = asking(homes[0]["account"], "grdf_adict")
    Ledger(CouchDBHook()).apply(homes[0]["pce"], lambda meter: asked(meter, who, WANTED))
    with pytest.raises(StoreBusy, match=f"Account {homes[0]['account']}: .*declared by another task"):
        run()
    assert [outcome for _, outcome in outcomes()] == ["to declare", "declared", "declared"]
    long_ago = replace(who, at=utc_text(datetime.now(UTC) - timedelta(minutes=16)))
    Ledger(CouchDBHook()).apply(homes[0]["pce"], lambda meter: asked(refused(meter, who.account), long_ago, WANTED))
    assert run() == {"connected": 2, "declared": 1}
    assert len(rights(clean, *homes)) == 3


def test_a_refused_line_is_not_sent_again_by_the_next_try_and_one_that_its_holder_refuses_neither(
    clean: LocalWorld, homes: list[dict[str, str]]
) -> None:
    put([homes[0] | {"postcode": "75001"}, *homes[1:]])
    clean.control.fault(f"/pce/{homes[2]['pce']}/droit_acces$", method="PUT", status=503)
    began = datetime.now(UTC)
    with pytest.raises(RetryLater):
        run(began=began)
    answer(clean, homes[1]["pce"], "Refusée")
    look("manual")
    clean.control.clear_log()
    assert run(began=began) == {"connected": 2, "refused": 1}, "grdf_waiting_rights has declared the last one"
    assert puts(clean) == 0
    assert len(rights(clean, homes[1])) == 1


def test_a_household_that_was_deleted_meanwhile_is_not_declared_again(
    clean: LocalWorld, homes: list[dict[str, str]]
) -> None:
    from tests.leaving.steps import delete

    put([homes[0] | {"account": ""}, *homes[1:]])
    clean.control.fault(f"/pce/{homes[2]['pce']}/droit_acces$", method="PUT", status=503)
    began = datetime.now(UTC)
    with pytest.raises(RetryLater):
        run(run_id="one", began=began)
    own = outcomes()[0][0]
    for account in (own, homes[1]["account"]):
        delete(account, started=datetime.now(UTC))
    assert run(run_id="one", began=began) == {"declared": 1, "refused": 2}
    assert document(clean, own) == {}
    assert [right["etat_droit_acces"] for right in rights(clean, *homes[:2])] == ["Révoquée"] * 2


def test_the_daily_runs_calls_are_left_alone(
    clean: LocalWorld, homes: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import json
    import os

    def allow(calls: int) -> None:
        connection = json.loads(os.environ["AIRFLOW_CONN_GRDF_ADICT"])
        connection["extra"]["calls_per_day"] = calls
        monkeypatch.setenv("AIRFLOW_CONN_GRDF_ADICT", json.dumps(connection))

    allow(4)  # half of them are for daily runs
    put(homes)
    with pytest.raises(AirflowRescheduleException):
        run()
    before = puts(clean)
    assert before < 3
    with pytest.raises(AirflowRescheduleException):
        run()
    allow(100)
    assert run()["declared"] == 3 - before
    assert puts(clean) == 3


def test_what_grdf_refuses_in_a_way_that_we_do_not_know_stops_the_import(
    clean: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grdf.operators.ways_in.import_accounts.MOST_OPEN", 3)
    homes = [household(next(_numbers)) for _ in range(5)]
    put(homes)
    body = {"code_statut_traitement": "4711", "message_retour_traitement": "?"}
    clean.control.fault("/droit_acces$", method="PUT", times=3, status=418, body=body)
    with pytest.raises(RefusalUnexplained):
        run()
    assert puts(clean) == 3
    assert run() == {"declared": 5}


def test_a_file_whose_lines_have_moved_on_the_way(clean: LocalWorld, homes: list[dict[str, str]]) -> None:
    bare = [home | {"account": ""} for home in homes]
    put(bare)
    clean.control.fault(f"/pce/{homes[1]['pce']}/droit_acces$", method="PUT", status=503)
    with pytest.raises(RetryLater):
        run()
    put([bare[2], bare[1], bare[0]])
    assert run() == {"connected": 2, "declared": 1}
    assert [records(account)[-1].entered.email for account, _ in outcomes()] == [
        homes[2]["email"], homes[1]["email"], homes[0]["email"],
    ]  # fmt: skip
    assert len(rights(clean, *homes)) == 3


def test_a_household_without_an_id_has_its_account_until_its_right_is_over(
    clean: LocalWorld, homes: list[dict[str, str]]
) -> None:
    bare = homes[0] | {"account": ""}
    put([bare])
    assert run() == {"declared": 1}
    ((account, _),) = outcomes()
    put([bare | {"email": "planted-else@example.org"}])
    assert run() == {"connected": 1}
    assert outcomes() == [(account, "connected")], "the name is the same"
    put([bare | {"name": "Invente-Else", "email": "planted-else@example.org"}])
    assert run() == {"waiting": 1}, "a right to its meter waits for another holder"
    (right,) = rights(clean, homes[0])
    answer(clean, homes[0]["pce"], "Active")
    look("manual")
    clean.control.revoke(right["id_droit_acces"])
    check()
    put([bare])
    assert run() == {"declared": 1}
    assert outcomes()[0][0] != account, "somebody of the same name may live there now"


@pytest.mark.parametrize("name", ["../homes.csv", "homes.txt", "nothing.csv"])
def test_a_file_that_is_not_there(clean: LocalWorld, name: str) -> None:
    with pytest.raises(BadRequest, match="Nothing was done"):
        run(name)


def test_an_account_may_be_called_import(clean: LocalWorld, homes: list[dict[str, str]]) -> None:
    """Its staged answers have a folder of their own."""
    from grdf import settings
    from grdf.staging.area import Staging

    put(homes)
    staging = Staging(settings.staging_url())
    staging.put("import", "run", [])
    assert staging.remove_all("import") == 1
    assert files() == [NAME]
