"""The record of a consent as a PDF, read back by another library."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO

import pytest
from pypdf import PdfReader

from grdf.operators.ways_in.record_pdf import record_pdf
from include.gas.account.declaration import Declaration
from include.gas.proof.consent_record import HOUSEHOLD, ConsentRecord, ConsentText, new_record
from include.gas.proof.proof_file import checked

GIVEN = datetime(2026, 7, 1, 7, 30, tzinfo=UTC)


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def record(name: str, text: str = "J’accepte que mes données soient lues.") -> ConsentRecord:
    declared = Declaration(pce="09999999900001", name=name, postcode="69003", email="x@example.org")
    return new_record("home", declared, GIVEN, by=HOUSEHOLD, agreed=ConsentText("1", "fr", text))


@pytest.mark.parametrize(
    "name", ["Łukasz Zażółć", "Őry Ünal Çağrı", "Παπαδοπούλου", "Шевченко", "Nguyễn Thị Hạnh", "Dupré"]
)
def test_names_are_read_back_as_they_were_written(name: str) -> None:
    made = record_pdf(record(name), "u-1")
    found = text_of(made.content)
    for said in (name, "09999999900001", "69003", "x@example.org", "u-1", "J’accepte que mes données soient lues."):
        assert said in found
    assert checked(made.content).kind == "application/pdf"
    assert len(made.content) < 60_000, "only the letters that are used are embedded"


def test_the_same_record_gives_the_same_file() -> None:
    one = record("Durand")
    assert record_pdf(one, "u-1").content == record_pdf(one, "u-1").content


def test_a_long_text_goes_on_over_pages() -> None:
    content = record_pdf(record("Durand", "Un long texte. " * 1000 + "Fin."), "u-1").content
    assert len(PdfReader(BytesIO(content)).pages) > 2
    assert "Fin." in text_of(content)
