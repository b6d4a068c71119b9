"""The record of a consent for GRDF: a PDF in French, by fpdf2 in Noto Sans."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

import fontpkg
from fpdf import FPDF, XPos, YPos

from include.gas.days.gas_day import PARIS
from include.gas.days.windows import ONE_DAY
from include.gas.proof.consent_record import HOUSEHOLD, ConsentRecord
from include.gas.proof.proof_file import ProofFile

for _talker in ("fontTools", "fpdf"):
    logging.getLogger(_talker).setLevel(logging.ERROR)  # they name the letters of a text, and those they lack

_FONT = "Noto Sans"
_TITLE = "Enregistrement du consentement à l’accès aux données de gaz"
_PERIMETERS = {
    "informatives": "consommations journalières (données informatives)",
    "publiees": "consommations publiées",
    "contractuelles": "données contractuelles",
    "techniques": "données techniques",
}


def record_pdf(record: ConsentRecord, right: str) -> ProofFile:
    """Return the record of a consent as proof of a right."""
    page = FPDF(format="A4")
    page.set_title(_TITLE)
    page.set_lang("fr-FR")
    page.set_creation_date(datetime.fromisoformat(record.given).astimezone(UTC))
    page.set_margin(20)
    page.add_font(_FONT, fname=fontpkg.path(_FONT))
    page.add_page()
    page.set_font(_FONT, size=16)
    _write(page, _TITLE, 9)
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


def record_lines(record: ConsentRecord, right: str) -> list[tuple[str, str]]:
    """Return the page's lines as labels and texts."""
    entered, agreed = record.entered, record.agreed
    given = datetime.fromisoformat(record.given).astimezone(PARIS)
    by_itself = "par le foyer lui-même, sur la page où il a saisi ces informations"
    lines = [
        ("Droit d’accès", right),
        ("Point de comptage (PCE)", entered.pce),
        ("Titulaire du contrat", entered.name),
        ("Raison sociale", entered.company),
        ("Code postal", entered.postcode),
        ("Courriel", entered.email),
        ("Téléphone", entered.phone),
        ("Données", ", ".join(_PERIMETERS.get(name, name) for name in entered.perimeters)),
        ("Consommations à partir du", _day(entered.first) or "premier jour que GRDF conserve"),
        ("Consommations jusqu’au", _day(entered.end - ONE_DAY) if entered.end and entered.end > date.min else ""),
        ("Accès jusqu’au", _day(entered.calls_until) or "trois ans après la déclaration du droit"),
        ("Consentement recueilli le", f"{given:%d/%m/%Y à %H:%M} (heure de Paris)"),
        ("Recueilli", by_itself if record.by == HOUSEHOLD else f"saisi par {record.by}"),
        ("Original conservé", record.proof),
        ("Texte accepté", f"version {agreed.version} ({agreed.language})" if agreed else ""),
        ("", agreed.text if agreed else ""),
        ("Référence de l’enregistrement", record.id),
    ]
    return [(label, text) for label, text in lines if text]


def _day(day: date | None) -> str:
    return f"{day:%d/%m/}{day.year:04}" if day else ""
