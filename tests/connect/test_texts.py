"""All texts of the page: the same keys and placeholders in both languages, none missing, none that is not used."""

from __future__ import annotations

import ast
import re
from datetime import date
from pathlib import Path
from string import Formatter

import pytest

from grdf.page.connect.consent_text import consent_text, text_digest
from grdf.page.html import catalogue as texts
from grdf.page.html import render
from grdf.page.html.catalogue import LANGUAGES, Texts, catalogue, language_of
from grdf.page.html.formatting import LocaleFormatter
from include.gas.account.declaration import Declaration
from include.gas.errors import BadSettings
from include.gas.proof.consent_record import ConsentText

ROOT = Path(__file__).resolve().parents[2]


def sources() -> str:
    folders = (render.PAGE, ROOT / "include" / "gas" / "display", ROOT / "include" / "gas" / "health")
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".html")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def test_both_languages_have_the_same_keys_with_the_same_placeholders() -> None:
    english, french = ({key: {name for _, name, _, _ in Formatter().parse(text) if name} for key, text in each.items()}
                       for each in map(catalogue, LANGUAGES))  # fmt: skip
    assert english == french
    every = [(key, text) for language in LANGUAGES for key, text in catalogue(language).items()]
    assert [key for key, text in every if not text.strip() or re.search(r"[.!?…]\.", text)] == [], (
        "empty, or ends twice"
    )
    assert {path.name.split(".")[1] for path in texts.FOLDER.iterdir() if path.is_file()} == set(LANGUAGES)


def test_no_text_is_missing() -> None:
    """Keys stand in templates, and in the code as ``problem(request, 4, "key", ...)`` and ``Stop("key", 4)``."""
    asked = set(re.findall(r"\bt\(\"([^\"]+)\"[,)]", sources()))
    problems = {key for path in render.PAGE.rglob("*.py") for key in problems_of(path)}
    assert asked
    assert problems
    wanted = asked | {f"{key}.{part}" for key in problems for part in ("title", "what", "next")}
    assert wanted - catalogue("en").keys() == set()


def problems_of(path: Path) -> set[str]:
    calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    found = set()
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "problem" and len(call.args) > 2 and isinstance(call.args[2], ast.Constant):
            found.add(str(call.args[2].value))
        if name == "ConnectionStopped" and isinstance(call.args[0], ast.Constant):
            found.add(f"connect.{call.args[0].value}")
    return found


def test_the_browser_chooses_the_language() -> None:
    for header in (None, "", "en-GB,en;q=0.9,fr;q=0.8", "de;q=nonsense, ;;, ="):
        assert language_of(header) == "en", header
    for header in ("fr-CA,fr;q=0.8,en;q=0.5", "de,fr;q=0.4"):
        assert language_of(header) == "fr", header


def test_texts_and_dates_are_written_as_in_their_language() -> None:
    assert Texts("fr")("account.contract.car", car=7).endswith("7\N{NO-BREAK SPACE}kWh par an")
    assert [text for text in catalogue("fr").values() if re.search(" [:;?!%»]|« |[0-9] [0-9]{3}", text)] == []
    with pytest.raises(KeyError):
        Texts("en")("accounts.page")
    first, french, moment = date(2026, 12, 1), LocaleFormatter("fr"), "2026-12-01T09:00:00+01:00"
    assert (french.day(first), french.weekday(first)) == ("1er déc. 2026", "mar. 1er déc. 2026")
    assert (french.moment(moment), french.month(first)) == ("1er déc. 2026, 09:00", "décembre 2026")
    assert (french.day(date(2026, 12, 2)), LocaleFormatter("en").day(first)) == ("2 déc. 2026", "1 Dec 2026")


ASKED = Declaration(pce="09999990000042", perimeters=["informatives", "techniques"], calls_until=date(2028, 1, 31))
TODAY = date(2026, 11, 27)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ours_says_what_was_chosen(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__THIRD_PARTY", "Ville d'Exemple")

    def said(text: ConsentText) -> str:
        return " ".join(text.text.split())

    text, t, spell = consent_text(ASKED, language, TODAY), Texts(language), LocaleFormatter(language)
    assert (text.version, text.language, "{" in text.text) == ("1", language, False)
    days = spell.day(date(2028, 1, 31)), spell.day(date(2021, 11, 27))[-9:]
    wanted = ("Ville d'Exemple", "CNIL", "GRDF", *days, " 5 ")
    assert [part for part in wanted if part not in said(text)] == []
    monkeypatch.delenv("AIRFLOW__GRDF__THIRD_PARTY")
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_RECORD_DAYS", "0")
    bare = consent_text(ASKED, language, TODAY)
    assert (t("consent.third_party") in bare.text, " 5 " in said(bare)) == (True, False)
    assert text_digest(text) != text_digest(bare)


def test_the_installation_may_have_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_TEXT", str(tmp_path))
    for version in ("2", "10"):
        for language in LANGUAGES:
            (tmp_path / f"{version}.{language}.txt").write_text(f"text {version} in {language}: {{data}}, {{odd}} {{")
    text = consent_text(ASKED, "en", TODAY)
    assert (text.version, text.text[:14], text.text[-9:]) == ("10", "text 10 in en:", ", {odd} {")


@pytest.mark.parametrize(("files", "message"), [
    (None, "FileNotFoundError"), ({}, "no text of the newest version"), ({"1.fr.txt": b"oui"}, "FileNotFoundError"),
    ({"1.fr.txt": b"oui", "1.en.txt": b" \n"}, "empty"),
    ({"1.fr.txt": b"oui", "1.en.txt": b"\xff\xfe"}, "UnicodeDecodeError"),
])  # fmt: skip
def test_what_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes] | None, message: str
) -> None:
    folder = tmp_path / "texts"
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_TEXT", str(folder))
    if files is not None:
        folder.mkdir()
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    with pytest.raises(BadSettings, match=message):
        consent_text(ASKED, "fr", TODAY)
