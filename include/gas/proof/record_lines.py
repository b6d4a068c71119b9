"""The record of a consent in words, as GRDF reads it: in French, with all that the household entered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from include.gas.days.gas_day import PARIS
from include.gas.days.windows import ONE_DAY
from include.gas.documents.stored_consent import ConsentRecord
from include.gas.proof.consent_record import HOUSEHOLD

TITLE = "Enregistrement du consentement à l’accès aux données de gaz"
_PERIMETERS = {
    "informatives": "consommations journalières (données informatives)",
    "publiees": "consommations publiées",
    "contractuelles": "données contractuelles",
    "techniques": "données techniques",
}


def record_lines(record: ConsentRecord, right: str) -> list[tuple[str, str]]:
    """Return what the page says, as pairs of a label and a text.

    :param right: GRDF's id of the right that it proves
    """
    return [(label, text) for label, text in _lines(record, right) if text]


def _lines(record: ConsentRecord, right: str) -> Iterator[tuple[str, str]]:
    entered = record.entered
    yield "Droit d’accès", right
    yield "Point de comptage (PCE)", record.pce
    yield "Titulaire du contrat", entered.name
    yield "Raison sociale", entered.company
    yield "Code postal", entered.postcode
    yield "Courriel", entered.email
    yield "Téléphone", entered.phone
    yield "Données", ", ".join(_PERIMETERS.get(name, name) for name in entered.perimeters)
    yield "Consommations à partir du", _day(entered.first) or "premier jour que GRDF conserve"
    yield "Consommations jusqu’au", _day(entered.end - ONE_DAY) if entered.end and entered.end > date.min else ""
    yield "Accès jusqu’au", _day(entered.calls_until) or "trois ans après la déclaration du droit"
    given = datetime.fromisoformat(record.given).astimezone(PARIS)
    yield "Consentement recueilli le", f"{given:%d/%m/%Y à %H:%M} (heure de Paris)"
    by_itself = "par le foyer lui-même, sur la page où il a saisi ces informations"
    yield "Recueilli", by_itself if record.by == HOUSEHOLD else f"saisi par {record.by}"
    yield "Original conservé", record.proof
    if record.agreed:
        yield "Texte accepté", f"version {record.agreed.version} ({record.agreed.language})"
        yield "", record.agreed.text
    yield "Référence de l’enregistrement", record.id


def _day(day: date | None) -> str:
    return f"{day:%d/%m/}{day.year:04}" if day else ""
