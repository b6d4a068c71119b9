"""The text that a household agrees to, from a versioned file in its language."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

from grdf import settings
from grdf.page.html.catalogue import FOLDER, LANGUAGES, Texts, hold_together
from grdf.page.html.formatting import LocaleFormatter
from include.gas.account.declaration import Declaration
from include.gas.account.declared_right import declaration_request
from include.gas.days.gas_day import parse_day
from include.gas.errors import BadSettings
from include.gas.proof.consent_record import ConsentText

OURS = FOLDER / "consent"


def consent_text(asked: Declaration, language: str, today: date) -> ConsentText:
    """Return the highest version's text with the household's choices; ``BadSettings`` if it cannot be read."""
    version, texts = _newest(settings.consent_text() or OURS)
    text = texts[language]
    for name, value in _values(asked, Texts(language), today).items():
        text = text.replace(f"{{{name}}}", value)
    return ConsentText(version, language, hold_together(text))


def text_digest(text: ConsentText) -> str:
    """Return a digest that shows whether this very text was ticked."""
    return sha256(f"{text.version}\n{text.text}".encode()).hexdigest()


def _values(asked: Declaration, t: Texts, today: date) -> dict[str, str]:
    spell, request = LocaleFormatter(t.language), declaration_request(asked, today)
    days = settings.consent_record_days()
    years = round(days / 365.25)
    kept = {"years": years} if years and abs(days - years * 365.25) < 1 else {"days": days}
    unit = "years" if "years" in kept else "days" if days else "not"
    return {
        "third_party": settings.third_party() or t("consent.third_party"),
        "data": ", ".join(t(f"direct.data.{name}") for name in asked.perimeters),
        "days": t(
            "consent.days",
            first=spell.day(parse_day(request["perim_donnees_conso_debut"])),
            end=spell.day(parse_day(request["perim_donnees_conso_fin"])),
        ),
        "until": spell.day(parse_day(request["date_fin_droit_acces"])),
        "kept": t(f"consent.kept.{unit}", **kept),
    }


def _newest(folder: Path) -> tuple[str, dict[str, str]]:
    """Return the highest version in a folder, and its texts by language."""
    try:
        versions = {path.name.removesuffix(".fr.txt") for path in folder.iterdir() if path.name.endswith(".fr.txt")}
        newest = max(versions, key=lambda version: (int(version) if version.isdecimal() else -1, version))
        places = {language: folder / f"{newest}.{language}.txt" for language in LANGUAGES}
        texts = {language: place.read_text(encoding="utf-8").strip() for language, place in places.items()}
        if all(texts.values()):
            return newest, texts
        why = "a text is empty"
    except (OSError, ValueError) as error:  # or no text
        why = f"no text of the newest version can be read ({type(error).__name__})"
    raise BadSettings.about(
        None,
        f"the texts of the consent in {folder} ([grdf] consent_text) cannot be used: {why}",
        f"Put one text for each language there: 1.{LANGUAGES[0]}.txt and 1.{LANGUAGES[1]}.txt, or remove the setting.",
    )
