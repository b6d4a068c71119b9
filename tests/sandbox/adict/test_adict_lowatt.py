"""lowatt-grdf, a client used with the real ADICT, works with the sandbox when only its addresses are changed."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from lowatt_grdf import api, models

from include.sandbox.adict.meter_data.meters import Meter

PCE, OTHER = "09999990000042", "09999990004343"
WINDOW = ("2026-06-01", "2026-06-10")


def client(adict: Any, who: str = "") -> api.API:
    class SandboxAPI(api.API):
        scope, api, _auth_endpoint = "/adict/v2", adict.facts["adict_base"], adict.facts["token_url"]

    return SandboxAPI(adict.facts[f"{who}client_id"], adict.facts[f"{who}client_secret"])


def test_every_endpoint(adict, monkeypatch):
    # The client's pause of one second before each call: the sandbox has no quota here.
    monkeypatch.setattr("lowatt_grdf.api.time.sleep", lambda _seconds: None)
    right = adict.control.consent([PCE])[0]
    grdf, eraser = client(adict), client(adict, "delete_")
    *listed, done = grdf.droits_acces()
    assert right["id_droit_acces"] in [line.get("id_droit_acces") for line in listed]
    assert done["code_statut_traitement"] == "0000000000"
    assert [line["id_pce"] for line in grdf.droits_acces([PCE])[:-1]] == [PCE]
    grdf.check_consent_validation([PCE])
    daily = grdf.donnees_consos_informatives(PCE, *WINDOW)
    assert [line["consommation"]["journee_gaziere"] for line in daily] == [f"2026-06-{day:02}" for day in range(1, 10)]
    (change,) = grdf.donnees_consos_informatives(PCE, "2026-03-28", "2026-03-29")  # a day of 23 hours
    bounds = [change["consommation"][f"date_{end}_consommation"] for end in ("debut", "fin")]
    assert bounds == ["2026-03-28T06:00:00+01:00", "2026-03-29T06:00:00+02:00"]
    billed = grdf.donnees_consos_publiees(PCE, "2026-03-01", "2026-05-01")
    assert [line["consommation"]["type_conso"] for line in billed] == ["Publiée", "Publiée"]
    assert grdf.donnees_contractuelles(PCE)["donnees_contractuelles"]["car"]["car_actuelle"] > 0
    technical = grdf.donnees_techniques(PCE)["donnees_techniques"]
    assert technical["caracteristiques_compteur"]["frequence"] == "1M"
    grdf.declare_acces(models.DeclareAccess(
        pce=OTHER, code_postal=Meter(OTHER).postcode, courriel_titulaire="titulaire@example.org",
        date_debut_droit_acces="2026-06-20", date_fin_droit_acces="2027-06-20",
        perim_donnees_conso_debut="2024-01-01", perim_donnees_conso_fin="2027-06-20",
        nom_titulaire="Titulaire Exemple", perim_donnees_informatives=True, perim_donnees_publiees=True,
    ))  # fmt: skip
    declared = grdf.droits_acces([OTHER])[0]
    assert declared["etat_droit_acces"] == "A valider"
    assert grdf.transmettre_preuves(declared["id_droit_acces"], (("preuve.pdf", b"%PDF"),))[0] == done
    proving = grdf.droits_acces_specifiques([OTHER])
    assert proving[0]["statut_controle_preuve"] == "Preuve en cours de vérification"
    with pytest.raises(requests.HTTPError, match="403"):
        grdf.revoke_acces(right["id_droit_acces"])
    assert eraser.revoke_acces(right["id_droit_acces"]) == [done]
    (refused,) = grdf.donnees_consos_informatives(PCE, *WINDOW)
    assert (refused["consommation"], bool(refused["statut_restitution"]["code"])) == (None, True)
    with pytest.raises(requests.HTTPError, match="409"):
        eraser.revoke_acces(right["id_droit_acces"])
