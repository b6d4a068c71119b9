"""The right that an account brought last says whose the account is, if GRDF's list shows it and names its holder."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from include.gas.account.sections.rights.declaration import Declaration
from include.gas.answers.access_rights import AccessRight
from include.gas.rights.newest_right import as_holder, meters_with_rights, newest_in, vouches_for

PCE, OTHER = "09999999900003", "09999999900004"
TODAY = date(2026, 11, 27)
SPRING, SUMMER = "2026-04-01T08:00:00.000000Z", "2026-07-01T08:00:00.000000Z"


def right(
    name: str = "a", pce: str = PCE, *, state: str = "Active", holder: str = "Martin", **more: Any
) -> AccessRight:
    line = {"id_pce": pce, "id_droit_acces": name, "etat_droit_acces": state, "nom_titulaire": holder} | more
    found = AccessRight.from_line(line)
    assert found
    return found


def consent(name: str, pce: str = PCE, brought: str = SPRING, *others: dict[str, Any]) -> dict[str, Any]:
    return {"pce": pce, "id_accreditation": name, "brought": brought, "others": list(others)}


def newest(listed: list[AccessRight], *consents: dict[str, Any]) -> list[str] | None:
    document = {"_id": "a", "oauth_callback_results": {"consents": list(consents)}}
    found = newest_in(listed, meters_with_rights(document))
    return None if found is None else [each.id for each in found]


def test_of_one_meter_it_is_the_first() -> None:
    """However wrong the clocks were."""
    entry = consent("new", PCE, SPRING, consent("old", PCE, SUMMER))
    assert newest([right("old"), right("new")], entry) == ["new"]


def test_of_several_meters_it_is_what_was_brought_last() -> None:
    listed = [right("a"), right("b", OTHER)]
    assert newest(listed, consent("a", brought=SUMMER), consent("b", OTHER)) == ["a"]
    assert newest(listed, consent("a", brought=""), consent("b", OTHER)) == ["b"]
    assert newest(listed, consent("a"), consent("b", OTHER)) == ["a", "b"], "with one consent"


@pytest.mark.parametrize("state", ["A valider", "Refusée"])
def test_one_to_which_nobody_has_agreed_is_none(state: str) -> None:
    entry = consent("new", PCE, SUMMER, consent("old"))
    assert newest([right("new", state=state), right("old", state="Révoquée")], entry) == ["old"]
    assert newest([right("new", state=state)], consent("new")) == []


def test_nor_is_one_that_was_over_before_anybody_agreed() -> None:
    never = consent("new", PCE, SUMMER, consent("old")) | {"unusable": "obsolete, without ever being in force"}
    listed = [right("new", state="Obsolète", holder="Petit"), right("old", state="Révoquée")]
    assert newest(listed, never) == ["old"]
    assert newest(listed, never | {"unusable": "obsolete"}) == ["new"]
    assert newest([right("new"), listed[1]], never) == ["new"], "it is in force after all"


def test_one_that_was_in_force_has_been_agreed_to_whatever_the_list_says_now() -> None:
    known = consent("new", PCE, SUMMER, consent("old")) | {"first": "2024-01-01"}
    for state in ("Refusée", "A valider", "A revérifier", "Obsolète"):
        listed = [right("new", state=state), right("old", state="Révoquée")]
        assert newest(listed, known) == ["new"]
        assert newest(listed, known | {"accepted": False, "unusable": "obsolete"}) == ["old"]


def test_a_list_that_does_not_show_it_says_nothing() -> None:
    assert newest([right("old")], consent("new", PCE, SUMMER, consent("old"))) is None
    assert newest([right("new", OTHER)], consent("new")) is None
    assert newest([right("b", OTHER)], consent("a", brought=SPRING), consent("b", OTHER, SUMMER)) == ["b"]


@pytest.mark.parametrize("results", [None, {}, 3, {"consents": 3}, {"consents": [{"pce": PCE}]}, {"pce_id": PCE}])
def test_an_account_without_a_right_has_none(results: object) -> None:
    assert meters_with_rights({"_id": "a", "oauth_callback_results": results}) == []
    assert meters_with_rights(None) == []


@pytest.mark.parametrize(
    ("listed", "entered", "vouches"),
    [
        ({"holder": "Marie MARTIN"}, {"name": "martin"}, True),
        ({}, {"name": "Petit"}, False),
        ({"courriel_titulaire": "m@invented.example"}, {"name": "Petit", "email": "M@invented.example"}, True),
        (
            {"holder": "", "courriel_titulaire": "m@invented.example"},
            {"name": "Petit", "email": "m@invented.example"},
            True,
        ),
        ({"holder": ""}, {"name": "Petit"}, False),
        ({"holder": ""}, {"name": ""}, False),
        ({}, {"name": "", "email": ""}, False),
        ({"holder": "SCI Martin"}, {"company": "sci martin"}, True),
    ],
)
def test_it_vouches_for_its_holder_alone(listed: dict[str, Any], entered: dict[str, str], vouches: bool) -> None:
    """One whose holder GRDF does not name vouches for nobody."""
    assert vouches_for(right(**listed), Declaration(pce=PCE, **entered), TODAY) is vouches
    assert vouches_for(right(**listed), as_holder(right(holder="Petit")), TODAY) is False


@pytest.mark.parametrize(
    ("listed", "lasted"),
    [
        ({}, True),
        ({"date_fin_droit_acces": "2026-06-30"}, True),
        ({"date_fin_droit_acces": "2026-03-30"}, False),
        ({"state": "Révoquée", "date_revocation": "2026-04-02"}, True),
        ({"state": "Révoquée", "date_revocation": "2026-03-31"}, False),
        ({"state": "Révoquée"}, False),
    ],
)
def test_where_somebody_else_may_have_come_it_must_have_lasted_until_then(listed: dict[str, Any], lasted: bool) -> None:
    martin = Declaration(pce=PCE, name="Martin")
    assert vouches_for(right(**listed), martin, TODAY, since=SPRING) is lasted
    assert vouches_for(right(**listed), martin, TODAY)
