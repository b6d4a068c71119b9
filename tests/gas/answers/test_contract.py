"""Contract and technical answers, with figures in every form."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from include.gas.account.sections.facts import with_meter_facts, without_late_facts
from include.gas.answers.contract import Contract, has_daily_data, no_daily_data, read_contract, read_frequency
from include.gas.days.windows import Window
from include.gas.errors import ConsentLost, ConsentTooNarrow, ServiceUnavailable
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held

PCE = "09900000000017"
READ_AT = "2024-06-01T11:00:00+00:00"


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
    assert found == Contract("T2", "P012", 11400, 11000, None, date(2019, 5, 2))


def test_an_annual_use_beyond_all_use_is_none() -> None:
    found = contract(car={"car_actuelle": 10**10, "car_future": 10**10 + 1})
    assert found is not None
    assert (found.car, found.car_next) == (10**10, None)


def test_a_contract_with_bare_numbers() -> None:
    found = contract(car=9426, cja=0, profil="P012", tarif_acheminement=" t2 ", date_mes="2019-05-02 00:00:00")
    assert found == Contract("T2", "P012", 9426, None, 0, date(2019, 5, 2))


@pytest.mark.parametrize("odd", [None, "11400", True, -1, [], {}, {"car_actuelle": "many"}, 10**25, 1e30, 10**400])
def test_odd_figures_are_none(odd: Any) -> None:
    found = contract(car=odd, cja=odd, profil=odd if isinstance(odd, dict) else None)
    assert found is not None
    assert (found.car, found.cja, found.profile) == (None, None, "")


@pytest.mark.parametrize(
    ("word", "daily"), [("1M", True), (" mm ", True), ("6M", False), ("JJ", False), ("2X", None), (None, None)]
)
def test_the_frequency_tells_whether_there_are_days(word: Any, daily: bool | None) -> None:
    assert has_daily_data(frequency(word)) is daily
    said = no_daily_data("a", PCE, frequency(word))
    assert bool(said) is (daily is False)
    if said:
        assert meter_tag("a", PCE) in said
        assert PCE not in said
        assert "no daily data" in said


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


def test_what_an_account_says() -> None:
    held = Held(pce=PCE, right="right-1", days=(Window(date(2020, 1, 1), date(2024, 6, 15)),))
    document = with_meter_facts(
        {"_id": "home"}, held, read_at=READ_AT, contract=contract(car=11400, tarif_acheminement="T2"),
        frequency="1M", refused={},
    )  # fmt: skip
    entry = document["meter_facts"][PCE]
    assert entry == {
        "frequency": "1M", "tariff": "T2", "car": 11400, "daily_data": True, "car_next": None, "cja": None,
        "profile": None, "commissioned": None, "id_accreditation": "right-1",
        "read_at": "2024-06-01T11:00:00.000000Z",
    }  # fmt: skip
    refused = {"contract": "The household's consent does not include the contract data."}
    later = with_meter_facts(
        document, held, read_at="2024-07-01T11:00:00Z", contract=None, frequency="6M", refused=refused
    )["meter_facts"][PCE]
    assert (later["car"], later["frequency"], later["daily_data"]) == (11400, "6M", False)
    assert later["refused"] == refused
    assert "every six months" in later["message"]
    back = with_meter_facts(
        {"meter_facts": {PCE: later}}, held, read_at=READ_AT, contract=None, frequency="1M", refused={}
    )["meter_facts"][PCE]
    assert not {"message", "refused"} & back.keys()
    assert without_late_facts(document, held) == document
    assert without_late_facts({"_id": "home", "meter_facts": {PCE: later}}, held) == {"_id": "home"}, "the next one's"
