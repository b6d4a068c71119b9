"""Quirks of responses, set per meter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

PCE = "09999990000700"
WINDOW = ("2026-05-01", "2026-05-06")
DAYS = [f"2026-05-0{day}" for day in range(1, 6)]


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE])


@pytest.fixture(autouse=True)
def no_quirks_left(adict: Any) -> Iterator[None]:
    yield
    adict.control.set_quirks(PCE)


def objects(text: str) -> list[Any]:
    """Return the JSON objects in a text that otherwise contains only whitespace."""
    decoder, found, text = json.JSONDecoder(), [], text.lstrip("\ufeff\u00a0 \n")
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
    status = {"code_statut_traitement": "0000000000", "message_retour_traitement": "Opération réussie."}
    for layout, shown, wanted in (
        (["glued"], "}{", plain),
        (["pretty", "blank_lines"], "}\n\n \n{", plain),
        (["nbsp", "bom"], "\ufeff\u00a0 {", plain),
        (["envelope"], '{"liste_acces":[', [{"liste_acces": plain}]),
        (["array"], "[{", [plain]),
        (["status_line"], "\n", [*plain, status]),
    ):
        text = text_with(adict, *layout)
        assert shown in text
        assert objects(text) == wanted


def test_broken_layouts_cost_no_good_line(adict):
    plain = text_with(adict)
    broken, _, rest = text_with(adict, "missing_bracket").partition("\n")
    assert (broken.count("{"), rest) == (broken.count("}") + 1, plain)
    truncated = text_with(adict, "truncated")
    assert truncated.startswith(plain)
    with pytest.raises(json.JSONDecodeError):
        objects(truncated)


def test_line_quirks_and_what_an_ideal_client_keeps(adict):
    lines = {
        "duplicate": [DAYS[0]],
        "foreign": True,
        "missing": [DAYS[1]],
        "absent_null": [DAYS[2]],
        "absent_zero": [DAYS[3]],
        "broken": {DAYS[4]: "douze"},
    }
    adict.control.set_quirks(PCE, lines=lines)
    told = adict.daily_lines(PCE, *WINDOW)
    energy = told[0]["consommation"]["energie"]
    said = [(li["pce"]["id_pce"] == PCE, li["consommation"]) for li in told]
    assert [(ours, use["journee_gaziere"], use["energie"]) for ours, use in said] == [
        (True, DAYS[0], energy),
        (False, DAYS[0], energy),
        (True, DAYS[0], energy),
        (True, DAYS[2], None),
        (True, DAYS[3], 0),
        (True, DAYS[4], "douze"),
    ]
    assert {use["type_qualif_conso"] for _, use in said[3:5]} == {"Absence de Données"}
    assert adict.control.expected(PCE, *WINDOW) == {DAYS[0]: energy}


def test_partial_answer_once_then_whole(adict):
    adict.control.set_quirks(PCE, lines={"partial": {"from": DAYS[3], "times": 1}})
    lines = adict.daily_lines(PCE, *WINDOW)
    assert (len(lines), lines[-1]["statut_restitution"]["code"]) == (4, "2000100")
    assert lines[-1]["periode"] == {"valeur": None, "date_debut": DAYS[3], "date_fin": WINDOW[1]}
    assert len(adict.control.expected(PCE, *WINDOW)) == 5
    assert len(adict.daily_lines(PCE, DAYS[3], WINDOW[1])) == 2
    adict.control.set_quirks(PCE, lines={"partial": {"from": DAYS[3], "times": None}})
    assert adict.daily_lines(PCE, *WINDOW)[-1]["statut_restitution"]["code"] == "2000100"
    assert list(adict.control.expected(PCE, *WINDOW)) == DAYS[:3]
