"""The catalogue has the same texts in both languages, and every text that a page uses."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path
from string import Formatter

import pytest

from grdf.page.html import catalogue as texts
from grdf.page.html import render
from grdf.page.html.catalogue import LANGUAGES, Texts, catalogue, language_of
from grdf.page.html.spelling import Spelling


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys_with_the_same_gaps() -> None:
    english, french = ({key: gaps(text) for key, text in catalogue(language).items()} for language in ("en", "fr"))
    assert english == french
    assert set(LANGUAGES) == {"en", "fr"}


def test_no_text_is_empty() -> None:
    assert [key for language in LANGUAGES for key, text in catalogue(language).items() if not text.strip()] == []


def test_no_sentence_ends_twice() -> None:
    texts = ((key, text) for language in LANGUAGES for key, text in catalogue(language).items())
    assert [key for key, text in texts if re.search(r"[.!?…]\.", text)] == []


def test_the_first_of_a_month_is_written_as_the_french_do() -> None:
    first, french, moment = date(2026, 12, 1), Spelling("fr"), "2026-12-01T09:00:00+01:00"
    assert (french.day(first), french.weekday(first)) == ("1er déc. 2026", "mardi 1er décembre 2026")
    assert (french.moment(moment), french.month(first)) == ("1er déc. 2026, 09:00", "décembre 2026")
    assert (french.day(date(2026, 12, 2)), Spelling("en").day(first)) == ("2 déc. 2026", "1 Dec 2026")


def test_every_file_of_the_catalogue_is_read() -> None:
    assert {path.name.split(".")[1] for path in texts.FOLDER.iterdir() if path.is_file()} == set(LANGUAGES)


def test_templates_ask_for_texts_that_exist() -> None:
    asked = {
        key
        for path in (render.PAGE / "templates").iterdir()
        for key in re.findall(r"\bt\(\"([^\"]+)\"[,)]", path.read_text(encoding="utf-8"))
    }
    assert asked
    assert asked - catalogue("en").keys() == set()


def test_every_problem_has_its_three_texts() -> None:
    """Keys are found in the code: ``problem(request, status, "key", ...)`` and ``Stop("key", status)``."""
    keys = {key for path in render.PAGE.rglob("*.py") for key in problems_of(path)}
    assert keys
    missing = {f"{key}.{part}" for key in keys for part in ("title", "what", "next")} - catalogue("en").keys()
    assert missing == set()


def problems_of(path: Path) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    found = set()
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "problem" and len(call.args) > 2 and isinstance(call.args[2], ast.Constant):
            found.add(str(call.args[2].value))
        if name == "Stop" and isinstance(call.args[0], ast.Constant):
            found.add(f"connect.{call.args[0].value}")
    return found


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.8,en;q=0.5", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de,fr;q=0.4", "fr"),
        ("de", "en"),
        ("de;q=nonsense, ;;, =", "en"),
    ],
)
def test_the_browser_chooses_the_language(header: str | None, language: str) -> None:
    assert language_of(header) == language


def test_a_text_is_filled() -> None:
    assert "7" in Texts("fr")("accounts.page", page=7, pages=8)
    with pytest.raises(KeyError):
        Texts("en")("accounts.page")
