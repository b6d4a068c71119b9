"""The source code: content of messages, texts of one file, Airflow's internals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from lint.finding import Finding, at, read

Found = Iterator[tuple[int, str]]

TELLERS = {"debug", "info", "warning", "error", "exception", "critical", "log", "about", "format_message"}
"""Calls whose text people read."""
TAGGED = {"meter_tag", "without_numbers", "len"}
"""Functions that a meter may pass on its way to a message."""
HIDDEN = {"pce", "pces", "pce_id", "id_pce", "load", "loads", "energie", "kwh"}
AMOUNT = re.compile(r"^ ?kWh|%\S+ ?kWh")

SETTLED = (
    (r"_AIRFLOW_\w+", "plugins/grdf/airflow/command_line.py", "is private to Airflow: docs/security.md lists its use"),
    (r"(?is).*grdfgrandlyon_delete.*", "plugins/grdf/hooks/revocation.py", "names the secret that revokes consents"),
    (r"(?i)patch", "plugins/grdf/hooks/revocation.py", "is how a consent is revoked at GRDF"),
    (r"(com|io|org|cc)(\.[a-z]+){2,}", "include/gas/documents/doctypes.py", "is a doctype: a deletion must know it"),
)  # fmt: skip
"""Texts that one file alone may hold, with the reason."""

PUBLIC = re.compile(
    r"airflow\.(sdk(\.exceptions|\.log|\.observability)?|providers\..+|plugins_manager|listeners|timetables\.base"
    r"|dag_processing\.bundles\.(base|local))"
)
"""What Airflow documents for DAGs and its extensions."""
SECURITY = "docs/security.md"
USED = re.compile(r"(?m)^\| (?!what|---).+ \| `(plugins/.+)` \| .+ \| `tests/.+` \|$")


def sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield the files that run in Airflow, parsed."""
    for folder in ("dags", "plugins", "include/gas"):
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def find_numbers(root: Path) -> Iterator[Finding]:
    """Find messages with a meter's number or an amount of gas."""
    for file, tree in sources(root):
        for line, what in hidden_in_messages(tree):
            yield Finding(
                file, line, f"a message holds {what!r}: name the meter by meter_tag(account, pce), and no kWh"
            )


def hidden_in_messages(tree: ast.Module) -> Found:
    """Yield line and name of what must not be in a message."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _called(node)
            parts: list[ast.expr] = []
            if name in TELLERS:
                parts = [*node.args, *(each.value for each in node.keywords if each.arg != "account")]
            elif name.endswith(("Error", "Exception")) or name == "AirflowSkipException":
                parts = node.args
            for part in parts:
                yield from _hidden(part)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _hidden(part: ast.AST) -> Found:
    if isinstance(part, ast.Compare | ast.comprehension) or (isinstance(part, ast.Call) and _called(part) in TAGGED):
        return
    if isinstance(part, ast.Name | ast.Attribute):
        name = part.id if isinstance(part, ast.Name) else part.attr
        if name in HIDDEN:
            yield part.lineno, name
    if isinstance(part, ast.Constant) and isinstance(part.value, str) and AMOUNT.search(part.value):
        yield part.lineno, part.value
    for child in ast.iter_child_nodes(part):
        yield from _hidden(child)


def find_settled_texts(root: Path) -> Iterator[Finding]:
    """Find texts outside the one file that may hold them."""
    for file, tree in sources(root):
        nodes = list(ast.walk(tree))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                for pattern, home, why in SETTLED:
                    if file != home and re.fullmatch(pattern, node.value):
                        yield Finding(file, node.lineno, f"{node.value!r} {why}. Take it from {home}")


def find_internals(root: Path) -> Iterator[Finding]:
    """Find imports of Airflow's internals that docs/security.md does not list, and the reverse."""
    listed = {*USED.findall(read(root, SECURITY).partition("## What is used of Airflow")[2])}
    if not 1 <= len(listed) <= 4:
        yield at(root, SECURITY, "## What is used of Airflow", f"{len(listed)} kinds are listed: four at most")
    users = {"plugins/grdf/page/guard.py", "plugins/grdf/airflow/command_line.py"}  # which use some without an import
    for file, tree in sources(root):
        for node in _at_run_time(tree):
            name = (isinstance(node, ast.ImportFrom) and node.module) or ""
            if name.partition(".")[0] == "airflow" and not PUBLIC.fullmatch(name):
                users.add(file)
                if file not in listed:
                    yield Finding(file, node.lineno, f"Airflow does not promise {name}. Do without, or see {SECURITY}")
    for file in listed - users:
        yield at(root, SECURITY, file, f"{file} no longer uses what Airflow does not promise: remove the row")


def _at_run_time(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            if isinstance(child, ast.stmt):
                yield child
            yield from _at_run_time(child)


def find_unread_dag_files(root: Path) -> Iterator[Finding]:
    """Find DAG files that Airflow passes over silently, for want of one of two words."""
    for path in (root / "dags").glob("*.py"):
        for word in (b"airflow", b"dag"):
            if word not in path.read_bytes().lower():
                yield Finding(
                    f"dags/{path.name}", 1, f"Airflow reads no file without the word {word.decode()!r}: add it"
                )


RULES = (find_numbers, find_settled_texts, find_internals, find_unread_dag_files)
