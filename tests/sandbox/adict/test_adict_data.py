"""The data endpoints: windows, refusals, the form of responses, how days ripen over time, and quirks set per meter."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

pytestmark = pytest.mark.usefixtures("reset")
PCE, RIPE, QUIRKY = "09999990000300", "09999990000600", "09999990000700"
TODAY = "2026-06-20"
DAILY, BILLED = "donnees_consos_informatives", "donnees_consos_publiees"
MAY = {"date_debut": "2026-05-01", "date_fin": "2026-06-01"}


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([PCE, RIPE, QUIRKY], droit_debut="2020-01-01")


def ask(adict: Any, what: str, pce: str = PCE, **params: Any) -> requests.Response:
    return adict.call("GET", f"/pce/{pce}/{what}", params=params)


def test_windows_that_break_a_rule_and_meters_that_do_not_exist(adict):
    for first, end, code in (
        (None, None, 404), ("2026-01-01", None, 404), ("01/01/2026", "2026-02-01", 404), ("20260101", "20260201", 404),
        ("2026-02-30", "2026-03-01", 404), ("2026-02-01", "2026-02-01", 405), ("2026-06-01", "2026-06-21", 406),
        ("2021-06-19", "2026-06-20", 407),
    ):  # fmt: skip
        for what in (DAILY, BILLED):
            answer = ask(adict, what, date_debut=first, date_fin=end)
            assert (answer.status_code, answer.json()["statut_restitution"]["code"]) == (400, f"9999{code}")
    for pce, status in (("123", 400), ("GI12345", 400), ("gi999042", 400), ("12345678901234", 404)):
        assert adict.daily(pce, "2026-06-01", "2026-06-10").status_code == status


def test_depth_is_three_years_for_days_and_five_for_bills_and_today_is_that_of_paris(adict):
    for first, days in ("2023-06-20", 200), ("2023-06-19", 400), ("2021-06-20", 400):
        window = {"date_debut": first, "date_fin": TODAY}
        assert [ask(adict, what, **window).status_code for what in (DAILY, BILLED)] == [days, 200]
    adict.control.set_clock("2026-06-20T22:30:00+00:00")  # already the 21st in Paris
    assert adict.daily(PCE, "2026-06-01", "2026-06-21").status_code == 200


def refusal_of(adict: Any, pce: str, what: str = DAILY) -> tuple[int, str | None]:
    answer = ask(adict, what, pce, **MAY)
    line = json.loads(answer.text.splitlines()[0])
    status = line["statut_restitution"]
    if status is not None:
        assert (line.get("consommation"), line["pce"]["id_pce"]) == (None, pce)
    return answer.status_code, status and status["code"]


REVOKED = {"etat_droit_acces": "Révoquée"}


def test_state_of_the_right_decides(adict):
    for number, (terms, code) in enumerate((
        ({}, None), ({"droit_debut": "2024-01-01", "droit_fin": "2026-06-20"}, None),
        ({"droit_debut": "2024-01-01", "droit_fin": "2026-06-19"}, "1000001"),
        ({"perimeters": ["publiees"]}, "1000010"),
        *(({"fields": fields}, code) for fields, code in (
            ({"etat_droit_acces": "A valider"}, "9990004"), ({"etat_droit_acces": "Refusée"}, "9990004"),
            ({"etat_droit_acces": "Obsolète"}, "9990003"), (REVOKED | {"source_revocation": "TITULAIRE"}, "1000014"),
            (REVOKED | {"source_revocation": "TIERS"}, "9990001"), (REVOKED | {"source_revocation": "GRDF"}, "9990002"),
            ({"statut_controle_preuve": "Preuve Vérifiée KO"}, "1000011"),
            ({"statut_controle_preuve": "Preuve en attente"}, None),
        )),
    )):  # fmt: skip
        pce = f"0999999{401 + number:07}"
        adict.control.consent([pce], **terms)
        assert refusal_of(adict, pce) == (200, code)
        assert bool(adict.control.expected(pce, "2026-05-01", "2026-06-01")) is (code is None)


def test_other_perimeters_refuse_too_and_no_right_at_all_is_200_or_403(adict):
    adict.control.consent(["09999990000421"], perimeters=["informatives"])
    others = {BILLED: "1000009", "donnees_techniques": "9990005", "donnees_contractuelles": "9990005"}
    for what, code in others.items():
        assert refusal_of(adict, "09999990000421", what) == (200, code)
    for status in (200, 403):
        adict.control.set(no_right_status=status)
        assert refusal_of(adict, "09999990000422") == (status, "1000002")


def test_one_line_per_gas_day_with_every_documented_key_and_exact_bounds_over_both_changes(adict):
    lines = adict.daily_lines(PCE, "2026-03-27", "2026-03-30") + adict.daily_lines(PCE, "2025-10-25", "2025-10-26")
    bounds = [(use["date_debut_consommation"], use["date_fin_consommation"]) for use in
              (line["consommation"] for line in lines)]  # fmt: skip
    assert bounds == [
        ("2026-03-27T06:00:00+01:00", "2026-03-28T06:00:00+01:00"),
        ("2026-03-28T06:00:00+01:00", "2026-03-29T06:00:00+02:00"),
        ("2026-03-29T06:00:00+02:00", "2026-03-30T06:00:00+02:00"),
        ("2025-10-25T06:00:00+02:00", "2025-10-26T06:00:00+01:00"),
    ]
    line, start, end, use = (lines[0], *(lines[0][name] for name in ("releve_debut", "releve_fin", "consommation")))
    assert set(line) == {"pce", "periode", "releve_debut", "releve_fin", "consommation", "statut_restitution"}
    assert (line["pce"], line["statut_restitution"]) == ({"id_pce": PCE}, None)
    assert line["periode"] == {"valeur": None, "date_debut": "2026-03-27", "date_fin": "2026-03-30"}
    assert (start["date_releve"], end["date_releve"]) == (None, "2026-03-28T06:00:00+01:00")
    assert [type(each) for each in (end["index_brut_fin"]["valeur_index"], use["energie"])] == [int, int]
    assert set(use["coeff_calcul"]) == {"coeff_pta", "valeur_pcs", "coeff_conversion"}
    assert (use["journee_gaziere"], use["type_conso"]) == ("2026-03-27", "Informative Journalier")


def at(adict: Any, day: date, hour: int = 9) -> None:
    adict.control.set_clock(datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo("Europe/Paris")))


def test_every_day_appears_within_three_days_and_stays(adict):
    delays: Counter[int] = Counter()
    seen: set[str] = set()
    for number in range(40):
        today = date(2026, 4, 1) + timedelta(days=number)
        at(adict, today)
        now = set(adict.control.expected(RIPE, "2026-04-01", today))
        assert seen <= now
        delays.update((today - date.fromisoformat(day)).days for day in now - seen)
        seen = now
    assert set(delays) == {1, 2, 3}
    assert delays[1] > delays[2] > delays[3]


def test_some_days_change_until_the_third_of_the_next_month_and_none_afterwards(adict):
    for hour, state in ((7, "Provisoire"), (9, "Définitive")):
        at(adict, date(2026, 6, 3), hour)
        lines = adict.daily_lines(RIPE, "2026-05-01", "2026-06-01")
        assert {line["consommation"]["statut_conso"] for line in lines} == {state}
    changed = 0
    for month in range(1, 7):
        answers = []
        for then in (date(2026, month, 28), date(2026, 7, 10), date(2026, 9, 10)):
            at(adict, then)
            answers.append(adict.control.expected(RIPE, f"2026-{month:02}-01", f"2026-{month:02}-28"))
        assert answers[2] == answers[1]
        changed += sum(answers[0][day] != answers[1][day] for day in answers[0])
    assert 5 < changed < 120


WINDOW = ("2026-05-01", "2026-05-06")
DAYS = [f"2026-05-0{day}" for day in range(1, 6)]


def objects(text: str) -> list[Any]:
    decoder, found, text = json.JSONDecoder(), [], text.lstrip("\ufeff\u00a0 \n")
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def test_layouts_and_those_that_cost_no_good_line(adict):
    def fetch(*layout: str) -> str:
        adict.control.set_quirks(QUIRKY, layout=layout)
        return adict.daily(QUIRKY, *WINDOW).content.decode()

    plain = objects(fetch())
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
        assert shown in fetch(*layout)
        assert objects(fetch(*layout)) == wanted
    broken, _, rest = fetch("missing_bracket").partition("\n")
    assert (broken.count("{"), rest) == (broken.count("}") + 1, fetch())
    truncated = fetch("truncated")
    assert truncated.startswith(fetch())
    with pytest.raises(json.JSONDecodeError):
        objects(truncated)
    adict.control.set_quirks(QUIRKY)


def test_line_quirks_and_what_an_ideal_client_keeps(adict):
    lines = {
        "duplicate": [DAYS[0]], "foreign": True, "missing": [DAYS[1]], "absent_null": [DAYS[2]],
        "absent_zero": [DAYS[3]], "broken": {DAYS[4]: "douze"},
    }  # fmt: skip
    adict.control.set_quirks(QUIRKY, lines=lines)
    answers = adict.daily_lines(QUIRKY, *WINDOW)
    energy = answers[0]["consommation"]["energie"]
    said = [(line["pce"]["id_pce"] == QUIRKY, line["consommation"]) for line in answers]
    assert [(ours, use["journee_gaziere"], use["energie"]) for ours, use in said] == [
        (True, DAYS[0], energy), (False, DAYS[0], energy), (True, DAYS[0], energy), (True, DAYS[2], None),
        (True, DAYS[3], 0), (True, DAYS[4], "douze"),
    ]  # fmt: skip
    assert {use["type_qualif_conso"] for _, use in said[3:5]} == {"Absence de Données"}
    assert adict.control.expected(QUIRKY, *WINDOW) == {DAYS[0]: energy}
    adict.control.set_quirks(QUIRKY, lines={"partial": {"from": DAYS[3], "times": 1}})
    partial = adict.daily_lines(QUIRKY, *WINDOW)
    assert (len(partial), partial[-1]["statut_restitution"]["code"]) == (4, "2000100")
    assert partial[-1]["periode"] == {"valeur": None, "date_debut": DAYS[3], "date_fin": WINDOW[1]}
    assert len(adict.daily_lines(QUIRKY, DAYS[3], WINDOW[1])) == 2, "then whole"
    adict.control.set_quirks(QUIRKY, lines={"partial": {"from": DAYS[3], "times": None}})
    assert list(adict.control.expected(QUIRKY, *WINDOW)) == DAYS[:3]
    adict.control.set_quirks(QUIRKY)
