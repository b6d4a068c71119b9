"""Whose a right in GRDF's list is: of whom we declare it for, or of another household."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from include.gas.account.declaration import Declaration
from include.gas.account.declared_right import declared, is_of_another, request_of, wanted_right
from include.gas.answers.access_rights import AccessRight

PCE = "09900000000017"
DURAND = Declaration(pce=PCE, name="Durand-Été", postcode="69003", email="Anna@Example.org", perimeters=["publiees"])
SHOP = Declaration(pce=PCE, company="Le Pain SARL", postcode="69003", email="pain@example.org")


def right(name: str = "", email: str = "", name_of: str = "u-1", **more: Any) -> AccessRight:
    return AccessRight(name_of, PCE, "", "active", holder=(name, email, ""), **more)


@pytest.mark.parametrize(
    ("shown", "asked", "fits"),
    [
        (right("durand ete", "anna@example.org"), DURAND, True),
        (right("somebody", "anna@example.org"), DURAND, True),  # the address decides
        (right("durand ete", "bob@example.org"), DURAND, False),
        (right("anna durand ete"), DURAND, True),  # GRDF adds first names
        (right("durand"), DURAND, True),
        (right("durand dupont"), DURAND, False),
        (right(), DURAND, False),  # nobody's
        (right("le pain sarl"), SHOP, True),
        (right("le pain"), SHOP, True),
        (right("durand ete"), SHOP, False),
    ],
)
def test_a_right_is_of_whom_it_is_declared_for(shown: AccessRight, asked: Declaration, fits: bool) -> None:
    assert shown.is_held_by(asked.holder, asked.email) is fits


@pytest.mark.parametrize(
    ("shown", "another"),
    [
        ([right("bob", "bob@example.org")], True),
        ([right("durand ete", "new@example.org")], False),  # people change their address
        ([right("married", "anna@example.org")], False),  # or their name
        ([right("bob", "bob@example.org"), right("durand ete", "", "u-2")], False),  # one of its rights fits
        ([right("bob", "bob@example.org", "u-9")], False),  # not the account's
        ([right("bob", "bob@example.org", made_on_site=True)], False),  # nobody has declared it
        ([right()], False),
        ([], False),
    ],
)
def test_an_account_is_another_household_s_if_all_its_rights_are(shown: list[AccessRight], another: bool) -> None:
    assert is_of_another(shown, ["u-1", "u-2"], DURAND) is another
    assert not is_of_another(shown, [], DURAND)


def test_what_is_asked_for() -> None:
    sent = request_of(DURAND, date(2024, 2, 29))
    assert sent["date_fin_droit_acces"] == "2027-03-01", "29 February"
    assert (sent["perim_donnees_conso_debut"], sent["perim_donnees_conso_fin"]) == ("2019-03-03", "2027-03-02")
    assert {name for name, said in sent.items() if said == "Vrai"} == {"perim_donnees_publiees"}
    assert "numero_telephone_mobile_titulaire" not in sent
    assert "nom_titulaire" not in request_of(SHOP, date(2024, 2, 29))
    assert wanted_right(DURAND).published
    assert not wanted_right(SHOP).published


@pytest.mark.parametrize(
    ("body", "id_", "waits"),
    [
        ('{"id_droit_acces": "u-1", "code_statut_traitement": "0000000002"}', "u-1", True),
        ('{"id_droit_acces": "../x y", "code_statut_traitement": "0000000000"}', "", False),
        ("<html>", "", True),
    ],
)
def test_what_grdf_answers(body: str, id_: str, waits: bool) -> None:
    assert declared(body) == (id_, waits)
