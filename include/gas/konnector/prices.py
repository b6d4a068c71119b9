"""The prices that another program stored on the konnector's documents, and which of them our documents get.

Cozy's Ecolyo writes ``price`` on days, months and years that have none, and leaves one that it finds. So a price for
another load than ours must not become ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from include.gas.documents.gas_days import Document
from include.gas.konnector.old_documents import Figure


def with_prices(document: Mapping[str, Any], figures: Iterable[Figure]) -> Document:
    """Return our document with the prices of the konnector's documents for its period.

    If its load is the one that a price was computed for, it gets the price. Otherwise ``former_price`` says what the
    price was, and for which load, as in :func:`include.gas.documents.gas_days.fitting`. What our document says already
    stays.

    :param document: our day or total
    :param figures: the konnector's documents for the same period, in the order of
        :func:`include.gas.konnector.old_documents.ranked`; of several prices the last counts
    """
    found: Document = {}
    for figure in figures:
        if figure.price is None:
            continue
        if figure.agrees(document.get("load")):
            found["price"] = figure.price
        else:
            found["former_price"] = {"price": figure.price, "load": figure.load}
    return {**document, **{key: value for key, value in found.items() if document.get(key) is None}}


def has_price(document: Mapping[str, Any], figure: Figure) -> bool:
    """Return whether our document needs no price of a konnector document, which may thus go."""
    return with_prices(document, [figure]) == document
