"""Only the revocation uses the secret that revokes. This is checked in the source and at GRDF's stand-in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grdf.hooks.adict import Call
from grdf.quota.terms import DAILY
from include.gas.errors import GasError
from tests.helpers import adict_hook
from tests.leaving.household import ACTIVE, household, rights

if TYPE_CHECKING:
    from include.sandbox.local_world import LocalWorld

ROOT = Path(__file__).resolve().parents[2]
CONN_ID = "grdfgrandlyon_delete"
HOOK = "plugins/grdf/hooks/revocation.py"
OPERATOR = "plugins/grdf/operators/deletion/carry_out.py"


def sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("dags", "plugins", "include/gas"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file.relative_to(ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def _texts(tree: ast.Module) -> Iterator[str]:
    """Yield the string constants that are not docstrings."""
    nodes = list(ast.walk(tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_one_file_names_the_connection() -> None:
    named = {name for name, tree in sources() for text in _texts(tree) if CONN_ID in text.lower()}
    assert named == {HOOK}


def test_one_operator_imports_the_hook() -> None:
    words = ("RevocationHook", "DELETE_CONNECTION", "grdf.hooks.revocation")
    users = set()
    for name, tree in sources():
        for node in ast.walk(tree):
            texts = []
            if isinstance(node, ast.ImportFrom):
                texts = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                texts = [alias.name for alias in node.names]
            elif isinstance(node, ast.Name):
                texts = [node.id]
            elif isinstance(node, ast.Attribute):
                texts = [node.attr]
            if any(word in text for text in texts for word in words):
                users.add(name)
    assert users == {HOOK, OPERATOR}


def test_only_the_revocation_sends_a_patch() -> None:
    users = {name for name, tree in sources() for text in _texts(tree) if text in ("PATCH", "patch")}
    assert users == {HOOK}


def test_grdf_refuses_the_data_token_for_a_revocation(clean: LocalWorld, account_id: str) -> None:
    pces = household(clean, account_id)
    (right,) = rights(clean, pces)
    hook = adict_hook()
    with pytest.raises(GasError, match="HTTP 403"):
        hook._ask(Call("PATCH", f"/droit_acces/{right}", "x", account_id), DAILY)
    assert set(rights(clean, pces).values()) == {ACTIVE}


def test_the_delete_token_reads_no_data(clean: LocalWorld, account_id: str) -> None:
    from grdf.hooks.revocation import RevocationHook

    pces = household(clean, account_id)
    hook = RevocationHook()
    with pytest.raises(GasError, match="HTTP 403"):
        hook._ask(Call("GET", f"/pce/{pces[0]}/donnees_consos_informatives", "x", account_id), DAILY)
