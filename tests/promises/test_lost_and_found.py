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
