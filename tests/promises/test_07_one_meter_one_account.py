"""Promise 7: one meter, one account, on every way in, unless a setting allows sharing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.promises.adapter import METERS, Town

PCE, OWN = METERS[0], METERS[1]
ON_GRDFS_SITE, DECLARED = ("cozy", "code", "page"), ("document", "form", "link", "import")


def comes(town: Town, account: str, way: str) -> None:
    """Let a household come with a meter, agree to it if it is asked, and be read for some days."""
    if way in ON_GRDFS_SITE:
        town.connect(account, PCE, way=way, back=20)
    elif way == "adopted":
        town.agree("nobody", PCE, back=20)
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
    assert town.wrong_days("alder", PCE, first) == []
    assert town.wrong_totals() == []
    if way in DECLARED:
        assert len(town.rights(PCE, state="Active")) == standing, "nothing was declared for a meter that is taken"
    for right in town.rights(PCE, state="Active"):  # once the first has left it, it goes to whoever comes
        if right["id_droit_acces"] in str(town.account("alder")):
            town.revoke(right["id_droit_acces"])
    town.mornings()
    free = town.today
    town.connect("cedar", PCE, first=free)
    town.mornings(3)
    assert town.wrong_days("cedar", PCE, free) == [] or way == "adopted"


@pytest.mark.parametrize("way", ["cozy", "document", "form", "import"])
def test_a_meter_that_waits_for_its_holder_is_taken_too(town: Town, way: str) -> None:
    town.declare("alder", PCE, "form", first=town.ago(20))
    if way == "cozy":
        town.connect("birch", PCE, back=20)
    else:
        town.declare("birch", PCE, way, first=town.ago(20))
    town.answer(PCE)
    town.mornings(2)
    assert [account for account in ("alder", "birch") if town.days(account, PCE)] in (["alder"], ["birch"])
    assert len([right for right in town.rights(PCE) if right["parcours"] == "DECLARATION_TIERS"]) == 1


def test_two_accounts_bring_one_meter_at_the_same_moment(new_town: Callable[..., Town]) -> None:
    for after in range(14):
        town = new_town()
        town.connect("alder", PCE, back=20, run=False)
        town.connect("birch", PCE, back=20, run=False)
        town.meanwhile(after, lambda town=town: town.run("birch"))
        town.run("alder")
        town.run("birch")
        assert len([account for account in ("alder", "birch") if town.days(account, PCE)]) == 1, after


def test_several_accounts_may_have_it_if_a_setting_allows_it(new_town: Callable[..., Town]) -> None:
    town = new_town(meter_in_several_accounts=True)
    for account, way in (("alder", "cozy"), ("birch", "page"), ("cedar", "code")):
        town.connect(account, PCE, way=way, back=20)
    first = town.ago(20)
    town.mornings(2)
    for account in ("alder", "birch", "cedar"):
        assert town.wrong_days(account, PCE, first) == []
        assert town.state(account) == ""
    assert town.wrong_totals() == []
