"""Answers: from lines to readings, with every line counted."""

from __future__ import annotations

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.gas.answers.consumption.daily import DAILY, Reading, read_daily
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.windows import Window
from include.gas.errors import ConsentLost, PartialAnswer, ServiceUnavailable
from include.gas.meter_tag import meter_tag

PCE = "09900000000017"
TAG = meter_tag("a", PCE)
WINDOW = Window(date(2024, 3, 28), date(2024, 4, 2))
D28, D29, D30, D31 = (date(2024, 3, n) for n in (28, 29, 30, 31))


def line(day: str | None = "2024-03-28", energy: Any = 60, **use: Any) -> dict[str, Any]:
    return {
        "pce": {"id_pce": PCE},
        "periode": {"valeur": None, "date_debut": "2024-03-28", "date_fin": "2024-04-02"},
        "releve_debut": {"date_releve": None, "index_brut_debut": {"valeur_index": None, "horodate_Index": None}},
        "releve_fin": {"date_releve": "2024-03-29T06:00:00+01:00"},
        "consommation": {
            "date_debut_consommation": f"{day}T06:00:00+01:00", "journee_gaziere": day,
            "volume_brut": 5, "energie": energy,
            "coeff_calcul": {"coeff_pta": None, "valeur_pcs": None, "coeff_conversion": 11.21},
            "type_qualif_conso": "Mesuré", "sens_flux_gaz": "Consommation", "statut_conso": "Provisoire",
            "type_conso": "Informative Journalier", **use,
        },
        "statut_restitution": None,
    }  # fmt: skip


def refused(code: Any, message: str = "non", **more: Any) -> dict[str, Any]:
    return line() | {"consommation": None, "statut_restitution": {"code": code, "message": message}, **more}


def read(*lines: Any, window: Window = WINDOW) -> Answer[Reading]:
    return read_daily("\n".join(json.dumps(each) for each in lines), account="a", pce=PCE, window=window)


def kinds(answer: Answer[Reading]) -> dict[str, int]:
    return {kind: count for kind, count in answer.counts.items() if count and kind != "lines"}


def test_a_reading() -> None:
    answer = read(line())
    said = {"volume": 5, "coefficient": 11.21, "grdf_quality": "Mesuré", "grdf_status": "Provisoire"}
    assert answer.rows == (Reading(D28, 60, "provisional", "measured", said),)
    assert answer.counts == dict.fromkeys(DAILY.counted, 0) | {"lines": 1, "readings": 1}
    assert answer.problem() is None


@pytest.mark.parametrize(
    ("use", "status", "quality"),
    [
        ({"statut_conso": "Définitive", "type_qualif_conso": "Estimé"}, "definitive", "estimated"),
        ({"statut_conso": "DEFINITIF", "type_qualif_conso": "corrige"}, "definitive", "corrected"),
        ({"statut_conso": " Définitive", "type_qualif_conso": "MESURÉE"}, "definitive", "measured"),
        ({"statut_conso": "DÃ©finitive", "type_qualif_conso": "CorrigÃ©"}, "definitive", "corrected"),
        ({"statut_conso": "D\ufffdfinitive", "type_qualif_conso": None}, "definitive", "estimated"),
        ({"statut_conso": None, "type_qualif_conso": "Autre"}, "provisional", "estimated"),
        ({"statut_conso": "Provisoire"}, "provisional", "measured"),
    ],
)
def test_french_words(use: dict[str, Any], status: str, quality: str) -> None:
    (reading,) = read(line(**use)).rows
    assert (reading.status, reading.quality) == (status, quality)


@pytest.mark.parametrize("energy", ["60", True, float("nan"), float("inf"), -1, -0.1, [], {}, 10**8, 1e300])
def test_an_energy_that_is_none_is_broken(energy: Any) -> None:
    answer = read(line(energy=energy), line("2024-03-29"))
    assert kinds(answer) == {"broken": 1, "readings": 1}
    assert answer.broken == ("gas day 2024-03-28: an energy that is not a number of kWh",)
    assert answer.problem() is None


@pytest.mark.parametrize(("energy", "text"), [(0, "0"), (-0.0, "0"), (60.0, "60"), (60.5, "60.5")])
def test_numbers_have_one_spelling_and_a_measured_zero_counts(energy: Any, text: str) -> None:
    assert [repr(reading.load) for reading in read(line(energy=energy)).rows] == [text]


def test_absent_is_missing_never_zero() -> None:
    answer = read(
        line("2024-03-28", None),
        line("2024-03-29", 0, type_qualif_conso="Absence de Données"),
        line("2024-03-30", 9, type_qualif_conso="ABSENCE DE DONNEES"),
        line("2024-03-31", None),
        line("2024-03-31", 4),
        line() | {"consommation": None},
    )
    assert answer.absent == (D28, D29, D30)
    assert [reading.day for reading in answer.rows] == [D31]
    assert kinds(answer) == {"absent": 5, "readings": 1}


def test_the_best_of_duplicates() -> None:
    answer = read(
        line("2024-03-28", 1), line("2024-03-28", 2), line("2024-03-28", 2),
        line("2024-03-29", 1, statut_conso="Définitive"), line("2024-03-29", 2),
        line("2024-03-30", 1, statut_conso="Définitive"), line("2024-03-30", 2, statut_conso="Définitive"),
    )  # fmt: skip
    assert [(reading.day, reading.load) for reading in answer.rows] == [(D28, 2), (D29, 1), (D30, 2)]
    assert kinds(answer) == {"readings": 3, "duplicate": 4}


def test_what_is_not_ours() -> None:
    answer = read(
        line() | {"pce": {"id_pce": "09900000000018"}},
        line() | {"pce": {"id_pce": []}},
        refused("1000014", pce={"id_pce": "09900000000018"}),
        line(sens_flux_gaz="Production"),
        line(type_conso="Informative horaire"),
        line(type_conso="Publiée"),
        line("2024-03-27"),
        line("2024-04-02"),
    )
    assert kinds(answer) == {"foreign": 6, "outside": 2}
    assert not answer.rows
    assert answer.problem() is None


def test_a_line_that_names_no_meter_or_writes_it_as_a_number_is_ours() -> None:
    unnamed = line("2024-03-29")
    del unnamed["pce"]
    answer = read(line() | {"pce": {"id_pce": int(PCE)}}, unnamed, line("2024-03-30") | {"pce": {"id_pce": None}})
    assert len(answer.rows) == 3


@pytest.mark.parametrize(
    ("use", "day"),
    [
        ({"date_debut_consommation": "2024-03-29T06:00:00+01:00"}, D29),
        ({"date_debut_consommation": "2024-03-29T05:00:00Z"}, D29),
        ({"date_debut_consommation": "2024-03-30T05:59:59+01:00"}, D29),
        ({"date_debut_consommation": "2024-03-29T06:00:00"}, D29),
        ({"date_debut_consommation": "2024-03-29"}, D29),
        ({"journee_gaziere": "2024-03-30T00:00:00"}, D30),
        ({"date_debut_consommation": "soon"}, None),
        ({"date_debut_consommation": 5}, None),
        ({"date_debut_consommation": "0001-01-01T00:00:00+14:00"}, None),
    ],
)
def test_a_day_without_a_label(use: dict[str, Any], day: date | None) -> None:
    answer = read(line(**({"journee_gaziere": None} | use)))
    assert [reading.day for reading in answer.rows] == ([] if day is None else [day])
    assert answer.counts["broken"] == (day is None)


def test_refusals_do_not_lose_the_good() -> None:
    answer = read(refused("2000100"), line(), refused("2000100", "x"), line("2024-03-29"))
    assert [reading.day for reading in answer.rows] == [D28, D29]
    assert isinstance(answer.problem(), PartialAnswer)
    assert f"Account a: meter {TAG}: GRDF failed on part of the answer" in str(answer.problem())


def test_what_needs_a_person_comes_first() -> None:
    assert isinstance(read(refused("2000100"), refused(1000014)).problem(), ConsentLost)


@pytest.mark.parametrize(
    "body", ["", "  \n", "\ufeff", "[]", json.dumps(refused("1000008", "aucune donnée sur la période"))]
)
def test_no_data_is_fine(body: str) -> None:
    answer = read_daily(body, account="a", pce=PCE, window=WINDOW)
    assert answer.counts["lines"] == answer.counts["status"], "GRDF had nothing to say"
    assert answer.problem() is None


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", '{"pce": {', '{"consommation": 5}', "{}"])
def test_an_unreadable_answer_is_tried_again(body: str) -> None:
    answer = read_daily(body, account="a", pce=PCE, window=WINDOW)
    assert answer.counts["lines"] > answer.counts["status"]
    assert isinstance(answer.problem(), ServiceUnavailable)
    assert f"Account a: meter {TAG}: GRDF's answer" in str(answer.problem())


def test_a_message_alone_is_a_refusal_and_success_is_none() -> None:
    assert read({"erreur": "authentification"}).counts["refused"] == 1
    assert read(line() | {"consommation": None, "statut_restitution": "KO"}).problem() is not None
    fine = read(
        line() | {"statut_restitution": {}}, {"code_statut_traitement": "0000000000", "message_retour_traitement": "ok"}
    )
    assert kinds(fine) == {"readings": 1, "status": 1}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["2024-03-29", "1000014"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
PATHS = [
    ("pce",), ("pce", "id_pce"), ("periode",), ("periode", "date_fin"), ("consommation",), ("statut_restitution",),
    *[("consommation", key) for key in line()["consommation"]], ("consommation", "coeff_calcul", "coeff_conversion"),
]  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from([None, *PATHS]), JSON), max_size=6))
def test_anything_anywhere_in_a_line_is_counted_once(changes: list[tuple[tuple[str, ...] | None, Any]]) -> None:
    lines: list[Any] = []
    for path, value in changes:
        changed: Any = copy.deepcopy(line())
        inner = changed
        for key in (path or ())[:-1]:
            inner = inner[key]
        if path:
            inner[path[-1]] = value
        lines.append(changed)
    answer = read(*lines)
    answer.problem()
    assert answer.counts["lines"] == len(lines)
    assert sum(count for kind, count in answer.counts.items() if kind != "lines") == len(lines)
    assert all(reading.day in WINDOW and reading.load >= 0 for reading in answer.rows)


@given(st.binary(max_size=100))
def test_any_bytes(body: bytes) -> None:
    read_daily(body, account="a", pce=PCE, window=WINDOW).problem()


@given(st.dictionaries(st.dates(date(2021, 1, 1), date(2024, 1, 1)), st.integers(0, 500), max_size=8), st.randoms())
def test_all_good_lines_come_back_in_order(loads: dict[date, int], shuffle: Any) -> None:
    lines = [line(day.isoformat(), load) for day, load in loads.items()]
    shuffle.shuffle(lines)
    answer = read(*lines, window=Window(date(2021, 1, 1), date(2024, 1, 2)))
    assert [(reading.day, reading.load) for reading in answer.rows] == sorted(loads.items())
