"""The one catalogue of what people read on the page: French and English, by what their browser asks for.

Each file ``texts/<part>.<language>.json`` maps keys to texts; ``{name}`` in a text is filled in. All parts together are
the catalogue. ``tests/connect/test_texts.py`` holds both languages to the same keys and the same gaps.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr")
"""The first one is for those who ask for another language."""

FOLDER = Path(__file__).parents[1] / "texts"


@cache
def catalogue(language: str) -> dict[str, str]:
    """Read all texts of a language.

    :param language: one of :data:`LANGUAGES`
    :raises ValueError: when a key stands in two parts
    """
    texts: dict[str, str] = {}
    for path in sorted(FOLDER.glob(f"*.{language}.json")):
        part: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        if doubled := texts.keys() & part.keys():
            raise ValueError(f"{path.name} repeats {', '.join(sorted(doubled))}")
        texts |= part
    return texts


class Texts:
    """The texts in one language; called with a key it gives the text.

    :param language: one of :data:`LANGUAGES`
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, **gaps: object) -> str:
        """Return a text with its gaps filled. It is plain text: a template escapes it.

        :param key: the key
        :param gaps: what goes into ``{name}``
        :raises KeyError: when there is no such text or a gap has no value
        """
        return self._texts[key].format_map(gaps)

    def __contains__(self, key: object) -> bool:
        """Return whether there is such a text."""
        return key in self._texts


def language_of(accept_language: str | None) -> str:
    """Choose a language (RFC 9110, 12.5.4): of those we have, the one with the highest quality, the first of equals.

    :param accept_language: the header ``Accept-Language``
    """
    best, best_quality = LANGUAGES[0], 0.0
    for entry in (accept_language or "").split(","):
        tag, _, parameters = entry.partition(";")
        name, quality = tag.strip().lower().partition("-")[0], _quality(parameters)
        if name in LANGUAGES and quality > best_quality:
            best, best_quality = name, quality
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
