"""Promise 6: no day of one household is ever kept under another one's account."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.promises.adapter import ACCOUNTS, DAYS, METERS, PERIODS, RECORDS_OF_DELETIONS, RIGHTS, Town

PCE, OTHER = METERS[0], METERS[1]
SECRET = "AIRFLOW_VAR_GRDF_METER_SECRET"


def as_before(right: str, new: str) -> Callable[[bytes], bytes]:
    """Return what makes GRDF's answers about rights say nothing yet of a move."""

    def former(body: bytes) -> bytes:
        lines = [json.loads(line) for line in body.decode().splitlines()]
        for line in lines:
            if line.get("id_droit_acces") == right:
                line |= {"etat_droit_acces": "Active", "date_revocation": None, "source_revocation": None}
        return "\n".join(json.dumps(line) for line in lines if line.get("id_droit_acces") != new).encode()

    return former


def belongs(town: Town, account: str, pce: str, first: date, end: date) -> bool:
    days = town.days(account, pce)
    return bool(days) and first <= min(days) and max(days) < end


@pytest.mark.parametrize("way", ["cozy", "code", "page"])
def test_a_tenant_follows_another(town: Town, way: str) -> None:
    (right,) = town.connect("alder", PCE, back=30)
    first = town.ago(30)
    town.mornings(3)
    moved = town.today
    town.revoke(right)
    town.connect("birch", PCE, way=way, first=moved)
    own = town.days("alder", PCE)
    town.mornings(8)
    for ago in range(2, 6):
        town.correct(PCE, town.ago(ago), 900 + ago)
    town.mornings(4, published=True)
    assert belongs(town, "birch", PCE, moved, town.today)
    assert belongs(town, "alder", PCE, first, moved)
    assert town.days("alder", PCE).items() >= own.items(), "what was its own stays"
    assert town.wrong("birch", PCE, moved) == []
    assert not any(value > 900 for value in town.days("alder", PCE).values())
    back = town.today  # and the first one moves in again
    town.revoke(town.rights(PCE, state="Active")[0]["id_droit_acces"])
    town.connect("alder", PCE, way=way, first=back)
    town.mornings(6)
    assert not {day for day in town.days("alder", PCE) if moved <= day < back}
    assert belongs(town, "birch", PCE, moved, back)
    assert town.wrong("alder", PCE, back) == []


@pytest.mark.parametrize("way", ["cozy", "code", "page"])
def test_a_tenant_comes_before_the_former_right_has_ended(town: Town, way: str) -> None:
    (right,) = town.connect("alder", PCE, back=30)
    first = town.ago(30)
    town.mornings(2)
    town.connect("birch", PCE, way=way, back=10)
    town.mornings(3)
    assert town.days("birch", PCE) == {}
    moved = town.today
    town.revoke(right)
    town.mornings(8)
    assert belongs(town, "alder", PCE, first, moved)
    assert belongs(town, "birch", PCE, moved, town.today)
    assert town.wrong("birch", PCE, moved) == []
    assert town.state("birch") == ""


@pytest.mark.parametrize("names", [("alder", "birch"), ("zelda", "birch")])
def test_a_lost_ledger_gives_no_meter_to_who_waits_for_it(town: Town, names: tuple[str, str]) -> None:
    first, second = names
    town.connect(first, PCE, back=30)
    since = town.ago(30)
    town.mornings(3)
    town.connect(second, PCE, back=60)
    town.mornings(2)
    town.couch.databases[RIGHTS] = {}
    town.mornings(2)
    assert town.state(first) == ""
    assert town.wrong(first, PCE, since) == []
    town.mornings(2)
    assert town.days(second, PCE) == {}
    assert "OUTDATED" not in town.state(second), "its consent stands"


def test_a_foreign_day_goes_also_in_a_year_that_is_not_read(town: Town) -> None:
    town.connect("alder", PCE, first=town.ago(400), end=town.ago(300), ahead=1000)
    town.connect("alder", PCE, first=town.ago(60))
    town.mornings(2)
    between = town.ago(200)
    assert between not in town.days("alder", PCE)
    day = town.documents(DAYS)[f"alder:{PCE}:{town.ago(350)}"]
    kept = {key: value for key, value in day.items() if key != "_rev"}
    town.couch.databases[DAYS][f"alder:{PCE}:{between}"] = kept | {"_id": f"alder:{PCE}:{between}", "_rev": "1-x"}
    town.mornings(2)
    assert between not in town.days("alder", PCE)


@pytest.mark.parametrize("known", [True, False], ids=["at once", "days later"])
def test_the_next_tenant_agrees_on_grdfs_site_and_does_not_come_here(town: Town, known: bool) -> None:
    (right,) = town.connect("alder", PCE, back=30)
    town.mornings(3)
    moved = town.today
    town.revoke(right)
    _, (new,) = town.agree("birch", PCE, back=20)
    if not known:  # and GRDF's answers about the meter are those of the household there now
        town.fault(as_before(right, new), "/droits_acces$", times=100)
    town.mornings(5)
    town.calm()
    town.mornings(5)
    town.run("alder")
    for accounts in (("alder",), ()):
        town.history(town.ago(12), town.today, *accounts, definitive=True)
        town.backfill("alder", town.ago(5), town.ago(2))
    assert not {day for day in town.days("alder", PCE) if day >= moved}
    assert town.wrong_totals() == []


def test_two_households_exchange_their_homes(town: Town) -> None:
    (one,) = town.connect("alder", PCE, back=30)
    (two,) = town.connect("birch", OTHER, back=30)
    first = town.ago(30)
    town.mornings(3)
    moved = town.today
    town.revoke(one, two)
    town.connect("alder", OTHER, first=moved)
    town.connect("birch", PCE, way="page", first=moved)
    town.mornings(8)
    for account, before, after in (("alder", PCE, OTHER), ("birch", OTHER, PCE)):
        assert belongs(town, account, before, first, moved)
        assert belongs(town, account, after, moved, town.today)
        assert town.wrong(account, after, moved) == []
    assert town.wrong_totals() == []


@pytest.mark.parametrize("way", ["form", "link", "import", "document"])
def test_the_id_of_an_account_is_typed_again_for_another_household(town: Town, way: str) -> None:
    town.declare("alder", PCE, "form", first=town.ago(20))
    town.answer(PCE)
    town.mornings(3)
    own = town.days("alder", PCE)
    assert own
    stranger = town.person("stranger", OTHER, first=town.ago(20))
    if way == "import":
        town.import_({"account": "alder", **stranger})
    elif way == "document":
        town.put("alder", {"declaration": stranger})
        town.run("alder")
    else:
        town.send_form("alder", stranger, link=way == "link")
    town.answer(OTHER)
    town.mornings(3)
    both = [pce for pce in (PCE, OTHER) if town.days("alder", pce)]
    assert len(both) < 2, "two persons' meters"
    assert not town.days("alder", PCE) or town.days("alder", PCE).items() >= own.items()
    assert town.wrong_totals() == []


def test_a_backup_from_before_a_move_is_restored(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=30)
    town.connect("cedar", OTHER, back=30)
    town.mornings(2)
    backup = town.backup()
    town.mornings(2)
    moved = town.today
    town.revoke(right)
    town.connect("birch", PCE, first=moved)
    town.mornings(4)
    town.restore(backup)
    town.run("alder")
    town.mornings(3)
    town.run("alder")
    assert not {day for day in town.days("alder", PCE) if day >= moved}
    town.connect("birch", PCE, first=moved)
    town.mornings(2)
    assert town.wrong("birch", PCE, moved) == []
    assert not {day for day in town.days("alder", PCE) if day >= moved}
    assert town.wrong("cedar", OTHER, town.ago(35)) == [] or min(town.days("cedar", OTHER)) <= town.ago(30)


def test_own_days_that_are_read_late_stay(town: Town) -> None:
    (right,) = town.connect("alder", PCE, back=60, run=False)
    moved = town.today
    town.agree("birch", PCE, first=moved)
    town.first_runs()
    assert town.days("alder", PCE)
    town.revoke(right)
    town.mornings(3)
    published = moved - timedelta(days=1)  # the last day came after the right had ended, when it may not be asked for
    assert town.wrong("alder", PCE, town.ago(63), published) == []


@pytest.mark.parametrize("known", [True, False], ids=["at once", "weeks later"])
def test_billing_periods_follow_the_same_rule(new_town: Callable[..., Town], known: bool) -> None:
    town = new_town(date(2026, 4, 27))
    (right,) = town.connect("alder", PCE, back=200)
    town.mornings(2, published=True)
    moved = date(2026, 5, 1)
    town.until(moved, 10)
    town.revoke(right)
    if known:
        town.connect("birch", PCE, first=moved)
    else:
        _, (new,) = town.agree("birch", PCE, first=moved)
        town.fault(as_before(right, new), "/droits_acces$", times=10_000)
    town.until(date(2026, 6, 8), 1)
    for _ in range(2):
        town.mornings(2, published=True)
        town.run_dag("grdf_published", "manual")
        town.calm()
    periods = [key.split(":") for key in town.documents(PERIODS)]
    assert {account for account, _, _ in periods} == ({"alder", "birch"} if known else {"alder"})
    assert [key for key in periods if (key[0] == "alder") != (key[2] < str(moved))] == []


WAYS = [(way, False) for way in ("cozy", "code", "page", "form", "link", "import", "adoption")]
WAYS += [(way, True) for way in ("cozy", "code", "page")]


@pytest.mark.parametrize(("way", "beside"), WAYS, ids=lambda value: value if isinstance(value, str) else f"{value}")
def test_6b_the_days_of_a_deleted_household_go_to_nobody_who_comes_later(town: Town, way: str, beside: bool) -> None:
    town.connect("alder", PCE, back=200)
    town.mornings(3)
    if beside:  # on GRDF's site, without coming here
        town.agree("cedar", PCE, back=200)
        town.mornings(1)
    left = town.today
    assert town.leave("alder").well
    town.pass_(days=5)
    if way in ("form", "link", "import"):
        town.declare("birch", PCE, way, first=left - timedelta(days=170))
        town.answer(PCE)
    elif way == "adoption":
        town.agree("birch", PCE, back=170)
        town.check()
        town.adopt()
    else:
        town.connect("birch", PCE, way=way, back=170)
    town.mornings(8)
    town.history(left - timedelta(days=100), town.today, definitive=True)
    (account,) = town.documents(ACCOUNTS)
    assert belongs(town, account, PCE, left, town.today)
    assert town.wrong(account, PCE, left) == []
    assert "Its days begin on" in town.account_page(account)


def free_days(town: Town) -> set[str]:
    return {key for key in town.documents(RECORDS_OF_DELETIONS) if key.startswith("~free:")}


def test_6b_a_meter_is_free_for_good_once_grdf_serves_nothing_from_before(town: Town) -> None:
    town.connect("alder", PCE, back=200)
    town.mornings(3)
    assert town.leave("alder").well
    kept = free_days(town)
    assert len(kept) == 1
    assert PCE not in json.dumps([*town.documents(RIGHTS).values(), *town.documents(RECORDS_OF_DELETIONS).values()])
    for years, there in ((4.9, kept), (0.2, set())):
        town.pass_(days=years * 366)
        town.run_dag("grdf_retention", "scheduled", params={"dry_run": False})
        assert free_days(town) == there


@pytest.mark.parametrize("comes", ["before", "after"])
def test_6b_so_it_is_after_the_loss_of_the_ledger(town: Town, comes: str) -> None:
    town.connect("alder", PCE, back=200)
    town.mornings(3)
    left = town.today
    assert town.leave("alder").well
    town.pass_(days=5)
    if comes == "before":
        town.connect("birch", PCE, back=170)
        town.mornings(2)
    town.couch.databases[RIGHTS] = {}
    if comes == "after":
        town.connect("birch", PCE, back=170)
    town.mornings(5)
    assert belongs(town, "birch", PCE, left, town.today)
    assert town.wrong("birch", PCE, left) == []


def test_6b_and_after_a_ledger_from_before_the_deletion_was_restored(town: Town) -> None:
    town.connect("alder", PCE, back=200)
    town.mornings(3)
    before = copy.deepcopy(town.documents(RIGHTS))
    left = town.today
    assert town.leave("alder").well
    town.couch.databases[RIGHTS] = before
    town.mornings(1)
    town.run_dag("grdf_retention", "scheduled", params={"dry_run": False})
    assert "alder" not in json.dumps(town.documents(RIGHTS))
    assert PCE not in json.dumps(town.documents(RIGHTS))
    town.connect("birch", PCE, back=170)
    town.mornings(3)
    assert belongs(town, "birch", PCE, left, town.today)


@pytest.mark.parametrize("secret", ["", "another one"])
def test_6b_without_the_secret_days_begin_on_the_day_of_coming(
    town: Town, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.connect("alder", PCE, back=200)
    town.connect("cedar", OTHER, back=200)
    town.mornings(3)
    assert town.leave("alder").well
    town.pass_(days=5)
    monkeypatch.delenv(SECRET)
    if secret:
        monkeypatch.setenv(SECRET, secret)
    came = town.today
    town.connect("birch", PCE, back=170)
    ended = town.mornings(4)
    assert ended["grdf_consents"].well, "nobody else is kept waiting"
    assert belongs(town, "birch", PCE, came, town.today)
    said = town.health()
    assert (said.state, "grdf_meter_secret" in said.text) == ("failed", True)
    assert "Write to these" not in said.text
    refused = town.leave("cedar")
    assert (refused.state, "grdf_meter_secret" in refused.text) == ("failed", True)
    assert town.rights(OTHER, state="Active"), "nothing was revoked"


def test_6b_days_until_a_late_revocation_are_the_former_household_s(town: Town) -> None:
    town.connect("alder", PCE, back=30)
    town.mornings(3)
    town.fault("down", "/droit_acces/", method="PATCH", times=40)
    assert not town.leave("alder").well
    town.calm()
    town.pass_(days=10)
    revoked = town.today
    assert town.leave("alder").well
    town.connect("birch", PCE, back=40)
    town.mornings(5)
    assert belongs(town, "birch", PCE, revoked, town.today)
