"""Access rights: lists, declaration, the holder's mail, proofs, and who may revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests

from include.sandbox.adict.meter_data.meters import Meter
from tests.sandbox.conftest import listing

pytestmark = pytest.mark.usefixtures("reset")
PCE, LISTED = "09999990000800", "09999990000850"


def status_of(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code_statut_traitement"]


def asked(adict: Any, *pces: str, **filters: Any) -> list[dict[str, Any]]:
    return listing(adict.call("POST", "/droits_acces", json={"id_pce": list(pces), **filters}))


def declare(adict: Any, pce: str, **changes: Any) -> requests.Response:
    body = {
        "role_tiers": "AUTORISE_CONTRAT_FOURNITURE", "nom_titulaire": "Titulaire Exemple",
        "courriel_titulaire": "titulaire@example.org", "code_postal": Meter(pce).postcode,
        "date_debut_droit_acces": "2026-06-20", "date_fin_droit_acces": "2028-06-20",
        "perim_donnees_conso_debut": "2024-01-01", "perim_donnees_conso_fin": "2028-06-20",
        "perim_donnees_informatives": "Vrai", "perim_donnees_publiees": "Faux",
    }  # fmt: skip
    return adict.call("PUT", f"/pce/{pce}/droit_acces", json=body | changes)


def test_lists_and_their_filters(adict):
    answer = adict.call("POST", "/droits_acces", json={"id_pce": ["09999990009999"]})
    assert (listing(answer), answer.headers["Content-Type"]) == ([], "application/x-ndjson")
    adict.control.consent([LISTED])
    right = adict.control.consent([LISTED])[0]
    lines = asked(adict, LISTED, "GI999001")
    assert [line["etat_droit_acces"] for line in lines] == ["Obsolète", "Active"]
    assert (lines[1], len(right)) == (right, 30)
    assert (right["perim_donnees_informatives"], right["date_debut_droit_acces"]) == ("Vrai", "2026-06-20")
    assert right["date_creation"].startswith("2026-06-20 ")
    assert len(asked(adict, LISTED, etat_droit_acces=["Active"], role_tiers=None)) == 1
    assert asked(adict, LISTED, role_tiers=["DETENTEUR_CONTRAT_FOURNITURE"]) == []
    assert listing(adict.call("GET", "/droits_acces")) == adict.control.consents()
    adict.control.set(too_many_rights=True)
    body = adict.call("GET", "/droits_acces").json()
    assert set(body) == {"code_statut_traitement", "message_retour_traitement", "id_traitement_asynchrone"}


def test_wrong_filters_are_400(adict):
    many = {"id_pce": [f"0999999{n:07}" for n in range(1001)]}
    for body in ([], {"color": []}, {"id_pce": PCE}, {"id_pce": ["1"]}, {"etat_droit_acces": ["active"]}, many):
        refused = (400, "2000000009" if body == many else "9999999400")
        assert status_of(adict.call("POST", "/droits_acces", json=body)) == refused


@pytest.mark.parametrize("second", [409, 404])
def test_only_the_delete_client_revokes_once_and_the_log_tells(adict, second):
    right = adict.control.consent([PCE])[0]["id_droit_acces"]
    adict.control.set(second_revocation_status=second)
    eraser, data = adict.token("delete_"), adict.token()
    answers = [adict.call("PATCH", f"/droit_acces/{right}", each, json={}) for each in (data, eraser, eraser)]
    refused = (second, f"9999999{second}")
    assert [status_of(each) for each in answers] == [(403, "9999999403"), (200, "0000000000"), refused]
    entries = [entry["client_id"] for entry in adict.control.log() if entry["method"] == "PATCH"]
    assert entries[-3:-1] == [adict.facts["client_id"], adict.facts["delete_client_id"]]
    line = asked(adict, PCE)[-1]
    assert (line["etat_droit_acces"], line["source_revocation"]) == ("Révoquée", "TIERS")
    assert line["date_revocation"].startswith("2026-06-20 ")
    assert adict.control.expected(PCE, "2026-05-01", "2026-06-01") == {}


def test_a_holder_is_mailed_at_the_next_quarter_of_an_hour_and_answers_or_not(adict):
    mailbox, pces = f"{adict.facts['control_url']}/mailbox", [f"0999999000082{n}" for n in range(3)]
    day = adict.control.now().replace(hour=9, minute=31, second=0, microsecond=0)
    adict.control.set_clock(day)
    for pce in pces:
        declare(adict, pce)
    accepted, refused, _ = (line["id_droit_acces"] for line in asked(adict, *pces))
    answers = [(accepted, "accepter", 200), (refused, "refuser", 200), (refused, "accepter", 404)]
    for minute, expected in ((44, [(accepted, "accepter", 404)]), (46, answers)):
        adict.control.set_clock(day.replace(minute=minute))
        assert (pces[0] in requests.get(mailbox, timeout=10).text) is (minute == 46)
        for right, action, status in expected:
            assert requests.post(f"{mailbox}/{right}", data={"action": action}, timeout=10).status_code == status
    declare(adict, "09999990000829")
    page = requests.post(f"{mailbox}/send", timeout=10).text
    assert ("09999990000829" in page, "09999990000001" in page) == (True, True), "sent at once, and a bill"
    for days, state in ((14, "A valider"), (16, "Obsolète")):
        adict.control.set_clock(day + timedelta(days=days))
        assert [line["etat_droit_acces"] for line in asked(adict, *pces)] == ["Active", "Refusée", state]
