"""Quirks of responses, set per meter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.sandbox.adict.meter_data.quirks import LAYOUTS
from include.sandbox.control import ControlRefused

PCE = "09999990000700"
WINDOW = ("2026-05-01", "2026-05-06")
DAYS = [f"2026-05-0{day}" for day in range(1, 6)]


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE])


@pytest.fixture(autouse=True)
def no_quirks_left(adict: Any) -> Any:
    yield
    adict.control.set_quirks(PCE)


def objects(text: str) -> list[Any]:
    """Return the JSON objects in a text that otherwise contains only whitespace."""
    decoder, found, text = json.JSONDecoder(), [], text.lstrip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def text_with(adict: Any, *layout: str) -> str:
    adict.control.set_quirks(PCE, layout=layout)
    answer = adict.daily(PCE, *WINDOW)
    assert answer.status_code == 200
    return answer.content.decode()


def test_layouts(adict):
    plain = objects(text_with(adict))
    assert len(plain) == 5
    glued = text_with(adict, "glued")
    assert "}{" in glued
    assert "\n" not in glued
    assert objects(glued) == plain
    pretty = text_with(adict, "pretty", "blank_lines")
    assert pretty.count("\n") > 100
    assert objects(pretty) == plain
    nbsp = text_with(adict, "nbsp", "bom")
    assert nbsp.startswith("\ufeff\u00a0 {")
    assert objects(nbsp[1:]) == plain
    assert objects(text_with(adict, "envelope")) == [{"liste_acces": plain}]
    assert objects(text_with(adict, "array")) == [plain]
    status = objects(text_with(adict, "status_line"))
    assert status[:-1] == plain
    assert status[-1]["code_statut_traitement"] == "0000000000"


def test_broken_layouts_cost_no_good_line(adict):
    plain = text_with(adict)
    missing = text_with(adict, "missing_bracket")
    broken, _, rest = missing.partition("\n")
    assert broken.count("{") == broken.count("}") + 1
    assert rest == plain
    truncated = text_with(adict, "truncated")
    assert truncated.startswith(plain)
    with pytest.raises(json.JSONDecodeError):
        objects(truncated)


def test_empty_body_stands_for_no_data(adict):
    adict.control.set_quirks(PCE, layout=["empty_body"], frequency="6M")
    assert adict.daily(PCE, *WINDOW).content == b""


def test_line_quirks_and_what_an_ideal_client_keeps(adict):
    adict.control.set_quirks(
        PCE,
        lines={
            "duplicate": [DAYS[0]],
            "foreign": True,
            "missing": [DAYS[1]],
            "absent_null": [DAYS[2]],
            "absent_zero": [DAYS[3]],
            "broken": {DAYS[4]: "douze"},
        },
    )
    lines = adict.daily_lines(PCE, *WINDOW)
    said = [
        (li["pce"]["id_pce"] == PCE, li["consommation"]["journee_gaziere"][-2:], li["consommation"]["energie"])
        for li in lines
    ]
    energy = lines[0]["consommation"]["energie"]
    assert said == [
        (True, "01", energy),
        (False, "01", energy),
        (True, "01", energy),
        (True, "03", None),
        (True, "04", 0),
        (True, "05", "douze"),
    ]
    assert (
        lines[3]["consommation"]["type_qualif_conso"]
        == lines[4]["consommation"]["type_qualif_conso"]
        == "Absence de Données"
    )
    assert adict.control.expected(PCE, *WINDOW) == {DAYS[0]: energy}


def test_partial_answer_once_then_whole(adict):
    adict.control.set_quirks(PCE, lines={"partial": {"from": DAYS[3], "times": 1}})
    lines = adict.daily_lines(PCE, *WINDOW)
    assert len(lines) == 4
    assert lines[-1]["statut_restitution"]["code"] == "2000100"
    assert lines[-1]["periode"] == {"valeur": None, "date_debut": DAYS[3], "date_fin": WINDOW[1]}
    assert len(adict.control.expected(PCE, *WINDOW)) == 5
    assert len(adict.daily_lines(PCE, DAYS[3], WINDOW[1])) == 2
    adict.control.set_quirks(PCE, lines={"partial": {"from": DAYS[3], "times": None}})
    assert adict.daily_lines(PCE, *WINDOW)[-1]["statut_restitution"]["code"] == "2000100"
    assert list(adict.control.expected(PCE, *WINDOW)) == DAYS[:3]


def test_published_twin(adict):
    adict.control.set_quirks(PCE, lines={"published_twin": True})
    dates = {"date_debut": "2026-04-01", "date_fin": "2026-05-01"}
    twin, month = objects(adict.call("GET", f"/pce/{PCE}/donnees_consos_publiees", params=dates).text)
    assert twin["consommation"]["date_debut_consommation"] == month["consommation"]["date_debut_consommation"]
    assert twin["consommation"]["type_qualif_conso"] == "Absence de Données"
    assert twin["consommation"]["date_fin_consommation"] < month["consommation"]["date_fin_consommation"]


def test_rights_lists_take_layouts_too(adict):
    adict.control.set(rights_layout=["envelope"])
    (envelope,) = objects(adict.call("POST", "/droits_acces", json={"id_pce": [PCE]}).text)
    assert [line.get("id_pce") for line in envelope["liste_acces"]] == [PCE, None]
    adict.control.set(rights_layout=[])


@pytest.mark.parametrize(
    "quirks", [{"layout": ["upside_down"]}, {"lines": {"odd": True}}, {"lines": {"missing": ["soon"]}}]
)
def test_unknown_quirk_is_refused(adict, quirks):
    with pytest.raises(ControlRefused, match="400"):
        adict.control.set_quirks(PCE, **quirks)


def test_every_layout_is_tested_here():
    assert len(LAYOUTS) == 12
