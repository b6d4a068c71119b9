"""Promise 10: renewing just works, and a household that has renewed is not asked again."""

from __future__ import annotations

from datetime import date

import pytest

from tests.promises.adapter import ENDED, METERS, Town

PCE, OTHER = METERS[0], METERS[1]
WHEN = {"before": 20, "at": 0, "after": -6}
"""How many days before the old right ends."""


def whole(town: Town, account: str, pce: str, first: date) -> None:
    assert town.state(account) == ""
    assert town.wrong(account, pce, first) == []


@pytest.mark.parametrize("way", ["cozy", "code", "page"])
@pytest.mark.parametrize("when", WHEN)
def test_on_grdfs_site(town: Town, way: str, when: str) -> None:
    town.connect("alder", PCE, back=30, ahead=30)
    first, end = town.ago(30), town.ago(-30)
    town.pass_(days=30 - WHEN[when] - 2)
    town.mornings(2)
    if when == "after":
        assert town.state("alder").startswith("USER_ACTION_NEEDED"), "its right is over"
    town.connect("alder", PCE, way=way, back=60, ahead=1000, keep_others=when == "before")
    assert town.state("alder") == ""
    town.mornings(2)
    whole(town, "alder", PCE, first)
    town.until(end, 10)
    town.mornings(3)
    whole(town, "alder", PCE, first)


@pytest.mark.parametrize("way", ["cozy", "page"])
def test_with_other_perimeters(town: Town, way: str) -> None:
    town.connect("alder", PCE, back=20, ahead=60, perimeters=("publiees", "informatives"))
    first = town.ago(90)
    town.mornings(2)
    town.connect("alder", PCE, way=way, back=95, perimeters=("informatives",), keep_others=False)
    town.mornings(2)
    whole(town, "alder", PCE, first)
    town.connect("alder", PCE, way=way, back=95, keep_others=False)
    town.mornings(2)
    whole(town, "alder", PCE, first)


def test_a_second_right_beside_the_first_is_read_too(town: Town) -> None:
    (old,) = town.connect("alder", PCE, back=20)
    first = town.ago(100)
    town.connect("alder", PCE, first=first, end=town.ago(10), ahead=300)
    town.mornings(6)
    whole(town, "alder", PCE, first)
    town.revoke(old)
    town.mornings(2)
    assert town.days("alder", PCE)[town.ago(8)] is not None, "what was read stays"


def test_a_declared_right_is_renewed_on_grdfs_site(town: Town) -> None:
    town.declare("alder", PCE, "form", first=town.ago(20), calls_until=town.ago(-5))
    town.answer(PCE)
    first = town.ago(20)
    town.mornings(2)
    town.connect("alder", PCE, way="page", back=30)
    town.mornings(8)
    whole(town, "alder", PCE, first)


@pytest.mark.parametrize("spelled", ["INVENTE-ALDER", "Invente-Alder ", "invente-alder"])
def test_the_name_is_spelled_in_another_way(town: Town, spelled: str) -> None:
    town.declare("alder", PCE, "form", first=town.ago(20))
    assert town.send_form("alder", town.person("alder", PCE, first=town.ago(20)) | {"name": spelled}) == 303
    town.answer(PCE)
    first = town.ago(20)
    town.mornings(2)
    assert town.send_form("alder", town.person("alder", PCE, first=town.ago(20)) | {"name": spelled}) == 303
    town.mornings(2)
    whole(town, "alder", PCE, first)
    assert len([right for right in town.rights(PCE) if right["etat_droit_acces"] in ("Active", "A valider")]) == 1


def test_who_has_renewed_without_coming_here_is_taken_over_by_an_operator(town: Town) -> None:
    town.connect("alder", PCE, back=20, ahead=20)
    first = town.ago(20)
    town.mornings(2)
    town.pass_(days=20)
    town.agree("alder", PCE, back=60)
    town.mornings()
    assert town.check("alder").state == "success"
    town.mornings(2)
    whole(town, "alder", PCE, first)


def test_who_had_renewed_before_a_backup_was_restored_is_read_again(town: Town) -> None:
    town.connect("alder", PCE, back=20, ahead=10)
    first = town.ago(20)
    town.mornings(9)
    backup = town.backup()
    town.connect("alder", PCE, back=60)
    town.mornings()
    town.restore(backup)
    town.mornings(3)
    town.adopt()
    town.first_runs()
    town.check("alder")
    town.mornings(2)
    assert {account for account in town.documents("io-cozy-accounts") if town.days(account, PCE)} == {"alder"}
    whole(town, "alder", PCE, first)


def test_grdf_answers_for_a_day_that_a_renewed_right_is_over(town: Town) -> None:
    town.connect("alder", PCE, back=20, ahead=5)
    first = town.ago(20)
    town.mornings(2)
    town.connect("alder", PCE, back=40)
    town.odd(PCE, refusal=ENDED)
    town.mornings()
    assert not town.state("alder").startswith("USER_ACTION_NEEDED"), "it has renewed"
    town.odd(PCE, refusal=None)
    town.mornings(6)
    whole(town, "alder", PCE, first)


@pytest.mark.parametrize("known", [False, True])
def test_what_the_page_has_taken_is_good_after_an_outage_of_hours(town: Town, known: bool) -> None:
    if known:
        town.connect("alder", PCE, back=30, ahead=20)
        town.mornings(8)
    town.connect("alder", PCE, way="page", back=30, run=False)
    town.pass_(hours=3)
    town.first_runs()
    town.mornings(2)
    town.pass_(days=14)
    town.mornings(3)
    assert town.state("alder") == ""
    assert town.wrong("alder", PCE, town.ago(20)) == []


@pytest.mark.parametrize("way", ["form", "document"])
def test_a_renewal_waits_for_grdf_if_the_days_end_before_the_right(town: Town, way: str) -> None:
    town.declare("alder", PCE, "document", first=town.ago(20), end=town.ago(-10), calls_until=town.ago(-50))
    town.answer(PCE)
    town.mornings(5)
    before = len(town.asked)
    town.declare("alder", PCE, way)
    town.mornings(44)
    assert len(town.rights(PCE)) == 1, "GRDF takes no other before"
    assert len(town.calls("droit_acces", "PUT", since=before)) < 6
    town.mornings(4)
    town.answer(PCE)
    town.mornings(4)
    assert town.state("alder") == ""
    assert town.rights(PCE)[-1]["etat_droit_acces"] == "Active"


def test_a_renewal_that_waits_names_its_day(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    town.declare("alder", PCE, calls_until=town.ago(-30))
    town.answer(PCE)
    town.mornings(2)
    town.declare("alder", PCE, run=False)
    town.run("alder")
    (said,) = {each.getMessage() for each in caplog.records if "It is declared again" in each.getMessage()}
    assert "before 2026-05-21" in said
    assert "ends on" not in said, "its last day is the 20th"
