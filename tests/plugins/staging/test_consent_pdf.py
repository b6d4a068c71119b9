"""The record of a consent for GRDF: its words, and the PDF, read back by another library; which files GRDF takes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from io import BytesIO

import msgspec
import pytest
from pypdf import PdfReader

from grdf.operators.ways_in.record_pdf import record_lines, record_pdf
from include.gas.account.declaration import Declaration
from include.gas.proof.consent_record import HOUSEHOLD, ConsentRecord, ConsentText, new_record
from include.gas.proof.proof_file import MOST_BYTES, NotAProof, check_proof_file
from tests.plugins.staging.proof_samples import GOOD, picture

GIVEN = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
DECLARED = Declaration(
    pce="09999999900001", name="Łukasz Zażółć", postcode="69003", email="l@example.org", phone="+33 6 00 00 00 00",
    perimeters=["informatives", "publiees", "autres"], first=date(2024, 1, 1), end=date(2027, 1, 1),
)  # fmt: skip


def agreed(text: str = "J’accepte.\nLigne deux.", **person: str) -> ConsentRecord:
    given = msgspec.structs.replace(DECLARED, **person)
    return new_record("home", given, GIVEN, by=HOUSEHOLD, agreed=ConsentText("2026-05", "fr", text))


def test_all_that_was_entered_and_agreed_to() -> None:
    record = agreed()
    assert dict(record_lines(record, "u-1")) == {
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


def test_a_consent_of_a_company_that_was_given_elsewhere() -> None:
    given = msgspec.structs.replace(DECLARED, name="", company="Société Exemple")
    lines = dict(record_lines(new_record("home", given, GIVEN, by="alix", proof="classeur 7"), "u-1"))
    said = (lines["Recueilli"], lines["Original conservé"], lines["Raison sociale"])
    assert said == ("saisi par alix", "classeur 7", "Société Exemple")
    assert "Texte accepté" not in lines


def test_it_is_read_back_as_it_was_written_over_several_pages() -> None:
    names = ("Łukasz Zażółć", "Őry Ünal Çağrı", "Παπαδοπούλου", "Шевченко", "Nguyễn Thị Hạnh", "Dupré")
    record = agreed("Un long texte. " * 1000 + "Fin.", name=" ".join(names))
    made = record_pdf(record, "u-1")
    pages = PdfReader(BytesIO(made.content)).pages
    text = " ".join("\n".join(page.extract_text() for page in pages).split())
    for said in (*names, "09999999900001", "69003", "l@example.org", "u-1", "Fin."):
        assert said in text
    assert len(pages) > 2
    assert check_proof_file(made.content).kind == "application/pdf"
    assert len(made.content) < 100_000, "only the letters that are used are embedded"
    assert record_pdf(record, "u-1").content == made.content, "the same record, the same file"


@pytest.mark.parametrize("kind", GOOD)
def test_a_file_that_grdf_takes(kind: str) -> None:
    assert (check_proof_file(GOOD[kind]).kind, check_proof_file(GOOD[kind]).content) == (kind, GOOD[kind])
    assert GOOD[kind].hex() not in repr(check_proof_file(GOOD[kind])), "a content is not in its text"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (GOOD["application/pdf"] + b" " * MOST_BYTES, "larger than 4 MB"), (picture("GIF"), "neither a PDF"),
        (b"<html><script>alert(1)</script></html>", "neither a PDF"), (b"PK\x03\x04 a document", "neither a PDF"),
    ],
    ids=["large", "gif", "html", "zip"],
)  # fmt: skip
def test_a_file_that_it_does_not(content: bytes, why: str) -> None:
    with pytest.raises(NotAProof, match=why):
        check_proof_file(content)
