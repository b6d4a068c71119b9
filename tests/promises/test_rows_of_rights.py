"""Promises 6 to 11 again where they once went wrong: renewals, moves, lists that err, backups, the same moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.promises.adapter import METERS, PUT, RECORDS_OF_DELETIONS, Town

PCE, OTHER = METERS[0], METERS[1]
OUTDATED = "USER_ACTION_NEEDED.OAUTH_OUTDATED"
WAITS = "A valider"
DECLARING = ("form", "link", "import", "document")


def declared(town: Town, days: int = 30) -> date:
    """Return the first day of a right that ends after some days."""
    town.declare("alder", PCE, "form", first=town.ago(20), calls_until=town.ago(-days))
    town.answer(PCE)
    first = town.ago(20)
    town.mornings(2)
    assert town.state("alder") == ""
    return first


def is_named(town: Town, account: str = "alder") -> bool:
    return f"{account}@example.org" in json.dumps(town.account(account))


def whole(town: Town, account: str, pce: str, first: date) -> None:
    assert town.state(account) == ""
    assert town.wrong(account, pce, first) == []


@pytest.mark.parametrize(("way", "later"), [("form", 8), ("link", 8), ("document", 8), ("import", 21)])
def test_a_renewal_that_comes_early_is_declared_once_the_old_right_is_over(town: Town, way: str, later: int) -> None:
    end, first = town.ago(-30), declared(town)
    town.pass_(days=later)
    town.mornings()
    outcome = town.declare("alder", PCE, way, first=first)
    assert outcome != "connected", "what it has ends"
    town.mornings()
    assert is_named(town), "the person is needed on the day after"
    assert town.state("alder") == "", "it has to do nothing, and is read"
    assert any(
        each in json.dumps(town.progress("alder")) for each in (str(end), f"{end:%-d %B %Y}", f"{end:%-d %b %Y}")
    )
    town.until(end + timedelta(days=1), 1)
    assert town.rights(PCE, state=WAITS) == []
    town.mornings()
    assert len(town.rights(PCE, state=WAITS)) == 1, "by itself"
    town.answer(PCE)
    town.mornings(3)
    assert not is_named(town)
    whole(town, "alder", PCE, first)


@pytest.mark.parametrize("way", DECLARING)
def test_after_its_end_the_same_form_renews(town: Town, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    first = declared(town)
    (old,) = town.rights(PCE)
    town.pass_(days=32)
    town.mornings()
    assert town.state("alder") == OUTDATED
    with monkeypatch.context() as patch:  # for some days GRDF still takes it for a right that exists
        patch.setattr(town, "lapse", lambda _: None)
        outcome = town.declare("alder", PCE, way, first=first)
        assert outcome in (303, "declared", "waits", None)
        town.mornings(2)
        assert town.progress("alder")["state"] != "refused"
    town.change_right(old["id_droit_acces"], etat_droit_acces="Obsolète")
    town.mornings(2)
    assert len(town.rights(PCE, state=WAITS)) == 1, "it is not sent again by hand"
    town.answer(PCE)
    town.mornings(3)
    whole(town, "alder", PCE, first)


def test_who_has_only_a_meter_that_is_over_hears_it_once_and_rests(town: Town) -> None:
    for number, account in enumerate(("alder", "birch", "cedar", "daisy", "elder", "fern")):
        town.connect(account, METERS[number], back=20, ahead=3 if account == "alder" else 1000)
    town.mornings(6)
    assert town.state("alder") == OUTDATED
    assert "alder" in town.health().text
    before, since = town.account("alder"), len(town.asked)
    town.mornings(20)
    assert town.account("alder") == before, "nothing changes any more"
    assert not [each for each in town.calls("/pce/", since=since) if each.pce == PCE]
    assert town.health().well


@pytest.mark.parametrize("lost", [False, True], ids=["never-came-back", "lost-by-a-restore"])
def test_a_right_in_force_without_an_account_is_shown_until_it_is_adopted(town: Town, lost: bool) -> None:
    town.connect("alder", PCE, back=20)
    town.mornings()
    assert "adopt" not in town.fleet_page().lower()
    backup = town.backup()
    if lost:
        town.connect("birch", OTHER, back=20)
    else:
        town.agree("birch", OTHER, back=20)
    first = town.ago(20)
    town.restore(backup)
    town.mornings(2)
    assert "adopt" in town.fleet_page().lower()
    assert "grdf_adopt_rights" in town.health().text
    assert town.adopt().state == town.adopt().state == "success", "once"
    town.first_runs()
    town.mornings(2)
    assert "adopt" not in town.fleet_page().lower()
    assert "grdf_adopt_rights" not in town.health().text
    (adopted,) = {*town.documents("io-cozy-accounts")} - {"alder"}
    whole(town, adopted, OTHER, first)


def test_days_that_are_over_under_a_right_in_force_are_said_as_any_end(town: Town) -> None:
    town.connect("alder", PCE, first=town.ago(20), end=town.ago(-5), ahead=1000)
    first, end = town.ago(20), town.ago(-5)
    town.mornings(7)
    assert town.state("alder") == OUTDATED
    town.mornings(5)
    assert town.wrong("alder", PCE, first, end) == []
    town.pass_(days=62)
    since = len(town.asked)
    town.mornings(5)
    assert len(town.calls("informatives", since=since)) <= 1, "its days are asked for as any old ones"
    assert town.state("alder") == OUTDATED


@pytest.mark.parametrize("which", ["begins", "first"])
def test_who_begins_later_waits_with_its_date(town: Town, which: str) -> None:
    begins = town.ago(-40)
    town.connect("alder", PCE, way="page", back=0, **{which: begins})
    town.mornings(2)
    assert not town.state("alder").startswith("USER_ACTION_NEEDED")
    shown = json.dumps([town.progress("alder"), town.account("alder")["status"]])
    assert any(each in shown for each in (str(begins), f"{begins:%-d %B %Y}", f"{begins:%-d %b %Y}"))
    assert not town.calls("informatives")
    assert town.health().well
    town.until(begins)
    town.mornings(4)
    whole(town, "alder", PCE, begins)


def brings(town: Town, account: str, way: str) -> None:
    if way == "cozy":
        town.connect(account, PCE, back=20, run=False)
    else:
        town.declare(account, PCE, run=False, first=town.ago(20))


@pytest.mark.parametrize("second", ["cozy", "document"])
@pytest.mark.parametrize("first", ["cozy", "document"])
def test_two_accounts_bring_one_meter_interleaved_at_each_request(
    new_town: Callable[..., Town], first: str, second: str
) -> None:
    after, met = 0, True
    while met:
        town, seen = new_town(), []
        town.fault("twice", **PUT, times=99)
        brings(town, "alder", first)
        brings(town, "birch", second)

        def meanwhile(town: Town = town, seen: list[str] = seen) -> None:
            seen.append(town.run("birch").state)

        town.meanwhile(after, meanwhile)
        town.run("alder")
        met = bool(seen)
        town.run("birch")
        town.answer(PCE)
        town.mornings(2)
        assert len([account for account in ("alder", "birch") if town.days(account, PCE)]) == 1, after
        declared = [each["courriel_titulaire"] for each in town.rights(PCE) if each["parcours"] == "DECLARATION_TIERS"]
        assert len(declared) == len({*declared}), after
        after += 1
    assert after > 6


def left(town: Town) -> None:
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    town.declare("birch", OTHER, run=False, first=town.ago(20))
    backup = town.backup()
    for account in ("alder", "birch"):
        assert town.leave(account).well
    town.mornings()
    town.restore(backup, but=RECORDS_OF_DELETIONS)


def test_a_backup_brings_back_no_household_that_has_left(town: Town) -> None:
    left(town)
    since = len(town.asked)
    town.mornings(3)
    for account in ("alder", "birch"):
        town.run(account)
    town.history(town.ago(10), town.today)
    town.run_dag("grdf_published", "manual")
    assert not [each for each in town.calls("/pce/", since=since) if each.method in ("GET", "PUT")]
    assert town.rights(OTHER) == []
    assert not is_named(town, "birch") or "left" in town.account("birch")["state_message"]
    assert town.state("alder").startswith("USER_ACTION_NEEDED")
    assert town.leave("alder").well
    assert town.stored("alder") == 0


@pytest.mark.parametrize("way", [*DECLARING, "cozy", "code", "page", "konnector"])
def test_the_id_of_who_has_left_is_refused(town: Town, way: str) -> None:
    town.connect("alder", PCE, back=20)
    town.mornings(2)
    assert town.leave("alder").well
    if way == "page":
        assert town.begin("alder").status_code >= 400
    elif way in ("form", "link"):
        assert town.send_form("alder", town.person("alder", OTHER), link=way == "link") != 303
    elif way == "import":
        assert town.declare("alder", OTHER, way) not in ("declared", "connected", "waits")
    elif way == "document":
        town.declare("alder", OTHER, way)
    elif way == "konnector":
        _, (right,) = town.agree("alder", OTHER, back=20)
        town.konnector("alder", OTHER, right)
    else:
        town.connect("alder", OTHER, back=20, way=way)
    town.mornings(2)
    town.run("alder")
    assert not town.days("alder", OTHER)
    assert not [right for right in town.rights(OTHER) if right["parcours"] == "DECLARATION_TIERS"]
    if town.account("alder"):
        assert "left" in (town.account("alder")["state_message"] or "")
