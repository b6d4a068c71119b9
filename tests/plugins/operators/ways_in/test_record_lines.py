"""The words of the record of a consent, for GRDF."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from grdf.operators.ways_in.record_pdf import record_lines
from include.gas.account.declaration import Declaration
from include.gas.proof.consent_record import HOUSEHOLD, ConsentRecord, ConsentText, new_record

GIVEN = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
DECLARED = Declaration(
    pce="09999999900001", name="Łukasz Zażółć", postcode="69003", email="l@example.org", phone="+33 6 00 00 00 00",
    perimeters=["informatives", "publiees", "autres"], first=date(2024, 1, 1), end=date(2027, 1, 1),
)  # fmt: skip


def said(record: ConsentRecord) -> dict[str, str]:
    return dict(record_lines(record, "u-1"))


def test_all_that_was_entered_and_agreed_to() -> None:
    agreed = ConsentText("2026-05", "fr", "J’accepte.\nLigne deux.")
    record = new_record("home", DECLARED, GIVEN, by=HOUSEHOLD, agreed=agreed)
    assert said(record) == {
        "Droit d’accès": "u-1", "Point de comptage (PCE)": "09999999900001", "Titulaire du contrat": "Łukasz Zażółć",
        "Code postal": "69003", "Courriel": "l@example.org", "Téléphone": "+33 6 00 00 00 00",
        "Données": "consommations journalières (données informatives), consommations publiées, autres",
        "Consommations à partir du": "01/01/2024", "Consommations jusqu’au": "31/12/2026",
        "Accès jusqu’au": "trois ans après la déclaration du droit",
        "Consentement recueilli le": "02/07/2026 à 00:30 (heure de Paris)",
        "Recueilli": "par le foyer lui-même, sur la page où il a saisi ces informations",
        "Texte accepté": "version 2026-05 (fr)", "": "J’accepte.\nLigne deux.",
        "Référence de l’enregistrement": record.id,
    }  # fmt: skip


def test_a_consent_that_was_given_elsewhere() -> None:
    given = msgspec.structs.replace(DECLARED, name="", company="Société Exemple")
    lines = said(new_record("home", given, GIVEN, by="alix", proof="classeur 7"))
    assert lines["Recueilli"] == "saisi par alix"
    assert lines["Original conservé"] == "classeur 7"
    assert lines["Raison sociale"] == "Société Exemple"
    assert "Texte accepté" not in lines
