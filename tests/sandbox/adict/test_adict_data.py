"""The state of a right decides what the data endpoints answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("reset")
MAY = {"date_debut": "2026-05-01", "date_fin": "2026-06-01"}


def refusal_of(adict: Any, pce: str) -> tuple[int, str | None]:
    answer = adict.call("GET", f"/pce/{pce}/donnees_consos_informatives", params=MAY)
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
