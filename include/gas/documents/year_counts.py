"""How many days of each year are stored of a meter, counted from the days themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from include.gas.documents.gas_days import day_of


class StoredYear(msgspec.Struct, frozen=True, omit_defaults=True):
    """The stored gas days of one meter in one year.

    :param days: how many are stored
    :param first: the first of them
    :param last: the last of them
    :param provisional: how many of them GRDF may still change
    :param corrected: how many of them say something else than when they were stored first
    """

    days: int
    first: date
    last: date
    provisional: int = 0
    corrected: int = 0


def stored_years(days: Iterable[Mapping[str, Any]]) -> dict[int, StoredYear]:
    """Count stored days by year.

    :param days: all stored day documents of some years of one meter
    """
    years: dict[int, list[tuple[date, Mapping[str, Any]]]] = defaultdict(list)
    for document in days:
        day = day_of(document)
        years[day.year].append((day, document))
    return {
        year: StoredYear(
            days=len(held),
            first=min(day for day, _ in held),
            last=max(day for day, _ in held),
            provisional=sum(document.get("status") == "provisional" for _, document in held),
            corrected=sum(bool(document.get("changes")) for _, document in held),
        )
        for year, held in sorted(years.items())
    }


def shortfall(told: Mapping[int, StoredYear], held: Mapping[int, StoredYear], years: Collection[int]) -> dict[int, int]:
    """Count the days that are told and not held.

    :param told: what an account said before ``held`` was read
    :param held: what is stored
    :param years: the years of which all stored days were read
    :return: year to days, at least 1 where the days that are held begin later or end earlier; none that is complete
    """
    short: dict[int, int] = {}
    for year in years:
        said, found = told.get(year), held.get(year)
        if said is None or not said.days:
            continue
        if found is None:
            short[year] = said.days
        elif found.days < said.days or found.first > said.first or found.last < said.last:
            short[year] = max(said.days - found.days, 1)
    return short
