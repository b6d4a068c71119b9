"""The tab on the DAGs that belong to no account: each of this project's DAGs has its words, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXTS = ROOT / "plugins" / "grdf" / "page" / "texts"
OF_ACCOUNTS = ("grdf_accounts_", "grdf_broken_accounts")
DAGS = sorted(file.stem for file in (ROOT / "dags").glob("grdf_*.py") if not file.stem.startswith(OF_ACCOUNTS))


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_dag_has_its_words(language: str) -> None:
    texts = json.loads((TEXTS / f"tab.{language}.json").read_text(encoding="utf-8"))
    assert len(DAGS) > 8
    assert [dag for dag in DAGS if not (texts.get(f"tab.{dag}") and texts.get(f"tab.{dag}.next"))] == []
