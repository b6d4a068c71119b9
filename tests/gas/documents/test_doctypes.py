"""The list of databases: nothing is stored outside it, and each entry says what a deletion does with it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from include.gas.documents import doctypes
from include.gas.documents.doctypes import DATA, DATABASES, DAY, DOCTYPES, FOR_READERS, MONTH, PUBLISHED, YEAR, database

ROOT = Path(__file__).parents[3]
NAME = re.compile(r"(com|io|org|cc)(\.[a-z]+){2,}")


def test_no_other_module_names_a_doctype() -> None:
    """Otherwise, data could be stored in a database that this list, and so a deletion, does not know."""
    modules = [path for folder in ("include/gas", "plugins", "dags") for path in (ROOT / folder).rglob("*.py")]
    named = {
        (str(path.relative_to(ROOT)), node.value)
        for path in modules
        if path != Path(doctypes.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value)
    }
    assert named == set()


def test_the_list_is_whole() -> None:
    constants = {value for name, value in vars(doctypes).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(DOCTYPES)
    assert len(DOCTYPES) == len(constants)
    assert set(DATA) >= {each.doctype for each in DATABASES if each.indexes}
    # Names, addresses and tokens of households, and what approves a deletion, are not where the gas data are.
    assert set(FOR_READERS) == {DAY, MONTH, YEAR, PUBLISHED} <= set(DATA)
    assert database(DOCTYPES[0]) is DATABASES[0]
    with pytest.raises(ValueError, match="add it"):
        database("com.grandlyon.grdf.new")
