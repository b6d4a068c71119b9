"""Contract and technical answers, with figures in every form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.gas.answers.contract import Contract, read_contract, read_frequency
from include.gas.errors import ConsentLost, ConsentTooNarrow, ServiceUnavailable
from include.gas.meter_tag import meter_tag

PCE = "09900000000017"


def answer(key: str, facts: Any, **more: Any) -> str:
    return json.dumps({"pce": {"id_pce": PCE}, key: facts, "statut_restitution": None, **more})


def contract(**facts: Any) -> Contract | None:
    return read_contract(answer("donnees_contractuelles", facts), account="a", pce=PCE)


def frequency(word: Any) -> str:
    facts = {
        "situation_compteur": {"nom_rue": "RUE INVENTEE", "commune": "VILLE-EXEMPLE"},
        "caracteristiques_compteur": {"frequence": word, "client_sensible_mig": "Non"},
    }
    return read_frequency(answer("donnees_techniques", facts), account="a", pce=PCE)


def test_a_contract_with_objects() -> None:
    found = contract(
        date_mes="2019-05-02",
        tarif_acheminement="T2",
        car={"car_actuelle": 11400, "car_future": 11000},
        cja={"cja": None, "cja_journaliere": None},
        profil={"profil_type_actuel": "P012"},
    )
    assert found == Contract("T2", "P012", 11400)


def test_an_annual_use_beyond_all_use_is_none() -> None:
    assert contract(car={"car_actuelle": 10**10}) == Contract(car=10**10)
    assert contract(car={"car_actuelle": 10**10 + 1}) == Contract()


def test_a_contract_with_bare_numbers() -> None:
    found = contract(car=9426, cja=0, profil="P012", tarif_acheminement=" t2 ", date_mes="2019-05-02 00:00:00")
    assert found == Contract("T2", "P012", 9426)


@pytest.mark.parametrize("odd", [None, "11400", True, -1, [], {}, {"car_actuelle": "many"}, 10**25, 1e30, 10**400])
def test_odd_figures_are_none(odd: Any) -> None:
    assert contract(car=odd, profil=odd if isinstance(odd, dict) else None) == Contract()


@pytest.mark.parametrize(("word", "code"), [("1M", "1M"), (" mm ", "MM"), ("2X", "2X"), (None, "")])
def test_the_frequency(word: Any, code: str) -> None:
    assert frequency(word) == code


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"code": "1000014", "message": "non"}, ConsentLost),
        ({"code": "9990005", "message": "Le périmètre consenti ne comprend pas ces données."}, ConsentTooNarrow),
        ({"code": "1000009", "message": ""}, ConsentTooNarrow),
    ],
)
def test_refusals(status: dict[str, str], error: type[Exception]) -> None:
    for read, key in ((read_contract, "donnees_contractuelles"), (read_frequency, "donnees_techniques")):
        with pytest.raises(error, match=meter_tag("a", PCE)):
            read(answer(key, None, statut_restitution=status), account="a", pce=PCE)


@pytest.mark.parametrize("text", ["", answer("donnees_contractuelles", None, statut_restitution={"code": "1000008"}),
                                  answer("donnees_contractuelles", None)])  # fmt: skip
def test_grdf_has_none(text: str) -> None:
    assert read_contract(text, account="a", pce=PCE) is None


OTHER = json.dumps({"pce": {"id_pce": "GI999001"}, "donnees_contractuelles": {"car": 1}})


@pytest.mark.parametrize("text", ["<html>", '{"pce": {', '{"odd": 1}', answer("donnees_techniques", {}), OTHER])
def test_what_cannot_be_read_is_tried_again(text: str) -> None:
    with pytest.raises(ServiceUnavailable, match="could not be read"):
        read_contract(text, account="a", pce=PCE)
