"""The catalogue of all texts on the page, in English and French. The visitor's browser decides the language.

Each file ``texts/<part>.<language>.json`` maps keys to texts, which may have placeholders such as ``{name}``. All parts
together form the catalogue. ``tests/connect/test_texts.py`` checks that both languages have the same keys and the same
placeholders.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "fr")
"""The first one is used if the browser asks for neither."""

FOLDER = Path(__file__).parents[1] / "texts"


@cache
def catalogue(language: str) -> dict[str, str]:
    """Return all texts of a language by their keys.

    :param language: one of :data:`LANGUAGES`
    :raises ValueError: if two parts contain the same key
    """
    texts: dict[str, str] = {}
    for path in sorted(FOLDER.glob(f"*.{language}.json")):
        part: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        if doubled := texts.keys() & part.keys():
            raise ValueError(f"{path.name} repeats {', '.join(sorted(doubled))}")
        texts |= part
    return texts


class Texts:
    """The texts in one language. Call it with a key to get a text.

    :param language: one of :data:`LANGUAGES`
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = catalogue(language)

    def __call__(self, key: str, **gaps: object) -> str:
        """Return a text with its placeholders filled in. It is plain text, which templates escape.

        :param gaps: values for the placeholders
        :raises KeyError: if there is no such text, or a placeholder has no value
        """
        return self._texts[key].format_map(gaps)

    def __contains__(self, key: object) -> bool:
        """Return whether the catalogue has a text for a key."""
        return key in self._texts


def language_of(accept_language: str | None) -> str:
    """Return the first available language that a header ``Accept-Language`` names: browsers list the best one first.

    :return: the first of :data:`LANGUAGES` if it names none
    """
    tags = (entry.strip().lower()[:2] for entry in (accept_language or "").split(","))
    return next((tag for tag in tags if tag in LANGUAGES), LANGUAGES[0])
