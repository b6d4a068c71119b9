"""The walks of docs/architecture.md are what the imports say: few files, each met once, and none out of the blue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
MOST = {"An account id, from its DAG to the stored total": 15, "A line of an answer, from bytes to a total": 10,
        "A right, from a form to the first day": 12}  # fmt: skip


def files_of(title: str) -> list[str]:
    table = PAGE.partition(f"**{title}**\n\n")[2].partition("\n\n")[0]
    return re.findall(r"`((?:plugins|include)/[\w/]+\.py)`", table)


def module_of(file: str) -> str:
    return file.removesuffix(".py").removeprefix("plugins/").replace("/", ".")


@pytest.mark.parametrize("title", MOST)
def test_a_walk_goes_by_the_imports_and_never_back(title: str) -> None:
    files = files_of(title)
    assert 5 < len(files) <= MOST[title]
    assert len({*files}) == len(files), "it comes back"
    for at, file in enumerate(files[1:], 1):
        before = [(ROOT / each).read_text(encoding="utf-8") for each in files[:at]]
        is_task = "/operators/" in file
        assert is_task or any(re.search(rf"\b{re.escape(module_of(file))}\b", text) for text in before), file
