"""The data endpoints: windows, refusals and the form of responses."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

REAL = "09999999900017"
PCE = "09999990000300"
TODAY = "2026-06-20"
DAILY, BILLED = "donnees_consos_informatives", "donnees_consos_publiees"
MAY = {"date_debut": "2026-05-01", "date_fin": "2026-06-01"}
INDEX = {"valeur_index", "horodate_Index"}


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([REAL, PCE])


@pytest.fixture(scope="module")
def token(adict: Any) -> str:
    return str(adict.token())


def ask(adict: Any, token: str, what: str, pce: str = PCE, **params: Any) -> requests.Response:
    return adict.call("GET", f"/pce/{pce}/{what}", token, params=params)


@pytest.mark.parametrize("what", [DAILY, BILLED])
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "9999404"),
        ({"date_debut": "2026-01-01"}, "9999404"),
        ({"date_debut": "01/01/2026", "date_fin": "2026-02-01"}, "9999404"),
        ({"date_debut": "2026-02-30", "date_fin": "2026-03-01"}, "9999404"),
        ({"date_debut": "20260101", "date_fin": "20260201"}, "9999404"),
        ({"date_debut": "2026-02-01", "date_fin": "2026-02-01"}, "9999405"),
        ({"date_debut": "2026-06-01", "date_fin": "2026-06-21"}, "9999406"),
        ({"date_debut": "2021-06-19", "date_fin": "2026-06-20"}, "9999407"),
    ],
)
def test_windows_that_break_a_rule_are_400(adict, token, what, params, code):
    answer = ask(adict, token, what, **params)
    assert (answer.status_code, answer.json()["statut_restitution"]["code"]) == (400, code)


def test_depth_is_three_years_for_days_and_five_for_bills(adict, token):
    for first, days, bills in [("2023-06-20", 200, 200), ("2023-06-19", 400, 200), ("2021-06-20", 400, 200)]:
        window = {"date_debut": first, "date_fin": TODAY}
        assert ask(adict, token, DAILY, **window).status_code == days
        assert ask(adict, token, BILLED, **window).status_code == bills


@pytest.mark.usefixtures("reset")
def test_today_is_that_of_paris(adict):
    adict.control.set_clock("2026-06-20T22:30:00+00:00")  # already the 21st in Paris
    assert adict.daily(PCE, "2026-06-01", "2026-06-21").status_code == 200


@pytest.mark.parametrize(
    ("pce", "status"), [("123", 400), ("GI12345", 400), ("gi999042", 400), ("12345678901234", 404)]
)
def test_meters_that_do_not_exist(adict, token, pce, status):
    assert adict.daily(pce, "2026-06-01", "2026-06-10", token).status_code == status


def test_one_line_per_gas_day_with_exact_bounds_over_both_changes(adict):
    lines = adict.daily_lines(PCE, "2026-03-27", "2026-03-31") + adict.daily_lines(PCE, "2025-10-25", "2025-10-26")
    bounds = [(c["date_debut_consommation"], c["date_fin_consommation"]) for c in (li["consommation"] for li in lines)]
    assert bounds == [
        ("2026-03-27T06:00:00+01:00", "2026-03-28T06:00:00+01:00"),
        ("2026-03-28T06:00:00+01:00", "2026-03-29T06:00:00+02:00"),
        ("2026-03-29T06:00:00+02:00", "2026-03-30T06:00:00+02:00"),
        ("2026-03-30T06:00:00+02:00", "2026-03-31T06:00:00+02:00"),
        ("2025-10-25T06:00:00+02:00", "2025-10-26T06:00:00+01:00"),
    ]


def test_daily_line_has_every_documented_key(adict):
    (line,) = adict.daily_lines(PCE, "2026-03-27", "2026-03-28")
    assert set(line) == {"pce", "periode", "releve_debut", "releve_fin", "consommation", "statut_restitution"}
    assert (line["pce"], line["statut_restitution"]) == ({"id_pce": PCE}, None)
    assert line["periode"] == {"valeur": None, "date_debut": "2026-03-27", "date_fin": "2026-03-28"}
    start, end = line["releve_debut"], line["releve_fin"]
    assert (start["date_releve"], end["date_releve"]) == (None, "2026-03-28T06:00:00+01:00")
    assert set(start["index_brut_debut"]) == set(end["index_converti_fin"]) == INDEX
    assert isinstance(end["index_brut_fin"]["valeur_index"], int)
    use = line["consommation"]
    assert isinstance(use["energie"], int)
    assert set(use["coeff_calcul"]) == {"coeff_pta", "valeur_pcs", "coeff_conversion"}
    assert (use["journee_gaziere"], use["type_conso"]) == ("2026-03-27", "Informative Journalier")
    assert (use["sens_flux_gaz"], use["statut_conso"]) == ("Consommation", "Définitive")
    assert use["volume_converti"] is None


def test_published_month_matches_its_indexes(adict, token):
    answer = ask(adict, token, BILLED, date_debut="2025-01-01", date_fin=TODAY)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["consommation"]["date_debut_consommation"][:7] for line in lines] == (
        [f"2025-{month:02}" for month in range(1, 13)] + [f"2026-{month:02}" for month in range(1, 6)]
    )
    use, start, end = (lines[2][name] for name in ("consommation", "releve_debut", "releve_fin"))
    assert (start["raison_releve"], start["qualite_releve"], end["statut_releve"]) == ("RNO", "Mesure", "Normal")
    volume = end["index_brut_fin"]["valeur_index"] - start["index_brut_debut"]["valeur_index"]
    assert use["volume_brut"] == volume
    assert use["energie"] == volume * round(use["coeff_calcul"]["coeff_conversion"] * 1000) // 1000
    assert (use["type_conso"], use["statut_conso"], use["journee_gaziere"]) == ("Publiée", "Définitive", None)
    assert (start["date_releve"], end["date_releve"]) == ("2025-03-01T06:00:00+01:00", "2025-04-01T06:00:00+02:00")
    assert set(lines[2]["bordereau_publication"]) == {
        "date_debut_bordereau",
        "date_fin_bordereau",
        "nb_jour_gazier",
    }


@pytest.mark.parametrize(("frequency", "days", "periods"), [("1M", 31, 1), ("6M", 0, 0), ("JJ", 0, 31)])
def test_what_is_read_how_often(adict, token, frequency, days, periods):
    adict.control.set_quirks(PCE, frequency=frequency)
    for what, count in ((DAILY, days), (BILLED, periods)):
        lines = [json.loads(line) for line in ask(adict, token, what, **MAY).text.splitlines()]
        refused = [line["statut_restitution"]["code"] for line in lines if line["statut_restitution"]]
        assert (len(lines) - len(refused), refused) == (count, [] if count else ["1000008"])
    technical = ask(adict, token, "donnees_techniques").json()["donnees_techniques"]
    assert technical["caracteristiques_compteur"]["frequence"] == frequency
    adict.control.set_quirks(PCE)


def test_contract(adict, token):
    contract = ask(adict, token, "donnees_contractuelles").json()["donnees_contractuelles"]
    assert contract["car"]["car_actuelle"] > 0
    assert contract["tarif_acheminement"] in ("T1", "T2")


def refusal_of(adict: Any, pce: str, what: str = DAILY) -> tuple[int, str | None]:
    answer = ask(adict, adict.token(), what, pce, **MAY)
    line = json.loads(answer.text.splitlines()[0])
    status = line["statut_restitution"]
    if status is not None:
        assert (line.get("consommation"), line["pce"]["id_pce"]) == (None, pce)
    return answer.status_code, status and status["code"]


@pytest.mark.parametrize(
    ("number", "terms", "code"),
    [
        (401, {}, None),
        (402, {"fields": {"etat_droit_acces": "A valider"}}, "9990004"),
        (403, {"fields": {"etat_droit_acces": "Refusée"}}, "9990004"),
        (404, {"fields": {"etat_droit_acces": "Obsolète"}}, "9990003"),
        (405, {"droit_debut": "2024-01-01", "droit_fin": "2026-06-19"}, "1000001"),
        (406, {"droit_debut": "2024-01-01", "droit_fin": "2026-06-20"}, None),
        (407, {"fields": {"statut_controle_preuve": "Preuve Vérifiée KO"}}, "1000011"),
        (408, {"fields": {"statut_controle_preuve": "Preuve en attente"}}, None),
        (409, {"perimeters": ["publiees"]}, "1000010"),
        (410, {"fields": {"etat_droit_acces": "Révoquée", "source_revocation": "TITULAIRE"}}, "1000014"),
        (411, {"fields": {"etat_droit_acces": "Révoquée", "source_revocation": "TIERS"}}, "9990001"),
        (412, {"fields": {"etat_droit_acces": "Révoquée", "source_revocation": "GRDF"}}, "9990002"),
    ],
)
def test_state_of_the_right_decides(adict, number, terms, code):
    pce = f"0999999{number:07}"
    adict.control.consent([pce], **terms)
    assert refusal_of(adict, pce) == (200, code)
    assert bool(adict.control.expected(pce, "2026-05-01", "2026-06-01")) is (code is None)


@pytest.mark.parametrize(
    ("what", "code"), [(BILLED, "1000009"), ("donnees_techniques", "9990005"), ("donnees_contractuelles", "9990005")]
)
def test_other_perimeters_refuse_too(adict, what, code):
    adict.control.consent(["09999990000421"], perimeters=["informatives"])
    assert refusal_of(adict, "09999990000421", what) == (200, code)


@pytest.mark.usefixtures("reset")
def test_no_right_at_all_is_200_or_403(adict):
    assert refusal_of(adict, "09999990000422") == (200, "1000002")
    adict.control.set(no_right_status=403)
    assert refusal_of(adict, "09999990000422") == (403, "1000002")


def test_window_beyond_the_consent_is_cut(adict):
    pce = "09999990000424"
    adict.control.consent([pce], conso_debut="2026-05-10", conso_fin="2026-05-20")
    days = [line["consommation"]["journee_gaziere"] for line in adict.daily_lines(pce, "2026-05-01", "2026-06-01")]
    assert (days[0], days[-1], len(days)) == ("2026-05-10", "2026-05-19", 10)
    assert list(adict.control.expected(pce, "2026-05-01", "2026-06-01")) == days
    (line,) = adict.daily_lines(pce, "2026-04-01", "2026-05-01")
    assert line["statut_restitution"]["code"] == "1000008"
