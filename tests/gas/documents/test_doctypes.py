"""The list of databases is whole, and each entry has what a deletion does with it."""

from __future__ import annotations

import pytest

from include.gas.documents import doctypes
from include.gas.documents.doctypes import (
    CITY,
    DATA,
    DATABASES,
    DAY,
    DOCTYPES,
    FOR_READERS,
    MONTH,
    PRICES,
    PUBLISHED,
    REQUIRED,
    YEAR,
    database,
)


def test_the_list_is_whole() -> None:
    constants = {value for name, value in vars(doctypes).items() if name.isupper() and isinstance(value, str)}
    assert constants == set(DOCTYPES)
    assert len(DOCTYPES) == len(constants)
    assert set(DATA) >= {each.doctype for each in DATABASES if each.indexes}
    # Names, addresses and tokens of households, and what approves a deletion, are not where the gas data are.
    assert set(FOR_READERS) - {PRICES} == {DAY, MONTH, YEAR, PUBLISHED} <= set(DATA)
    assert set(DOCTYPES) - set(REQUIRED) == {PRICES, CITY}
    assert database(DOCTYPES[0]) is DATABASES[0]
    with pytest.raises(ValueError, match="add it"):
        database("com.grandlyon.grdf.new")
