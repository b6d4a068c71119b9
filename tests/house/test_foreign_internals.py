"""What the product uses of Airflow beyond its public interface: four kinds at most, and docs/security.md names each."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = sorted(each for folder in ("plugins", "dags", "include/gas") for each in (ROOT / folder).rglob("*.py"))
PUBLIC = re.compile(
    r"airflow\.(sdk(\.exceptions|\.log|\.observability)?|providers\..+|plugins_manager|listeners|timetables\.base"
    r"|dag_processing\.bundles\.(base|local))"
)
"""What Airflow documents for DAGs, tasks, plugins, timetables, listeners and DAG bundles."""
PRIVATE = re.compile(r"_AIRFLOW_\w+")
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").partition("## What is used of Airflow")[2]
ROWS = re.findall(r"(?m)^\| (?!what|---)(.+) \| `(.+)` \| (.+) \| `(.+)` \|$", PAGE)


def runtime(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module, without what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from runtime(child)


def internals(path: Path) -> set[str]:
    """Return what a file uses of Airflow that is not public, and what it uses of others that is private."""
    found: set[str] = set()
    text = path.read_text(encoding="utf-8")
    ours = {"_replace", *re.findall(r"(?:def |self\.)(_\w+)", text)}  # the first is a named tuple's, which is public
    for node in runtime(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("airflow"):
            found |= {node.module or ""} if not PUBLIC.fullmatch(node.module or "") else set()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} if PRIVATE.fullmatch(node.value) else set()
        elif isinstance(node, ast.Attribute) and re.match(r"_[a-z]", node.attr):
            found |= {node.attr} - ours if ast.unparse(node.value) not in ("self", "cls", "super()") else set()
    return found


def test_there_are_four_kinds_at_most() -> None:
    assert 1 <= len(ROWS) <= 4
    assert all(does for _, _, does, _ in ROWS)


def test_each_has_its_file_and_the_test_that_tells() -> None:
    assert [path for _, where, _, test in ROWS for path in (where, test) if not (ROOT / path).is_file()] == []


def test_no_other_file_uses_any() -> None:
    used = {str(path.relative_to(ROOT)) for path in FILES if internals(path)}
    listed = {where for _, where, _, _ in ROWS}
    assert used == listed - {"plugins/grdf/page/guard.py"}, "which changes what is read of a request, with no import"
