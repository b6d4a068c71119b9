"""The list of databases: nothing is stored outside it, and each entry says what a deletion does with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.gas.documents import doctypes
from include.gas.documents.doctypes import (
    DATA,
    DATABASES,
    DAY,
    DOCTYPES,
    FOR_READERS,
    MONTH,
    PUBLISHED,
    YEAR,
    database,
)

ROOT = Path(__file__).parents[3]
NAME = re.compile(r"(com|io|org|cc)(\.[a-z]+){2,}")


def texts(path: Path) -> Iterator[str]:
    """Return all string constants of a module except docstrings."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_module_names_a_doctype() -> None:
    """Otherwise, data could be stored in a database that this list, and so a deletion, does not know."""
    named = {
        (str(path.relative_to(ROOT)), text)
        for folder in ("include/gas", "plugins", "dags")
        for path in (ROOT / folder).rglob("*.py")
        for text in texts(path)
        if NAME.fullmatch(text) and path != Path(doctypes.__file__)
    }
    assert named == set()


def test_every_doctype_is_in_the_list_once() -> None:
    constants = {value for name, value in vars(doctypes).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(DOCTYPES)
    assert len(DOCTYPES) == len(set(DOCTYPES))


def test_what_has_an_index_is_the_account_s() -> None:
    assert set(DATA) >= {each.doctype for each in DATABASES if each.indexes}


def test_readers_come_in_where_the_gas_data_are_and_nowhere_else() -> None:
    """Names, addresses and tokens of households, and what approves a deletion, are elsewhere."""
    assert set(FOR_READERS) == {DAY, MONTH, YEAR, PUBLISHED}
    assert set(DATA) >= set(FOR_READERS), "documents about an account may have any id there"


def test_an_unknown_doctype_is_no_database() -> None:
    assert database(DOCTYPES[0]) is DATABASES[0]
    with pytest.raises(ValueError, match="add it"):
        database("com.grandlyon.grdf.new")
