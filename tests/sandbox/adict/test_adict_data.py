"""The data endpoints: windows, refusals and the form of responses."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import requests

from include.sandbox.adict.meter_data import real

REAL = "09999999900017"
PCE = "09999990000300"
TODAY = "2026-06-20"


@pytest.fixture(scope="module", autouse=True)
def consents(adict: Any) -> None:
    adict.control.consent([REAL, PCE])


@pytest.fixture(scope="module")
def token(adict: Any) -> str:
    return str(adict.token())


def ask(adict: Any, token: str, what: str, pce: str = PCE, **params: Any) -> requests.Response:
    return adict.call("GET", f"/pce/{pce}/{what}", token, params=params)


@pytest.mark.parametrize("what", ["donnees_consos_informatives", "donnees_consos_publiees"])
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "9999402"),
        ({"periode": "2026", "date_debut": "2026-01-01", "date_fin": "2026-02-01"}, "9999402"),
        ({"periode": "2026", "date_debut": "2026-01-01"}, "9999402"),
        ({"date_debut": "2026-01-01"}, "9999403"),
        ({"date_fin": "2026-01-01"}, "9999403"),
        ({"date_debut": "01/01/2026", "date_fin": "2026-02-01"}, "9999404"),
        ({"date_debut": "2026-02-30", "date_fin": "2026-03-01"}, "9999404"),
        ({"date_debut": "20260101", "date_fin": "20260201"}, "9999404"),
        ({"date_debut": "", "date_fin": ""}, "9999404"),
        ({"date_debut": "2026-02-01", "date_fin": "2026-02-01"}, "9999405"),
        ({"date_debut": "2026-02-02", "date_fin": "2026-02-01"}, "9999405"),
        ({"date_debut": "2026-06-01", "date_fin": "2026-06-21"}, "9999406"),
        ({"date_debut": "2021-06-19", "date_fin": "2026-06-20"}, "9999407"),
        ({"periode": "2026-13"}, "9999408"),
        ({"periode": "yesterday"}, "9999408"),
        ({"periode": "2025-366"}, "9999408"),
        ({"periode": "2019"}, "9999407"),
        ({"periode": "2027"}, "9999406"),
    ],
)
def test_windows_that_break_a_rule_are_400(adict, token, what, params, code):
    answer = ask(adict, token, what, **params)
    assert answer.status_code == 400
    assert answer.json()["statut_restitution"]["code"] == code
    assert answer.json()["statut_restitution"]["message"]


def test_depth_is_three_years_for_days_and_five_for_bills(adict, token):
    for first, days, bills in [("2023-06-20", 200, 200), ("2023-06-19", 400, 200), ("2021-06-20", 400, 200)]:
        window = {"date_debut": first, "date_fin": TODAY}
        assert ask(adict, token, "donnees_consos_informatives", **window).status_code == days
        assert ask(adict, token, "donnees_consos_publiees", **window).status_code == bills


def test_today_is_that_of_paris(adict, token):
    before = adict.control.now()
    adict.control.set_clock("2026-06-20T22:30:00+00:00")  # already the 21st in Paris
    assert adict.daily(PCE, "2026-06-01", "2026-06-21").status_code == 200
    adict.control.set_clock(before)


@pytest.mark.parametrize("pce", ["123", "0999999000030A", "GI12345", "gi999042"])
def test_malformed_meter_is_400(adict, token, pce):
    answer = adict.daily(pce, "2026-06-01", "2026-06-10", token)
    assert (answer.status_code, answer.json()["statut_restitution"]["code"]) == (400, "9999401")


def test_unknown_meter_is_404_and_none_is_403(adict, token):
    assert adict.daily("12345678901234", "2026-06-01", "2026-06-10", token).status_code == 404
    assert adict.daily("", "2026-06-01", "2026-06-10", token).status_code == 403
    assert adict.call("GET", "/elsewhere", token).status_code == 404


def test_one_line_per_gas_day_with_exact_bounds_over_both_changes(adict):
    lines = adict.daily_lines(PCE, "2026-03-27", "2026-03-31")
    bounds = [(c["date_debut_consommation"], c["date_fin_consommation"]) for c in (li["consommation"] for li in lines)]
    assert bounds == [
        ("2026-03-27T06:00:00+01:00", "2026-03-28T06:00:00+01:00"),
        ("2026-03-28T06:00:00+01:00", "2026-03-29T06:00:00+02:00"),
        ("2026-03-29T06:00:00+02:00", "2026-03-30T06:00:00+02:00"),
        ("2026-03-30T06:00:00+02:00", "2026-03-31T06:00:00+02:00"),
    ]
    (october,) = adict.daily_lines(PCE, "2025-10-25", "2025-10-26")
    assert october["consommation"]["date_debut_consommation"] == "2025-10-25T06:00:00+02:00"
    assert october["consommation"]["date_fin_consommation"] == "2025-10-26T06:00:00+01:00"


def test_daily_line_has_every_documented_key(adict):
    (line,) = adict.daily_lines(PCE, "2026-03-27", "2026-03-28")
    index = {"valeur_index", "horodate_Index"}
    assert set(line) == {"pce", "periode", "releve_debut", "releve_fin", "consommation", "statut_restitution"}
    assert line["pce"] == {"id_pce": PCE}
    assert line["periode"] == {"valeur": None, "date_debut": "2026-03-27", "date_fin": "2026-03-28"}
    assert line["releve_debut"]["date_releve"] is None
    assert set(line["releve_debut"]["index_brut_debut"]) == index
    assert set(line["releve_fin"]["index_converti_fin"]) == index
    assert line["releve_fin"]["date_releve"] == "2026-03-28T06:00:00+01:00"
    assert isinstance(line["releve_fin"]["index_brut_fin"]["valeur_index"], int)
    use = line["consommation"]
    assert isinstance(use["energie"], int)
    assert set(use["coeff_calcul"]) == {"coeff_pta", "valeur_pcs", "coeff_conversion"}
    assert (use["journee_gaziere"], use["type_conso"]) == ("2026-03-27", "Informative Journalier")
    assert (use["sens_flux_gaz"], use["statut_conso"]) == ("Consommation", "Définitive")
    assert use["volume_converti"] is None
    assert line["statut_restitution"] is None


def test_real_household_is_served_whole_and_definitive(adict):
    shift = adict.control.settings()["real_shift_years"]
    days = real.real_days(shift)
    # this test's clock may be before the newest day, and at most three years may be requested
    today = adict.control.today()
    wanted = {d.day.isoformat(): d.energy for d in days if date(2023, 6, 20) <= d.day < today}
    lines = adict.daily_lines(REAL, "2023-06-20", TODAY)
    assert {li["consommation"]["journee_gaziere"]: li["consommation"]["energie"] for li in lines} == wanted
    assert {li["consommation"]["statut_conso"] for li in lines} == {"Définitive"}
    assert adict.control.expected(REAL, "2023-06-20", TODAY) == wanted


@pytest.mark.parametrize(
    ("periode", "first", "last", "days"),
    [
        ("2025", "2025-01-01", "2025-12-31", 365),
        ("2026-02", "2026-02-01", "2026-02-28", 28),
        ("2026-W01", "2025-12-29", "2026-01-04", 7),
        ("2026-032", "2026-02-01", "2026-02-01", 1),
        ("PN-2026-02", "2026-02-01", "2026-02-28", 28),
        ("2023", "2023-06-20", "2023-12-31", 195),
    ],
)
def test_forms_of_periode(adict, token, periode, first, last, days):
    answer = ask(adict, token, "donnees_consos_informatives", periode=periode)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[0]["periode"] == {"valeur": periode, "date_debut": first, "date_fin": last}
    assert len(lines) == days


def test_published_month_matches_its_indexes(adict, token):
    answer = ask(adict, token, "donnees_consos_publiees", date_debut="2025-01-01", date_fin=TODAY)
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["consommation"]["date_debut_consommation"][:7] for line in lines] == (
        [f"2025-{month:02}" for month in range(1, 13)] + [f"2026-{month:02}" for month in range(1, 6)]
    )
    line = lines[2]
    use = line["consommation"]
    start, end = line["releve_debut"], line["releve_fin"]
    assert (start["raison_releve"], start["qualite_releve"], end["statut_releve"]) == ("RNO", "Mesure", "Normal")
    volume = end["index_brut_fin"]["valeur_index"] - start["index_brut_debut"]["valeur_index"]
    assert use["volume_brut"] == volume
    assert use["energie"] == volume * round(use["coeff_calcul"]["coeff_conversion"] * 1000) // 1000
    assert (use["type_conso"], use["statut_conso"], use["journee_gaziere"]) == ("Publiée", "Définitive", None)
    assert (start["date_releve"], end["date_releve"]) == ("2025-03-01T06:00:00+01:00", "2025-04-01T06:00:00+02:00")
    assert set(line["bordereau_publication"]) == {"date_debut_bordereau", "date_fin_bordereau", "nb_jour_gazier"}


def test_contract_in_both_forms_and_filtered(adict, token):
    contract = ask(adict, token, "donnees_contractuelles").json()["donnees_contractuelles"]
    assert contract["car"]["car_actuelle"] > 0
    assert contract["tarif_acheminement"] in ("T1", "T2")
    kept = ask(adict, token, "donnees_contractuelles", filtre=["car", "profil_type_actuel"]).json()
    assert set(kept["donnees_contractuelles"]) == {"car", "profil"}
    assert ask(adict, token, "donnees_contractuelles", filtre="color").status_code == 400
    adict.control.set_quirks(PCE, layout=["scalar_car"])
    scalar = ask(adict, token, "donnees_contractuelles").json()["donnees_contractuelles"]
    assert scalar["car"] == contract["car"]["car_actuelle"]
    adict.control.set_quirks(PCE)


def test_meter_without_days_says_no_data(adict):
    adict.control.set_quirks(PCE, frequency="6M")
    (line,) = adict.daily_lines(PCE, "2026-01-01", "2026-02-01")
    assert line["statut_restitution"]["code"] == "1000008"
    adict.control.set_quirks(PCE)


def refusal_of(adict: Any, pce: str, what: str = "donnees_consos_informatives") -> tuple[int, str | None]:
    answer = ask(
        adict,
        adict.token(),
        what,
        pce,
        **({} if "conso" not in what else {"date_debut": "2026-05-01", "date_fin": "2026-06-01"}),
    )
    line = json.loads(answer.text.splitlines()[0])
    status = line["statut_restitution"]
    if status is not None:
        assert line.get("consommation") is None
        assert line["pce"]["id_pce"] == pce
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
        (410, {"perimeters": ["contractuelles"]}, "1000010"),
    ],
)
def test_state_of_the_right_decides(adict, number, terms, code):
    pce = f"0999999{number:07}"
    adict.control.consent([pce], **terms)
    assert refusal_of(adict, pce) == (200, code)
    assert bool(adict.control.expected(pce, "2026-05-01", "2026-06-01")) is (code is None)


@pytest.mark.parametrize(("by", "code"), [("holder", "1000014"), ("third party", "9990001"), ("grdf", "9990002")])
def test_revoked_right_says_by_whom(adict, by, code):
    right = adict.control.consent(["09999990000420"])[0]
    adict.control.revoke(right["id_droit_acces"], by)
    assert refusal_of(adict, "09999990000420") == (200, code)


def test_other_perimeters_refuse_too(adict):
    adict.control.consent(["09999990000421"], perimeters=["informatives"])
    assert refusal_of(adict, "09999990000421", "donnees_consos_publiees") == (200, "1000009")
    assert refusal_of(adict, "09999990000421", "donnees_techniques") == (200, "9990005")
    assert refusal_of(adict, "09999990000421", "donnees_contractuelles") == (200, "9990005")


def test_no_right_at_all_is_200_or_403(adict):
    assert refusal_of(adict, "09999990000422") == (200, "1000002")
    adict.control.set(no_right_status=403)
    assert refusal_of(adict, "09999990000422") == (403, "1000002")
    adict.control.set(no_right_status=200)


def test_one_usable_right_among_several_is_enough(adict):
    pce = "09999990000423"
    first = adict.control.consent([pce])[0]
    adict.control.revoke(first["id_droit_acces"])
    adict.control.consent([pce], perimeters=["publiees"], keep_others=True)
    assert refusal_of(adict, pce) == (200, "1000010")
    adict.control.consent([pce], keep_others=True)
    assert refusal_of(adict, pce) == (200, None)


@pytest.mark.parametrize("code", ["1000000", "1000011", "2000100", "1234567"])
def test_any_refusal_can_be_ordered(adict, code):
    adict.control.set_quirks(PCE, refusal=code)
    assert refusal_of(adict, PCE) == (200, code)
    adict.control.set_quirks(PCE)


def test_window_beyond_the_consent_is_cut_or_refused(adict):
    pce = "09999990000424"
    adict.control.consent([pce], conso_debut="2026-05-10", conso_fin="2026-05-20")
    days = [line["consommation"]["journee_gaziere"] for line in adict.daily_lines(pce, "2026-05-01", "2026-06-01")]
    assert (days[0], days[-1], len(days)) == ("2026-05-10", "2026-05-19", 10)
    assert list(adict.control.expected(pce, "2026-05-01", "2026-06-01")) == days
    (line,) = adict.daily_lines(pce, "2026-04-01", "2026-05-01")
    assert line["statut_restitution"]["code"] == "1000008"
    adict.control.set(outside_perimeter="refuse")
    (line,) = adict.daily_lines(pce, "2026-05-01", "2026-06-01")
    assert line["statut_restitution"]["code"] == "9990006"
    assert len(adict.daily_lines(pce, "2026-05-10", "2026-05-20")) == 10
    adict.control.set(outside_perimeter="truncate")


def test_delete_client_reads_no_data(adict):
    assert adict.daily(PCE, "2026-05-01", "2026-06-01", adict.token("delete_")).status_code == 403
