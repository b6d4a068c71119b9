"""The record of a consent as a PDF, written by fpdf2 in Noto Sans.

The same record always gives the same file. Only the letters that are used are embedded.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import fontpkg
from fpdf import FPDF, XPos, YPos

from include.gas.documents.stored_consent import ConsentRecord
from include.gas.proof.proof_file import ProofFile
from include.gas.proof.record_lines import TITLE, record_lines

for _talker in ("fontTools", "fpdf"):
    logging.getLogger(_talker).setLevel(logging.ERROR)  # they name the letters that a text has, and those they lack

_FONT = "Noto Sans"


def record_pdf(record: ConsentRecord, right: str) -> ProofFile:
    """Return the record of a consent as a file.

    :param right: GRDF's id of the right that it proves
    """
    page = FPDF(format="A4")
    page.set_title(TITLE)
    page.set_lang("fr-FR")
    page.set_creation_date(datetime.fromisoformat(record.given).astimezone(UTC))
    page.set_margin(20)
    page.add_font(_FONT, fname=fontpkg.path(_FONT))
    page.add_page()
    page.set_font(_FONT, size=16)
    _write(page, TITLE, 9)
    page.ln(4)
    for label, text in record_lines(record, right):
        if label:
            page.set_font(_FONT, size=8)
            page.set_text_color(90)
            _write(page, label, 4.5)
        page.set_font(_FONT, size=11)
        page.set_text_color(0)
        _write(page, text, 6)
        page.ln(1.5)
    return ProofFile(bytes(page.output()), "application/pdf")


def _write(page: FPDF, text: str, height: float) -> None:
    page.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
