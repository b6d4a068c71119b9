"""Tests import helpers, but neither each other nor benchmark code, so each can be read, moved and run by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ABOUT_BENCHMARKS = ("test_bench", "bench_runs")
"""Files that test the benchmarks."""


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (node.module or "", *(f"{node.module}.{name.name}" for name in node.names))
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def wrong(name: str) -> bool:
    return name.startswith("benchmarks") or (
        name.startswith("tests.") and any(part.startswith("test_") for part in name.split(".")[:-1])
    )


def test_no_test_is_imported_and_no_benchmark() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in (ROOT / "tests").rglob("*.py")
        if not file.name.startswith(ABOUT_BENCHMARKS)
        for name in imported(file)
        if wrong(name)
    }
    assert found == set()


def test_it_would_be_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(
        "from tests.runs.test_secrets import life\nimport benchmarks.quota\nfrom tests.helpers import test_x\n"
    )
    assert [name for name in imported(file) if wrong(name)] == ["tests.runs.test_secrets.life", "benchmarks.quota"]
