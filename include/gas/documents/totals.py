"""Month and year totals: the exact sum of the stored days, computed from scratch."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any

from include.gas.documents.day_documents import Document, day_of, is_number, month_id, without_stale_price, year_id
from include.gas.documents.prices import NO_PRICES, PriceTable

Number = int | float

_EXACT = Context(prec=700, traps=[Inexact, InvalidOperation])
"""Adds any floats exactly: their digits are fewer than 700 places apart."""

QUALITIES = ("measured", "estimated", "corrected")
REPLACED = frozenset(("source", "published_days", "priced_days"))
"""Keys that a sum of days does not keep: of a total from published periods, and of former prices."""


def exact_sum(loads: Iterable[Number]) -> Number:
    """Return the exact sum in kWh: 76.712 + 5.5 is 82.212, in any order.

    :return: an ``int`` for integers; else the float nearest to the sum of the shortest decimal representations
    """
    numbers = list(loads)
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers)
    total = Decimal(0)
    for number in numbers:
        total = _EXACT.add(total, Decimal(repr(number)))
    if not total.is_finite():
        raise ValueError("infinity has no sum")
    return float(total)


def month_documents(
    account: str, pce: str, days: Iterable[Mapping[str, Any]], prices: PriceTable = NO_PRICES
) -> dict[str, Document]:
    """Return the month totals of stored days by id. ``days`` is the number of days summed."""
    return _totals(account, pce, days, prices, month_id)


def year_documents(
    account: str, pce: str, days: Iterable[Mapping[str, Any]], prices: PriceTable = NO_PRICES
) -> dict[str, Document]:
    """Return the year totals by id, of **all** stored days of the years concerned."""
    return _totals(account, pce, days, prices, lambda account, pce, year, _: year_id(account, pce, year))


def _totals(
    account: str,
    pce: str,
    days: Iterable[Mapping[str, Any]],
    prices: PriceTable,
    name: Callable[[str, str, int, int], str],
) -> dict[str, Document]:
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for document in days:
        day = day_of(document)
        groups[name(account, pce, day.year, day.month)].append(document)
    return {key: _total(key, group) | _sum_prices(group, prices) for key, group in sorted(groups.items())}


def _sum_prices(days: list[Mapping[str, Any]], prices: PriceTable) -> Document:
    """Return the sum of the days' prices if each has one, and how many have, of days that the table concerns."""
    if not any(prices.find_price(day_of(document)) for document in days):
        return {}
    found = [price for document in days if is_number(price := document.get("price"))]
    return {"priced_days": len(found)} | ({"price": exact_sum(found)} if len(found) == len(days) else {})


def bare_total(document_id: str, load: Number, days: int) -> Document:
    """Return a month or year without the keys of its kind; ``load`` in kWh."""
    account, pce, period = document_id.split(":")
    year, _, month = period.partition("-")
    return {
        "_id": document_id,
        "account": account,
        "pce": pce,
        "load": load,
        "year": int(year),
        "month": int(month or 1),
        "day": 1,
        "hour": 0,
        "minute": 0,
        "days": days,
    }


def merge_total(stored: Document | None, new: Document) -> Document | None:
    """Return the document to write for a total, with other programs' keys; ``None`` if the stored one is up to date."""
    if stored is None:
        return dict(new)
    if all(stored.get(key) == value for key, value in new.items()):
        return None
    gone = REPLACED | {"price"} if "priced_days" in new else REPLACED
    return {key: value for key, value in without_stale_price(stored, new["load"]).items() if key not in gone} | new


def _total(document_id: str, days: list[Mapping[str, Any]]) -> Document:
    volumes = [document["volume"] for document in days if is_number(document.get("volume"))]
    qualities = Counter(str(document.get("quality")) for document in days)
    return bare_total(document_id, exact_sum(document["load"] for document in days), len(days)) | {
        "volume": exact_sum(volumes) if volumes else None,
        "volume_days": len(volumes),
        **{f"{quality}_days": qualities[quality] for quality in QUALITIES},
        "basis": _basis(days),
    }


def _basis(days: list[Mapping[str, Any]]) -> str:
    # Identifies the revisions that were summed. Equal loads do not prove a total current: a day may go from 5 to 6 and
    # back while a slower run, which read the 6, is about to write. As the revisions differ, the faster run writes all
    # the same, and the slower one gets a conflict.
    revisions = sorted(f"{document.get('_id', '')}@{document.get('_rev', '')}" for document in days)
    return hashlib.sha256("\n".join(revisions).encode()).hexdigest()[:16]
