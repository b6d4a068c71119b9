"""Prices of gas in € per kWh by gas day: Cozy's table, or an operator's CSV file, checked, and what a load costs."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from include.gas.answers.fields import number_in
from include.gas.answers.french_words import instant_in
from include.gas.days.gas_day import ONE_DAY, paris_today, parse_day
from include.gas.documents.day_documents import Document, day_of
from include.gas.errors import BadRequest
from include.gas.redact import excerpt

GAS = 2
"""``fluidType`` of gas in Cozy's table (ADICT 11.1, remembered from the public app)."""
LEAST, MOST = 0.01, 1.0
"""€ per kWh. Households have paid 0.05 to 0.20 since 2012: what is outside was meant per MWh, or in cents."""
DECIMALS = Decimal("0.000001")
"""Of a day's price in €: so many that a year's sum is right to the cent. Whole kWh at 0.05123 € are exact."""
COLUMNS = ("first", "end", "price")
NO_END = "9999"
"""The year by which many programs say that a price has no end."""
MOST_NAMED = 10


class Price(msgspec.Struct, frozen=True):
    """€ per kWh from a gas day on; ``end`` is exclusive, ``None`` until further notice."""

    first: date
    end: date | None
    per_kwh: float


class PriceTable(msgspec.Struct, frozen=True):
    """Prices in order, without gap or overlap."""

    prices: tuple[Price, ...] = ()

    def find_price(self, day: date) -> Price | None:
        """Return the price in force on a gas day; ``None`` if the table does not cover it."""
        at = bisect_right(self.prices, day, key=lambda price: price.first)
        found = self.prices[at - 1] if at else None
        return found if found and (found.end is None or day < found.end) else None

    def price_load(self, load: int | float, day: date) -> float | None:
        """Return what a day's load in kWh costs, in € rounded half up to :data:`DECIMALS`; ``None`` without a price."""
        if (found := self.find_price(day)) is None:
            return None
        exact = Decimal(repr(load)) * Decimal(repr(found.per_kwh))
        return float(exact.quantize(DECIMALS, ROUND_HALF_UP))


NO_PRICES = PriceTable()


def with_price(document: Document, prices: PriceTable) -> Document:
    """Return a stored day with its price, if the table covers it. Elsewhere another program's stays."""
    price = prices.price_load(document["load"], day_of(document))
    return document if price is None else document | {"price": price}


def read_price_file(content: bytes) -> PriceTable:
    """Return the table in a CSV file with :data:`COLUMNS`; an empty ``end`` is the next line's ``first``.

    :raises BadRequest: naming all wrong lines
    """
    text = content.decode("utf-8-sig", errors="replace")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.reader(text.splitlines(), delimiter=separator)
    try:
        header, *lines = [[cell.strip() for cell in row] for row in reader] or [[]]
    except csv.Error as error:  # such as a cell longer than Python's limit of 131,072 characters
        raise _wrong([f"line {reader.line_num}: {error}"]) from None
    if tuple(header) != COLUMNS:
        raise _wrong([f"its first line is not {separator.join(COLUMNS)}"])
    if not any(map(any, lines)):
        raise _wrong(["the file has no price"])
    return _check((f"line {number}", cells) for number, cells in enumerate(lines, start=2) if any(cells))


def read_price_documents(documents: Iterable[Mapping[str, Any]]) -> PriceTable:
    """Return the table in Cozy's documents, of which those of gas count; ``BadRequest`` naming all wrong ones."""
    return _check(
        (
            f"document {excerpt(str(each.get('_id')), 60)}",
            [each.get("startDate"), each.get("endDate"), each.get("price")],
        )
        for each in documents
        if each.get("fluidType") == GAS
    )


def price_documents(table: PriceTable) -> list[Document]:
    """Return a table as Cozy keeps it: UTC texts, the last minute as end, ``None`` for the current price."""
    return [
        {
            "_id": f"grdf-gas-{each.first}",
            "fluidType": GAS,
            "price": each.per_kwh,
            "startDate": f"{each.first}T00:00:00.000Z",
            "endDate": each.end and f"{each.end - ONE_DAY}T23:59:00.000Z",
        }
        for each in table.prices
    ]


def _check(rows: Iterable[tuple[str, Sequence[Any]]]) -> PriceTable:
    named, faults = list[tuple[str, Price]](), list[str]()
    for name, cells in rows:
        try:
            named.append((name, _read_price(cells)))
        except ValueError as error:
            faults.append(f"{name}: {error}")
        except OverflowError:
            faults.append(f"{name}: it begins or ends on a day that no calendar can reckon with")
    named.sort(key=lambda each: each[1].first)
    for (_, before), (name, price) in pairwise(named):
        if before.end and before.end != price.first:
            fault = "leaves days without a price" if before.end < price.first else "overlaps"
            faults.append(f"{name}: it {fault}, since the price before ends on {before.end}")
        elif before.first == price.first:
            faults.append(f"{name}: another price begins on {price.first}")
    if faults:
        raise _wrong(faults)
    prices = [price for _, price in named]
    ends = [price.end or after.first for price, after in pairwise(prices)] + [price.end for price in prices[-1:]]
    return PriceTable(tuple(replace(price, end=end) for price, end in zip(prices, ends, strict=True)))


def _read_price(cells: Sequence[Any]) -> Price:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"it has {len(cells)} cells, not {len(COLUMNS)}; decimal commas need semicolons between cells")
    first, end, price = cells
    begin = _day(first)
    until = None if not end or str(end).startswith(NO_END) else _day(end, minutes=1)
    amount = number_in(price)
    if amount is None or not LEAST <= amount <= MOST:
        raise ValueError(f"{excerpt(repr(price), 40)} is not {LEAST} to {MOST} € per kWh; is it in cents, or per MWh?")
    if until and until <= begin:
        raise ValueError("it ends before it begins")
    return Price(begin, until, amount)


def _day(text: object, minutes: int = 0) -> date:
    """Return a day, or the Paris day of an instant. Cozy ends a price one minute before the next."""
    if isinstance(text, str) and len(text) > len("2026-11-01") and (instant := instant_in(text)):
        return paris_today(instant + timedelta(minutes=minutes))
    return parse_day(text if isinstance(text, str) else "")


def _wrong(faults: Sequence[str]) -> BadRequest:
    some = "; ".join(faults[:MOST_NAMED])
    return BadRequest.about(
        None,
        f"the prices of gas cannot be used: {some}{'; …' if faults[MOST_NAMED:] else ''}",
        "Correct them and start this again. Until then those hold that were taken over last.",
    )
