"""Promise 7: one meter, one account, on every way in, unless a setting allows sharing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.promises.adapter import METERS, Town

PCE, OWN = METERS[0], METERS[1]
ON_GRDFS_SITE, DECLARED = ("cozy", "code", "page"), ("document", "form", "link", "import")


def comes(town: Town, account: str, way: str) -> None:
    if way in ON_GRDFS_SITE:
        town.connect(account, PCE, way=way, back=20)
    elif way == "adopted":
        town.agree("stranger", PCE, back=20)
        town.adopt()
    elif way == "konnector":
        _, (right,) = town.agree(account, PCE, back=20)
        town.konnector(account, PCE, right)
    elif way == "taken over":
        town.connect(account, OWN, back=20)
        town.agree(account, PCE, back=20)
        town.check(account)
    else:
        town.declare(account, PCE, way, first=town.ago(20))
        town.answer(PCE)
    town.mornings(2)


@pytest.mark.parametrize("way", [*ON_GRDFS_SITE, *DECLARED, "adopted", "konnector", "taken over"])
def test_a_meter_that_an_account_has_goes_to_no_other(town: Town, way: str) -> None:
    town.connect("alder", PCE, back=30)
    first = town.ago(30)
    town.mornings()
    standing = len(town.rights(PCE, state="Active"))
    comes(town, "birch", way)
    others = [key for key in town.documents("io-cozy-accounts") if key != "alder" and town.days(key, PCE)]
    assert others == []
    assert town.state("alder") == ""
    assert town.wrong("alder", PCE, first) == []
    if way in DECLARED:
        assert len(town.rights(PCE, state="Active")) == standing, "nothing was declared for a meter that is taken"
    for right in town.rights(PCE, state="Active"):  # once the first has left it, it goes to the next one
        if right["id_droit_acces"] in str(town.account("alder")):
            town.revoke(right["id_droit_acces"])
    town.mornings()
    free = town.today
    town.connect("cedar", PCE, first=free)
    town.mornings(3)
    assert town.wrong("cedar", PCE, free) == [] or way == "adopted"


@pytest.mark.parametrize("same", [False, True], ids=["another household", "the same household"])
@pytest.mark.parametrize("way", ["cozy", *DECLARED])
def test_a_meter_that_waits_for_its_holder_is_taken_too(town: Town, way: str, same: bool) -> None:
    town.fault("twice", path="/droit_acces$", method="PUT", times=9)
    town.declare("alder", PCE, "form", first=town.ago(20))
    if way == "cozy":
        town.connect("birch", PCE, back=20)
    else:
        person = {"name": "Invente-alder", "email": "alder@example.org"} if same else {}
        town.declare("birch", PCE, way, first=town.ago(20), **person)
    town.answer(PCE)
    town.mornings(2)
    assert [account for account in ("alder", "birch") if town.days(account, PCE)] in (["alder"], ["birch"])
    assert len([right for right in town.rights(PCE) if right["parcours"] == "DECLARATION_TIERS"]) == 1


def test_several_accounts_may_have_it_if_a_setting_allows_it(new_town: Callable[..., Town]) -> None:
    town = new_town(meter_in_several_accounts=True)
    first = {}
    for account, way, back in (("alder", "cozy", 30), ("birch", "page", 10), ("cedar", "code", 20)):
        town.connect(account, PCE, way=way, back=back)
        first[account] = town.ago(back)
    town.fault("twice", path="/droit_acces$", method="PUT", times=9)
    given = town.person("daisy", OWN, first=town.ago(20))  # one holder declares under two accounts
    for account in ("daisy", "elder"):
        town.send_form(account, given)
    town.first_runs()
    town.answer(OWN)
    town.mornings(3)
    for account, since in first.items():
        assert town.wrong(account, PCE, since) == []
        assert min(town.days(account, PCE)) == since
        assert town.state(account) == ""
    assert town.days("daisy", OWN).keys() == town.days("elder", OWN).keys() != set()
    assert town.wrong_totals() == []
