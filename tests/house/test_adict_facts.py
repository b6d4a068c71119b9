"""``docs/adict-api.md`` has every section that the code cites, such as "ADICT 3.9"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("include", "plugins", "dags", "tests", "docs", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")
CITATION = re.compile(r"\bADICT (?P<first>[0-9]+(?:\.[0-9]+)*)(?P<more>(?:(?:, | and | to )[0-9]+(?:\.[0-9]+)*)*)")
HEADING = re.compile(r"^#{2,3} ([0-9]+(?:\.[0-9]+)*)\.? ", re.MULTILINE)


def cited(text: str) -> Iterator[str]:
    """Return the numbers of the sections that a text cites."""
    for match in CITATION.finditer(" ".join(text.split())):
        yield match["first"]
        yield from re.findall(r"[0-9]+(?:\.[0-9]+)*", match["more"])


def citing() -> Iterator[tuple[str, str]]:
    """Return each file that cites a section, with that section."""
    for place in PLACES:
        top = ROOT / place
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.suffix in (".py", ".md", ".json", ".html") and path != Path(__file__).resolve():
                for section in sorted(set(cited(path.read_text(encoding="utf-8")))):
                    yield str(path.relative_to(ROOT)), section


@pytest.mark.parametrize(
    ("text", "sections"),
    [
        ("a day may change (ADICT 3.9), so", ["3.9"]),
        ("its contract (ADICT 3.4 and 3.5).", ["3.4", "3.5"]),
        ("what ADICT\n    4 says", ["4"]),
        ("the stand-in for ADICT v2", []),
        ("ADICT answers HTTP 400", []),
    ],
)
def test_citations_are_found(text: str, sections: list[str]) -> None:
    assert list(cited(text)) == sections


@pytest.mark.parametrize(("file", "section"), list(citing()))
def test_the_cited_section_is_there(file: str, section: str) -> None:
    assert section in HEADING.findall((ROOT / "docs" / "adict-api.md").read_text(encoding="utf-8"))


def test_sections_are_cited_at_all() -> None:
    assert {"2.1", "2.4", "3.2", "3.8", "3.9", "4"} <= {section for _, section in citing()}
