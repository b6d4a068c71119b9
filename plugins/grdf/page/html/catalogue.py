"""All texts of the page, in ``texts/<part>.<language>.json`` with placeholders such as ``{name}``."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr")
"""The first one is the default."""

FOLDER = Path(__file__).parents[1] / "texts"

_MARK, _UNIT = (
    r" (?=[:;?!%»])|(?<=«) ",
    r"(?<=[\d}]) (?=(?:kWh|MB|Mo|s|jours|ans|minutes|heures)\b)|(?<=\d) (?=\d{3}\b)",
)
_HELD = re.compile(f"{_MARK}|{_UNIT}")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return all texts of a language by key; ``ValueError`` if two parts contain the same."""
    texts: dict[str, str] = {}
    for path in sorted(FOLDER.glob(f"*.{language}.json")):
        part: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        if doubled := texts.keys() & part.keys():
            raise ValueError(f"{path.name} repeats {', '.join(sorted(doubled))}")
        texts |= {key: hold_together(text) for key, text in part.items()}
    return texts


def hold_together(text: str) -> str:
    """Return a text whose lines do not break before a mark or a unit: French marks stand apart from their word."""
    return _HELD.sub("\N{NO-BREAK SPACE}", text)


class Texts:
    """The texts in one language. Call it with a key to get a text."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, **gaps: object) -> str:
        """Return a text, filled in but not escaped; ``KeyError`` if it or a value for a placeholder is missing."""
        return self._texts[key].format_map(gaps)

    def __contains__(self, key: object) -> bool:
        return key in self._texts


def language_of(accept_language: str | None) -> str:
    """Return the first available language in an ``Accept-Language`` header, otherwise the default."""
    tags = (entry.strip().lower()[:2] for entry in (accept_language or "").split(","))
    return next((tag for tag in tags if tag in LANGUAGES), LANGUAGES[0])
