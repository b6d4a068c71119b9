"""What GRDF says beside the energy is read as far as it can be, and nothing odd in it loses the energy."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from include.gas.answers.consumption.daily import MEASURES, read_daily
from include.gas.days.windows import Window

PCE = "09900000000017"
WINDOW = Window(date(2024, 3, 28), date(2024, 3, 29))


def read(*, start: Any = None, end: Any = None, **use: Any) -> dict[str, Any]:
    consumption = {"journee_gaziere": "2024-03-28", "energie": 60, **use}
    text = json.dumps({"releve_debut": start, "releve_fin": end, "consommation": consumption})
    (reading,) = read_daily(text, account="a", pce=PCE, window=WINDOW).rows
    assert reading.load == 60
    return dict(reading.measures)


def test_all_of_a_whole_line() -> None:
    told = read(
        start={
            "date_releve": "2024-03-28T06:00:00+01:00",
            "index_brut_debut": {"valeur_index": 4007, "horodate_Index": "2024-03-28T06:00:10+01:00"},
            "index_converti_debut": {"valeur_index": 4100.5},
        },
        end={
            "date_releve": "2024-03-29T06:00:00+01:00",
            "index_brut_fin": {"valeur_index": 4012.0, "horodate_Index": None},
            "index_converti_fin": {"valeur_index": 4105},
        },
        volume_brut=5.3,
        volume_converti=5.4,
        coeff_calcul={"coeff_pta": 0.98, "valeur_pcs": 11.4, "coeff_conversion": 11.17},
        flag_retour_zero=False,
        type_qualif_conso="Mesuré",
        statut_conso="Provisoire",
    )
    assert told == {
        "volume": 5.3,
        "converted_volume": 5.4,
        "coefficient": 11.17,
        "pta": 0.98,
        "pcs": 11.4,
        "index_start": 4007,
        "index_start_at": "2024-03-28T05:00:10.000000Z",
        "index_end": 4012,
        "index_end_at": "2024-03-29T05:00:00.000000Z",
        "converted_index_start": 4100.5,
        "converted_index_end": 4105,
        "through_zero": False,
        "grdf_quality": "Mesuré",
        "grdf_status": "Provisoire",
    }
    assert set(told) == MEASURES


def test_what_grdf_does_not_say_has_no_key() -> None:
    assert read() == {}


@pytest.mark.parametrize(
    "odd", [-1, True, "5", [5], {}, 1e300, 10**400, float("nan"), None], ids=lambda odd: str(odd)[:9]
)
def test_an_odd_number_is_left_out(odd: Any) -> None:
    told = read(
        end={"date_releve": "2024-03-29T06:00:00+01:00", "index_brut_fin": {"valeur_index": odd}},
        volume_brut=odd,
        volume_converti=odd,
        coeff_calcul={"coeff_pta": odd, "valeur_pcs": odd, "coeff_conversion": odd},
    )
    assert told == {}


@pytest.mark.parametrize(
    "odd", [None, [], "x", 3, {"index_brut_fin": 3}, {"index_brut_fin": {"valeur_index": None}}], ids=repr
)
def test_an_odd_reading_of_the_meter_is_left_out(odd: Any) -> None:
    assert read(start=odd, end=odd, coeff_calcul=odd) == {}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-03-29T06:00:00", "2024-03-29T05:00:00.000000Z"),  # without an offset it is Paris's time
        ("hier", None),
        (20240329, None),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_when_an_index_was_taken(text: Any, moment: str | None) -> None:
    told = read(end={"index_brut_fin": {"valeur_index": 7, "horodate_Index": text}})
    assert (told["index_end"], told.get("index_end_at")) == (7, moment)


def test_long_words_are_cut() -> None:
    told = read(type_qualif_conso="M" * 500, statut_conso=["Provisoire"])
    assert told == {"grdf_quality": "M" * 40}
