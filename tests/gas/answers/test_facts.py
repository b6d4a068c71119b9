"""What GRDF answers of a meter and its rights: the contract, how often it is read, the list of rights, proofs."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from include.gas.answers.access_rights import WAITING, AccessRight, Role, is_same_name, is_usable, parse_rights
from include.gas.answers.contract import Contract, parse_contract, parse_frequency
from include.gas.answers.proof_state import proof_deadline, proof_state
from include.gas.errors import BadRequest, RightLost, RightTooNarrow, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.sandbox.adict.access.rights import PROOFS

PCE = "09900000000017"


def answer(key: str, facts: Any, **more: Any) -> str:
    return json.dumps({"pce": {"id_pce": PCE}, key: facts, "statut_restitution": None, **more})


def contract(**facts: Any) -> Contract | None:
    return parse_contract(answer("donnees_contractuelles", facts), account="a", pce=PCE)


def frequency(word: Any) -> str:
    facts = {
        "situation_compteur": {"nom_rue": "RUE INVENTEE", "commune": "VILLE-EXEMPLE"},
        "caracteristiques_compteur": {"frequence": word, "client_sensible_mig": "Non"},
    }
    return parse_frequency(answer("donnees_techniques", facts), account="a", pce=PCE)


def test_a_contract() -> None:
    objects = {"car": {"car_actuelle": 11400, "car_future": 11000}, "cja": {"cja": None, "cja_journaliere": None}}
    found = contract(date_mes="2019-05-02", tarif_acheminement="T2", profil={"profil_type_actuel": "P012"}, **objects)
    assert found == Contract("T2", "P012", 11400)
    bare = contract(car=9426, cja=0, profil="P012", tarif_acheminement=" t2 ", date_mes="2019-05-02 00:00:00")
    assert bare == Contract("T2", "P012", 9426)
    assert contract(car={"car_actuelle": 10**10}) == Contract(car=10**10)
    assert contract(car={"car_actuelle": 10**10 + 1}) == Contract(), "beyond all use"
    for odd in (None, "11 MWh", True, -1, [], {}, {"car_actuelle": "many"}, 10**25, 1e30, 10**400):
        assert contract(car=odd, profil=odd if isinstance(odd, dict) else None) == Contract()
    with_other = OTHER + "\n" + answer("donnees_contractuelles", {"car": 9426})
    assert parse_contract(with_other, account="a", pce=PCE) == Contract(car=9426)
    assert [frequency(word) for word in ("1M", " mm ", "2X", None)] == ["1M", "MM", "2X", ""]


NO_DATA = answer("donnees_contractuelles", None, statut_restitution={"code": "1000008"})
OTHER = json.dumps({"pce": {"id_pce": "GI999001"}, "donnees_contractuelles": {"car": 1}})


def test_grdf_refuses_has_no_contract_or_it_cannot_be_read() -> None:
    for code, error in (("1000014", RightLost), ("9990005", RightTooNarrow), ("1000009", RightTooNarrow)):
        status = {"code": code, "message": "Le périmètre consenti ne comprend pas ces données."}
        for reader, key in ((parse_contract, "donnees_contractuelles"), (parse_frequency, "donnees_techniques")):
            with pytest.raises(error, match=meter_tag("a", PCE)):
                reader(answer(key, None, statut_restitution=status), account="a", pce=PCE)
    for text in ("", NO_DATA, answer("donnees_contractuelles", None)):
        assert parse_contract(text, account="a", pce=PCE) is None
    for text in ("<html>", '{"pce": {', '{"odd": 1}', answer("donnees_techniques", {}), OTHER):
        with pytest.raises(ServiceUnavailable, match="could not be read"):
            parse_contract(text, account="a", pce=PCE)


def right(**more: Any) -> dict[str, Any]:
    return {
        "id_droit_acces": " u-1 ", "id_pce": PCE, "etat_droit_acces": "Active", "courriel_titulaire": "A@Example.org",
        "role_tiers": "AUTORISE_CONTRAT_FOURNITURE", "nom_titulaire": "Durand-Été", "code_postal": "69003",
        "date_debut_droit_acces": "2024-01-01", "date_fin_droit_acces": "2027-01-01", "date_revocation": None,
        "perim_donnees_conso_debut": "2021-01-01", "perim_donnees_conso_fin": "2027-01-02",
        "perim_donnees_informatives": "Vrai", "perim_donnees_publiees": "Faux", "parcours": "CLIENT_CONNECT",
        "date_creation": "2024-01-01T08:00:00Z", "statut_controle_preuve": "preuve en ATTENTE",
        "date_limite_transmission_preuve": "2026-07-31", **more,
    }  # fmt: skip


def listed(*lines: Any) -> tuple[AccessRight, ...]:
    return parse_rights("\n".join(map(json.dumps, lines)), account="a").rights


def test_a_line_of_the_list() -> None:
    (found,) = listed({f"{key} : ": value for key, value in right().items()})
    days = [date.fromisoformat(day) for day in ("2024-01-01", "2027-01-01", "2021-01-01", "2027-01-02", "2024-01-01")]
    plain = AccessRight("u-1", PCE, Role.SUPPLY, "active", *days[:4], True, False, days[4])
    assert (found, found.revoked) == (plain, None)
    for name in ("date_revocation", "date_passage_a_obsolete"):
        assert listed(right(**{name: "2025-05-01"}))[0].revoked == date(2025, 5, 1)
    assert (found.created_at, found.made_on_site) == ("2024-01-01T08:00:00.000000Z", True)
    assert found.holder == ("durand-ete", "a@example.org", "69003")
    assert (found.proof, found.proof_until) == ("asked", date(2026, 7, 31))
    (shop,) = listed(right(nom_titulaire=None, raison_sociale_du_titulaire="Le Pain", parcours=None))
    assert (shop.holder[0], shop.made_on_site) == ("le pain", False)


@pytest.mark.parametrize(
    ("word", "state", "stands"),
    [
        ("Active", "active", True), ("A valider", WAITING, True), ("À valider", WAITING, True),
        ("Révoquée", "revoked", False), ("révoqué", "revoked", False), ("Obsolète", "obsolete", False),
        ("Refusé", "refused", False), ("A revérifier", "to be checked again by GRDF", False), ("Autre", "autre", False),
    ],
)  # fmt: skip
def test_states_of_rights(word: str, state: str, stands: bool) -> None:
    (found,) = listed(right(etat_droit_acces=word))
    assert (found.state, found.is_live) == (state, stands)


def test_perimeters_and_names() -> None:
    flags = {True: (True, "vrai", "TRUE", "oui"), False: (False, "false", "non", "faux"), None: (None, "?")}
    for flag, words in flags.items():
        for said in words:
            (found,) = listed(right(perim_donnees_informatives=said))
            assert (found.informative, is_usable(found, date(2024, 1, 1))) == (flag, flag is not False)
    for one, other, same in (("Durand Été", "anna durand-ete", True), ("durand", "", False), ("a b", "a c", False)):
        assert is_same_name(one, other) is is_same_name(other, one) is same


INJECTION = {"role_tiers": "AUTORISE_CONTRAT_INJECTION", "perim_donnees_publiees": None}


@pytest.mark.parametrize(
    ("day", "more", "usable"),
    [("2024-01-01", {}, True), ("2023-12-31", {}, False), ("2027-01-01", {}, True), ("2027-01-02", {}, False),
     ("2024-01-01", {"role_tiers": "producteur"}, False), ("2024-01-01", {"etat_droit_acces": "A valider"}, False),
     ("2024-01-01", INJECTION | {"perim_donnees_informatives": "Faux"}, True),
     ("2024-01-01", INJECTION | {"perim_donnees_publiees": "Faux"}, False),
     ("2024-01-01", {"role_tiers": "Detenteur_Contrat_Fourniture", "perim_donnees_informatives": None}, True),
     ("2030-01-01", {"date_fin_droit_acces": None, "date_debut_droit_acces": None, "role_tiers": ""}, True)],
)  # fmt: skip
def test_which_rights_allow_reading(day: str, more: dict[str, Any], usable: bool) -> None:
    assert is_usable(listed(right(**more))[0], date.fromisoformat(day)) is usable


def test_the_days_of_an_injection() -> None:
    (found,) = listed(right(role_tiers="DETENTEUR_CONTRAT_INJECTION", perim_donnees_inj_debut="2024-02-01"))
    assert (found.role, found.data_first, found.data_end) == (Role.OWN_INJECTION, date(2024, 2, 1), None)


STATUS = {"code_statut_traitement": "0000000000", "message_retour_traitement": "ok"}
REFUSAL = {"code_statut_traitement": "1000000006", "message_retour_traitement": "pce de Durand inconnu"}


@pytest.mark.parametrize(
    ("lines", "rights", "odd"),
    [
        ([right(), right(id_droit_acces="u-2"), STATUS], 2, 0), ([right(), right(id_pce="x"), {"odd": 1}], 1, 2),
        ([right(), right(id_droit_acces="a b")], 1, 1), ([right(), right(id_pce=7), right(id_droit_acces=None)], 1, 2),
        ([right(), REFUSAL], 1, 1), ([], 0, 0), ([STATUS | {"message_retour_traitement": "Aucun droit d'accès"}], 0, 0),
        ([{"code_statut_traitement": "1000000099", "message_retour_traitement": "Aucun droit d'accès"}], 0, 0),
    ],
)  # fmt: skip
def test_a_list_of_rights(lines: list[Any], rights: int, odd: int) -> None:
    found = parse_rights("\n".join(map(json.dumps, lines)), account="a")
    assert (len(found.rights), found.odd) == (rights, odd)


def test_a_list_that_is_refused_or_cannot_be_read() -> None:
    with pytest.raises(BadRequest, match=r"^Account a: ") as caught:
        listed(REFUSAL)
    assert "Durand" not in str(caught.value)
    for text in ('{"odd": 1}', "<html>"):
        with pytest.raises(ServiceUnavailable, match=r"^Account a: .*could not be read"):
            parse_rights(text, account="a")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (None, ""), ("", ""), ("Preuve en attente", "asked"), ("PREUVE EN ATTENTE", "asked"),
        ("preuve  en\tattente ", "asked"), ("Preuve en cours de vérification", "checking"),
        ("Preuve Vérifiée OK", "accepted"), ("preuve verifiee ok", "accepted"),
        ("PREUVE VE\u0301RIFIE\u0301E KO", "refused"), ("Preuve vérifiée", "unknown"), ("Autre chose", "unknown"),
        (True, "unknown"), (7, "unknown"), ([], "unknown"),
    ],
)  # fmt: skip
def test_words_about_proofs(said: Any, state: str) -> None:
    assert proof_state(said) == state
    assert [proof_state(word) for word in PROOFS] == ["asked", "checking", "accepted", "refused"]


def test_the_deadline_of_a_proof() -> None:
    for said in ("2026-07-31", "2026-07-31 23:59:59", "2026-07-31T00:00:00+02:00", "31/07/2026"):
        assert proof_deadline(said) == date(2026, 7, 31)
    for odd in (None, True, 7, [], {}, "", "soon", "31/13/2026"):
        assert proof_deadline(odd) is None
