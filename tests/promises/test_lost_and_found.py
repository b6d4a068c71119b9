"""Which account has a meter after a loss: a ledger, an account, an answer of GRDF. Promises 6 to 9 again."""

from __future__ import annotations

import copy
from datetime import timedelta

import pytest

from tests.promises.adapter import ACCOUNTS, METERS, PUT, RIGHTS, Town

PCE = METERS[0]


def test_a_ledger_from_before_a_renewal_takes_nothing_away(town: Town) -> None:
    first = town.ago(20)
    town.connect("alder", PCE, back=20, ahead=15)
    town.mornings(2)
    backup = town.backup()
    town.pass_(days=8)
    town.mornings()
    town.connect("alder", PCE, back=30)
    town.mornings(22)
    town.couch.databases[RIGHTS] = copy.deepcopy(backup[RIGHTS])
    town.mornings(4)
    assert town.state("alder") == ""
    assert town.wrong("alder", PCE, first) == []


@pytest.mark.parametrize("former", ["stands", "has ended"])
def test_an_empty_ledger_takes_up_each_right_again(town: Town, former: str) -> None:
    (old,) = town.connect("alder", PCE, first=town.ago(100), ahead=60)
    first = town.ago(100)
    town.mornings(2)
    town.connect("alder", PCE, first=town.ago(1), ahead=1000, keep_others=True)
    town.mornings(2)
    if former == "has ended":
        town.revoke(old)
        town.mornings(2)
    town.couch.databases[RIGHTS] = {}
    town.mornings(3)
    assert town.state("alder") == ""
    assert "unclaimed" not in town.health().text
    assert town.account("alder")["status"]["meters"][PCE]["days"][0]["first"] == str(first)
    assert town.wrong("alder", PCE, first) == []


def test_the_meter_of_an_account_that_was_lost_is_free_the_next_morning(town: Town) -> None:
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    del town.couch.databases[ACCOUNTS]["alder"]
    town.mornings(1)
    assert "adopt" in town.fleet_page()
    town.connect("birch", PCE, back=20)
    town.mornings(2)
    assert town.state("birch") == ""
    assert town.days("birch", PCE)


def test_a_right_goes_to_the_account_with_its_declaration(town: Town) -> None:
    town.fault("down", **PUT, times=40)
    town.declare("alder", PCE, "form", first=town.ago(20))
    town.look()
    town.calm()
    town.fault("lost", **PUT, times=1)
    town.declare("birch", PCE, "form", first=town.ago(20), run=False)
    town.run("birch", tries=1)
    town.run("birch")
    town.answer(PCE)
    town.mornings(3)
    assert town.days("alder", PCE) == {}
    assert town.days("birch", PCE)


def test_a_right_that_grdf_checks_again_keeps_the_meter(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=20)
    town.mornings(2)
    town.change_right(right, etat_droit_acces="A revérifier")
    town.mornings(2)
    town.connect("birch", PCE, back=10)
    town.mornings(1)
    assert town.state("birch"), "that it is not read"
    assert town.days("birch", PCE) == {}
    town.change_right(right, etat_droit_acces="Active")
    town.mornings(3)
    assert town.state("alder") == ""
    assert town.wrong("alder", PCE, town.ago(26)) == []


@pytest.mark.parametrize("broken", ["none", "cut", "signature cut"])
@pytest.mark.parametrize("known", [False, True])
def test_a_household_with_an_unreadable_token_is_asked_to_connect_again(town: Town, broken: str, known: bool) -> None:
    if known:
        town.connect("alder", PCE, back=20)
    town.connect("alder", PCE, back=20, run=False)
    document = town.account("alder")
    token = document["oauth_callback_results"]["id_token"]
    document["oauth_callback_results"]["id_token"] = {"none": "?", "cut": token[:200]}.get(broken, token[:-9])
    town.couch.databases[ACCOUNTS]["alder"] = document
    town.first_runs()
    town.mornings(2)
    assert ("alder" in town.health().text) is not known
    assert town.state("alder") == ("" if known else "USER_ACTION_NEEDED.OAUTH_OUTDATED")
    assert known or "connect again" in town.account("alder")["state_message"]
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    assert town.state("alder") == ""
    assert town.days("alder", PCE)


def test_a_meter_that_was_left_today_is_imported_for_the_next_tenant(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=20)
    town.mornings(2)
    first, moved = town.ago(15), town.today
    town.revoke(right)
    assert town.declare("birch", PCE, "import", first=moved) == "declared"
    town.answer(PCE)
    town.mornings(3)
    assert town.wrong("birch", PCE, moved) == []
    assert town.wrong("alder", PCE, first, moved - timedelta(days=2)) == [], "what came before it left"


def test_a_next_tenant_who_is_imported_too_early_is_declared_once_the_meter_is_free(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=20)
    town.mornings(2)
    assert town.declare("birch", PCE, "import", first=town.today) == "waiting"
    assert "consent stands" in town.account("birch")["state_message"]
    town.mornings(3)
    assert [each["id_droit_acces"] for each in town.rights(PCE)] == [right], "nothing was sent"
    moved = town.today
    town.revoke(right)
    town.mornings(2)
    town.answer(PCE)
    town.mornings(3)
    assert town.wrong("birch", PCE, moved) == []
    assert "birch@example.org" not in str(town.account("birch"))


def test_9b_accounts_that_are_lost_are_red_until_they_are_restored(town: Town) -> None:
    for account, pce in zip(("alder", "birch"), METERS, strict=False):
        town.connect(account, pce, back=20)
    town.mornings(2)
    backup = town.backup()
    town.couch.databases[ACCOUNTS] = {}
    for day in range(3):
        town.mornings(1)
        said = town.health()
        assert said.state == "failed"
        assert "restore the accounts from a backup" in said.text
        assert "Nothing is wrong" not in said.text
        assert ("alder" in said.text and "birch" in said.text) or day > 0, "each is named once"
    town.couch.databases[ACCOUNTS] = copy.deepcopy(backup[ACCOUNTS])
    town.mornings(3)
    assert town.health().well
    for account, pce in zip(("alder", "birch"), METERS, strict=False):
        assert town.wrong(account, pce, town.ago(24)) == []
        assert town.state(account) == ""


def test_9b_who_adopts_and_then_restores_has_each_household_once(town: Town) -> None:
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    backup = town.backup()
    town.couch.databases[ACCOUNTS] = {}
    town.mornings(1)
    town.adopt()
    assert {*town.documents(ACCOUNTS)} == {"alder"}
    town.mornings(1)
    assert town.health().well
    town.couch.databases[ACCOUNTS] |= copy.deepcopy(backup[ACCOUNTS])
    town.mornings(2)
    assert town.wrong("alder", PCE, town.ago(24)) == []
    assert town.health().well


@pytest.mark.parametrize("lost", ["all", RIGHTS, ACCOUNTS])
def test_10_who_has_renewed_since_the_backup_of_a_restore_is_asked_for_nothing(town: Town, lost: str) -> None:
    first = town.ago(20)
    town.connect("alder", PCE, back=20, ahead=15)
    town.mornings(2)
    backup = town.backup()
    town.pass_(days=20)
    town.mornings(1)
    town.connect("alder", PCE, back=41)
    town.mornings(2)
    if lost == "all":
        town.restore(backup)
    else:
        town.couch.databases[lost] = copy.deepcopy(backup[lost])
    town.mornings(1)
    assert "alder" not in town.health().text
    town.mornings(2)
    assert town.state("alder") == ""
    assert town.wrong("alder", PCE, first) == []


def test_a_right_that_may_be_another_household_s_is_a_question_to_a_person(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=20)
    town.mornings(2)
    backup = town.backup()
    town.revoke(right)
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    town.restore(backup)
    for each in town.rights(PCE):
        town.change_right(each["id_droit_acces"], courriel_titulaire=None)
    town.mornings(1)
    said = town.health().text
    assert "grdf_consents with the account's id" in said
    assert "Write to these households" not in said
    assert "grdf_adopt_rights" not in said
    for text in (town.account("alder")["state_message"], town.account_page("alder")):
        assert "start grdf_consents with this account" in text
    town.check("alder")
    town.mornings(1)
    assert town.state("alder") == ""


def test_an_account_whose_right_another_one_has_is_behind_it(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=20)
    town.mornings(2)
    town.konnector("birch", PCE, right)
    town.mornings(2)
    assert "OUTDATED" not in town.state("birch")
    assert "another account has it" in town.account("birch")["state_message"]
    assert town.days("birch", PCE) == {}
    assert "alder" not in town.health().text
    assert "Behind another account" in town.account_page("birch")
    assert "waits until this account’s consent for the meter ends" in town.account_page("alder")


def test_9b_who_connects_during_a_loss_keeps_its_days_after_the_restore(town: Town) -> None:
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    backup = town.backup()
    town.couch.databases[ACCOUNTS] = {}
    town.mornings(1)
    came = town.today
    town.connect("dora", PCE, back=10)
    town.mornings(2)
    assert "dora" not in town.health().text
    town.couch.databases[ACCOUNTS] |= copy.deepcopy(backup[ACCOUNTS])
    town.mornings(5)
    assert town.wrong("dora", PCE, came) == []
    assert max(town.days("alder", PCE)) < came
    assert "another account has it" in town.account("alder")["state_message"]
    assert town.state("dora") == ""
    assert town.leave("alder").well
    town.mornings(3)
    assert town.wrong("dora", PCE, came) == []
    assert town.health().well


def test_9b_an_account_that_was_removed_by_hand_can_be_deleted(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=20)
    town.mornings(2)
    del town.couch.databases[ACCOUNTS]["alder"]
    town.mornings(1)
    town.revoke(right)
    town.mornings(2)
    assert "grdf_delete_account" in town.health().text, "its days are still there"
    assert town.leave("alder").well
    assert town.stored("alder") == 0
    assert "alder" not in str(town.documents(RIGHTS))
    town.mornings(1)
    assert town.health().well


def test_a_household_whose_token_has_expired_is_told_so(town: Town) -> None:
    town.connect("alder", PCE, back=20, run=False)
    town.pass_(days=3)
    town.first_runs()
    document = town.account("alder")
    assert document["state"] == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    assert "id_token" not in document.get("oauth_callback_results", {})
    assert "is not kept" in document["state_message"]
    assert "connect again" in document["state_message"]
    town.mornings(1)
    assert town.state("alder") == "USER_ACTION_NEEDED.OAUTH_OUTDATED"
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    assert town.state("alder") == ""
