"""No source file puts a meter's number or an amount of gas into a message. This is checked in the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for folder in ("dags", "plugins", "include/gas")
    for path in (ROOT / folder).rglob("*.py")
)  # fmt: skip
TELLERS = {"debug", "info", "warning", "error", "exception", "critical", "log", "about", "describe_for"}
"""Calls whose text people read: methods of loggers, and calls that create the project's errors."""
TAGGED = {"meter_tag", "without_numbers", "len"}
"""Functions to which a meter may be passed on the way to a message."""
NUMBERS = {"pce", "pces", "pce_id", "id_pce"}
AMOUNT = re.compile(r"^ ?kWh|%\S+ ?kWh")
AMOUNTS = {"load", "loads", "energie", "kwh"}


def told(source: str) -> Iterator[tuple[int, str]]:
    """Return line and name of everything in a message that should not be there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in TELLERS:
                for part in [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg != "account")]:
                    yield from _names(part)
            elif name.endswith(("Error", "Exception")) or name == "AirflowSkipException":
                for part in node.args:
                    yield from _names(part)


def _names(part: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(part, ast.Call):
        name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
        if name in TAGGED:
            return
    if isinstance(part, ast.Compare | ast.comprehension):
        return
    if isinstance(part, ast.Name | ast.Attribute):
        name = part.id if isinstance(part, ast.Name) else part.attr
        if name in NUMBERS | AMOUNTS:
            yield part.lineno, name
    if isinstance(part, ast.Constant) and isinstance(part.value, str) and AMOUNT.search(part.value):
        yield part.lineno, part.value
    for child in ast.iter_child_nodes(part):
        yield from _names(child)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_message_is_told_a_number_or_an_amount(path: Path) -> None:
    found = list(told(path.read_text(encoding="utf-8")))
    assert not found, f"{path.relative_to(ROOT)}: name the meter by meter_tag(account, pce), and no kWh: {found}"


def test_what_is_found_and_what_is_let_pass() -> None:
    for line in (
        'log.info("Account %s, meter %s: read.", account, meter.pce)',
        'BadAccount.about(account, f"meter {consent.pce} is odd")',
        'raise ValueError(f"{pce} is no meter")',
        'log.info(f"the total is now {total} kWh")',
        'log.info("%s", document.load)',
    ):
        assert list(told(line)), line
    assert not list(told('log.info("meter %s, %d days", meter_tag(account, meter.pce), len(days))'))
