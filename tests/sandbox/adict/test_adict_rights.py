"""Access rights: lists, declaration, proofs, and who may revoke."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.rights_clients import listing

PCE = "09999990000800"


def status_of(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code_statut_traitement"]


def postcode(adict: Any, pce: str) -> str:
    adict.control.set_quirks(pce)
    return str(next(meter["postcode"] for meter in adict.control.meters() if meter["pce"] == pce))


def declaration(adict: Any, pce: str, **changes: Any) -> dict[str, Any]:
    body = {
        "role_tiers": "AUTORISE_CONTRAT_FOURNITURE",
        "nom_titulaire": "Titulaire Exemple",
        "courriel_titulaire": "titulaire@example.org",
        "code_postal": postcode(adict, pce),
        "date_debut_droit_acces": "2026-06-20",
        "date_fin_droit_acces": "2028-06-20",
        "perim_donnees_conso_debut": "2024-01-01",
        "perim_donnees_conso_fin": "2028-06-20",
        "perim_donnees_informatives": "Vrai",
        "perim_donnees_publiees": "Faux",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def declare(adict: Any, pce: str, **changes: Any) -> requests.Response:
    return adict.call("PUT", f"/pce/{pce}/droit_acces", json=declaration(adict, pce, **changes))


def test_empty_list_is_the_status_object_alone(adict):
    answer = adict.call("POST", "/droits_acces", json={"id_pce": ["09999990009999"]})
    assert listing(answer) == []
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")


def test_line_of_the_list_has_every_documented_key(adict):
    right = adict.control.consent([PCE])[0]
    (line,) = listing(adict.call("POST", "/droits_acces", json={"id_pce": [PCE]}))
    assert line == right
    assert len(line) == 30
    assert line["perim_donnees_informatives"] == "Vrai"
    assert line["date_creation"].startswith("2026-06-20 ")
    assert line["date_debut_droit_acces"] == "2026-06-20"


def test_filters_are_cumulative_and_order_is_oldest_first(adict):
    adict.control.consent([PCE])
    lines = listing(adict.call("POST", "/droits_acces", json={"id_pce": [PCE, "GI999001"]}))
    assert [line["etat_droit_acces"] for line in lines][-2:] == ["Obsolète", "Active"]
    active = {"id_pce": [PCE], "etat_droit_acces": ["Active"], "role_tiers": None}
    assert len(listing(adict.call("POST", "/droits_acces", json=active))) == 1
    none = active | {"role_tiers": ["DETENTEUR_CONTRAT_FOURNITURE"]}
    assert listing(adict.call("POST", "/droits_acces", json=none)) == []
    assert listing(adict.call("GET", "/droits_acces")) == adict.control.consents()


def test_too_many_rights_for_one_answer(adict):
    adict.control.set(too_many_rights=True)
    body = adict.call("GET", "/droits_acces").json()
    assert set(body) == {"code_statut_traitement", "message_retour_traitement", "id_traitement_asynchrone"}
    adict.control.set(too_many_rights=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "9999999400"),
        ({"color": []}, "9999999400"),
        ({"id_pce": "09999990000800"}, "9999999400"),
        ({"id_pce": ["1"]}, "9999999400"),
        ({"etat_droit_acces": ["active"]}, "9999999400"),
        ({"id_pce": [f"0999999{n:07}" for n in range(1001)]}, "2000000009"),
    ],
)
def test_wrong_filters_are_400(adict, body, code):
    assert status_of(adict.call("POST", "/droits_acces", json=body)) == (400, code)


def test_only_the_delete_client_revokes_and_the_log_tells(adict):
    right = adict.control.consent([PCE])[0]["id_droit_acces"]
    assert status_of(adict.call("PATCH", f"/droit_acces/{right}", json={})) == (403, "9999999403")
    eraser = adict.token("delete_")
    assert status_of(adict.call("PATCH", f"/droit_acces/{right}", eraser)) == (200, "0000000000")
    entries = [entry for entry in adict.control.log() if entry["method"] == "PATCH"]
    assert [(e["client_id"], e["status"]) for e in entries[-2:]] == [
        (adict.facts["client_id"], 403),
        (adict.facts["delete_client_id"], 200),
    ]
    line = listing(adict.call("POST", "/droits_acces", eraser, json={"id_pce": [PCE]}))[-1]
    assert (line["etat_droit_acces"], line["source_revocation"]) == ("Révoquée", "TIERS")
    assert line["date_revocation"].startswith("2026-06-20 ")
    assert adict.control.expected(PCE, "2026-05-01", "2026-06-01") == {}


def test_second_revocation_is_409_or_404(adict):
    right = adict.control.consent([PCE])[0]["id_droit_acces"]
    eraser = adict.token("delete_")
    assert adict.call("PATCH", f"/droit_acces/{right}", eraser, json={}).status_code == 200
    assert status_of(adict.call("PATCH", f"/droit_acces/{right}", eraser, json={})) == (409, "9999999409")
    adict.control.set(second_revocation_status=404)
    assert status_of(adict.call("PATCH", f"/droit_acces/{right}", eraser, json={})) == (404, "9999999404")
    adict.control.set(second_revocation_status=409)


def test_unknown_right_and_holder_role_cannot_be_revoked(adict):
    eraser = adict.token("delete_")
    assert status_of(adict.call("PATCH", f"/droit_acces/{uuid.uuid4()}", eraser)) == (404, "9999999404")
    held = adict.control.consent([PCE], fields={"role_tiers": "DETENTEUR_CONTRAT_FOURNITURE"})[0]["id_droit_acces"]
    assert status_of(adict.call("PATCH", f"/droit_acces/{held}", eraser)) == (409, "9999999409")


def test_waiting_right_can_be_revoked(adict):
    right = adict.control.consent([PCE], fields={"etat_droit_acces": "A valider"})[0]["id_droit_acces"]
    assert adict.call("PATCH", f"/droit_acces/{right}", adict.token("delete_"), json={}).status_code == 200


def test_declared_right_waits_for_the_holder(adict):
    pce = "09999990000810"
    answer = declare(adict, pce)
    assert status_of(answer) == (201, "0000000002")
    (line,) = listing(adict.call("POST", "/droits_acces", json={"id_pce": [pce]}))
    assert (line["etat_droit_acces"], line["perim_donnees_publiees"]) == ("A valider", "Faux")
    assert status_of(declare(adict, pce)) == (409, "1000000003")
    adict.control.change_consent(line["id_droit_acces"], etat_droit_acces="Active")
    assert adict.daily_lines(pce, "2026-05-01", "2026-05-02")[0]["consommation"]


def test_declared_right_may_be_active_at_once(adict):
    adict.control.set(declared_right_state="Active")
    assert status_of(declare(adict, "09999990000811")) == (201, "0000000000")
    adict.control.set(declared_right_state="A valider")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"code_postal": "75001"}, 409, "1000000005"),
        ({"perim_donnees_informatives": "Faux"}, 409, "1000000022"),
        ({"perim_donnees_conso_fin": "2023-01-01"}, 409, "1000000022"),
        ({"perim_donnees_conso_debut": None}, 409, "1000000022"),
        ({"nom_titulaire": None}, 400, "9999999400"),
        ({"role_tiers": "PASSANT"}, 400, "9999999400"),
        ({"courriel_titulaire": None}, 400, "9999999400"),
    ],
)
def test_declarations_that_are_refused(adict, changes, status, code):
    assert status_of(declare(adict, "09999990000812", **changes)) == (status, code)


def test_declaration_for_unknown_malformed_or_ended_meters(adict):
    body = declaration(adict, "09999990000813")
    assert status_of(adict.call("PUT", "/pce/12345678901234/droit_acces", json=body)) == (404, "1000000006")
    assert status_of(adict.call("PUT", "/pce/1/droit_acces", json=body)) == (400, "9999999400")
    adict.control.set_quirks("09999990000813", contract_ended=True)
    assert status_of(adict.call("PUT", "/pce/09999990000813/droit_acces", json=body)) == (409, "1000000004")


def mails(adict: Any) -> str:
    return requests.get(f"{adict.facts['control_url']}/mailbox", timeout=10).text


def test_a_holder_is_mailed_at_the_next_quarter_of_an_hour_and_answers(adict):
    day = adict.control.now().replace(hour=9, minute=31, second=0, microsecond=0)
    adict.control.set_clock(day)
    rights = {}
    for pce, email in (("09999990000820", "yes@example.org"), ("09999990000821", "no@example.org")):
        declare(adict, pce, courriel_titulaire=email)
        (line,) = listing(adict.call("POST", "/droits_acces", json={"id_pce": [pce]}))
        rights[email] = line["id_droit_acces"]
    adict.control.set_clock(day.replace(minute=44))
    assert "yes@example.org" not in mails(adict)
    assert "leave from" in mails(adict)
    url = f"{adict.facts['control_url']}/mailbox"
    early = requests.post(f"{url}/{rights['yes@example.org']}", data={"action": "accepter"}, timeout=10)
    assert early.status_code == 404
    adict.control.set_clock(day.replace(minute=46))
    assert "yes@example.org" in mails(adict)
    for email, action in (("yes@example.org", "accepter"), ("no@example.org", "refuser")):
        answered = requests.post(f"{url}/{rights[email]}", data={"action": action}, timeout=10)
        assert (answered.status_code, email in answered.text) == (200, False)
    lines = listing(adict.call("POST", "/droits_acces", json={"id_pce": ["09999990000820", "09999990000821"]}))
    assert [line["etat_droit_acces"] for line in lines] == ["Active", "Refusée"]
    assert lines[1]["source_passage_a_refuse"] == "TITULAIRE"
    again = requests.post(f"{url}/{rights['no@example.org']}", data={"action": "accepter"}, timeout=10)
    assert again.status_code == 404


def test_a_right_that_nobody_answers_is_obsolete_in_the_end(adict):
    day = adict.control.now()
    declare(adict, "09999990000822")
    wanted = {"json": {"id_pce": ["09999990000822"]}}
    adict.control.set_clock(day + timedelta(days=14))
    assert listing(adict.call("POST", "/droits_acces", **wanted))[0]["etat_droit_acces"] == "A valider"
    adict.control.set_clock(day + timedelta(days=16))
    (line,) = listing(adict.call("POST", "/droits_acces", **wanted))
    assert (line["etat_droit_acces"], line["source_passage_a_obsolete"]) == ("Obsolète", "GRDF")
    adict.control.set_clock(day)


def test_a_holder_may_answer_at_once_for_a_test(adict):
    declare(adict, "09999990000823")
    (line,) = listing(adict.call("POST", "/droits_acces", json={"id_pce": ["09999990000823"]}))
    assert adict.control.answer(line["id_droit_acces"], accept=False)["etat_droit_acces"] == "Refusée"
    assert adict.control.answer(line["id_droit_acces"])["etat_droit_acces"] == "Refusée", "answered is answered"
