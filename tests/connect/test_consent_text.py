"""The text that a household agrees to: the project's own, or the installation's, in both languages."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.page.connect.consent_text import consent_text, mark_of
from grdf.page.html.catalogue import LANGUAGES
from include.gas.account.declaration import Declaration
from include.gas.errors import BadSettings

if TYPE_CHECKING:
    pass

ASKED = Declaration(pce="09999990000042", perimeters=["informatives", "techniques"], calls_until=date(2028, 1, 31))
TODAY = date(2026, 11, 27)


@pytest.mark.parametrize("language", LANGUAGES)
def test_ours_says_what_was_chosen(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__THIRD_PARTY", "Ville d'Exemple")
    text = consent_text(ASKED, language, TODAY)
    assert (text.version, text.language) == ("1", language)
    assert "{" not in text.text
    wanted = {
        "en": ("daily consumption, technical data", "31 Jan 2028", "for 5 years after that", "Nov 2021"),
        "fr": ("consommation quotidienne, données techniques", "31 janv. 2028", "5 ans au-delà", "nov. 2021"),
    }
    for part in ("Ville d'Exemple", "CNIL", "GRDF", *wanted[language]):
        assert part in text.text
    monkeypatch.delenv("AIRFLOW__GRDF__THIRD_PARTY")
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_RECORD_DAYS", "0")
    bare = consent_text(ASKED, language, TODAY).text
    assert {"en": "the operator of this service", "fr": "l’exploitant de ce service"}[language] in bare
    assert {"en": "not after that", "fr": "pas au-delà"}[language] in bare
    assert mark_of(text) != mark_of(consent_text(ASKED, language, TODAY))


def test_the_installation_may_have_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_TEXT", str(tmp_path))
    for version in ("2", "10"):
        for language in LANGUAGES:
            (tmp_path / f"{version}.{language}.txt").write_text(f"text {version} in {language}: {{data}}, {{odd}} {{")
    text = consent_text(ASKED, "en", TODAY)
    assert (text.version, text.text) == (
        "10",
        "text 10 in en: daily consumption, technical data of the meter, with its address, {odd} {",
    )


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (None, "no text of the newest version can be read .FileNotFoundError"),
        ({}, "no text of the newest version can be read"),
        ({"1.fr.txt": b"oui"}, "cannot be used: no text of the newest version can be read .FileNotFoundError"),
        ({"1.fr.txt": b"oui", "1.en.txt": b" \n"}, "a text is empty"),
        ({"1.fr.txt": b"oui", "1.en.txt": b"\xff\xfe"}, "can be read .UnicodeDecodeError"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes] | None, says: str
) -> None:
    folder = tmp_path / "texts"
    monkeypatch.setenv("AIRFLOW__GRDF__CONSENT_TEXT", str(folder))
    if files is not None:
        folder.mkdir()
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content)
    with pytest.raises(BadSettings, match=says):
        consent_text(ASKED, "fr", TODAY)
