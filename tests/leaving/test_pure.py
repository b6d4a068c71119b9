"""Who may approve a deletion, and where its secret is named: in the source of the revocation alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from include.gas.leaving.deletion import DeletionOrder

ROOT = Path(__file__).resolve().parents[2]
HOOK, OPERATOR = "plugins/grdf/hooks/revocation.py", "plugins/grdf/operators/deletion/deletion_steps.py"


@pytest.mark.parametrize(
    ("approver", "by_one_person", "may"),
    [
        ("ben", False, True),
        ("ana", False, False),
        ("Ana", False, False),  # FAB considers both to be the same name
        ("", False, False),
        ("", True, False),
        ("ana", True, True),
    ],
)
def test_who_may_approve(approver: str, by_one_person: bool, may: bool) -> None:
    order = DeletionOrder(run="run-1", started="", keep_data=False, asked_by="ana", approved_by=approver)
    assert order.is_approved(by_one_person=by_one_person) is may


def code_of(file: Path) -> str:
    """Return a module's code without docstrings and comments."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    return ast.unparse(tree)


def test_one_hook_knows_the_secret_and_one_operator_the_hook() -> None:
    code = {
        file.relative_to(ROOT).as_posix(): code_of(file)
        for folder in ("dags", "plugins", "include/gas")
        for file in (ROOT / folder).rglob("*.py")
    }
    users = {
        word: {name for name, text in code.items() if word in text}
        for word in ("grdfgrandlyon_delete", "DELETE_CONNECTION", "PATCH", "RevocationHook", "hooks.revocation")
    }
    assert users["grdfgrandlyon_delete"] == users["DELETE_CONNECTION"] == users["PATCH"] == {HOOK}
    assert users["RevocationHook"] == {HOOK, OPERATOR}
    assert users["hooks.revocation"] == {OPERATOR}
