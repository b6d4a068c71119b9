"""What is stored of a meter, told in a few numbers on its account, so that a list of accounts need not read any day.

Each load notes the years that it has looked at, from the days that it has read and written anyway. The note follows
from the stored days alone: a load that finds nothing new changes nothing here. Where it is missing (an account from
before there was one) or was taken out by hand, the account's next load makes all of it anew. Two loads at once may
leave a year as the slower one saw it, until the next load of that year; days and totals themselves are right.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from include.gas.documents import Document, day_of

FIELD = "stored"
"""Key of an account document: per meter and year, what is told here."""


@dataclass(frozen=True, slots=True)
class StoredYear:
    """The stored gas days of one meter in one year.

    :param days: how many are stored.
    :param first: the first of them.
    :param last: the last of them.
    :param provisional: how many of them GRDF may still change.
    :param corrected: how many of them say something else than when they were stored first.
    """

    days: int
    first: date
    last: date
    provisional: int = 0
    corrected: int = 0


def stored_years(days: Iterable[Mapping[str, Any]]) -> dict[int, StoredYear]:
    """Count stored days by year.

    :param days: all stored day documents of some years of one meter.
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


def is_told(document: Mapping[str, Any], pce: str) -> bool:
    """Tell whether an account says what is stored of a meter.

    :param document: the account document.
    :param pce: the meter.
    """
    told = document.get(FIELD)
    return isinstance(told, Mapping) and isinstance(told.get(pce), Mapping)


def told_years(document: Mapping[str, Any], pce: str) -> dict[int, StoredYear]:
    """Give what an account says is stored of a meter, by year; odd entries are left out.

    :param document: the account document.
    :param pce: the meter.
    """
    told = document.get(FIELD)
    years = told.get(pce) if isinstance(told, Mapping) else None
    found: dict[int, StoredYear] = {}
    for year, entry in sorted(years.items()) if isinstance(years, Mapping) else ():
        try:
            found[int(year)] = StoredYear(
                int(entry["days"]),
                date.fromisoformat(entry["first"]),
                date.fromisoformat(entry["last"]),
                int(entry.get("provisional", 0)),
                int(entry.get("corrected", 0)),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return found


def with_stored(
    document: Mapping[str, Any], pce: str, years: Iterable[int] | None, found: Mapping[int, StoredYear]
) -> Document:
    """Put what is stored of a meter into an account document.

    :param document: the account document.
    :param pce: the meter.
    :param years: the years that were looked at; what is told of others stays. None: all there are.
    :param found: what is stored of them; a year without a stored day has no entry.
    :return: a new document, equal to the old one when nothing changed.
    """
    changed: Document = copy.deepcopy(dict(document))
    told = changed.get(FIELD)
    meters = dict(told) if isinstance(told, Mapping) else {}
    mine = meters.get(pce)
    kept = dict(mine) if isinstance(mine, Mapping) and years is not None else {}
    for year in years or ():
        kept.pop(str(year), None)
    for year, held in found.items():
        entry: dict[str, Any] = {"days": held.days, "first": held.first.isoformat(), "last": held.last.isoformat()}
        entry |= {name: n for name, n in (("provisional", held.provisional), ("corrected", held.corrected)) if n}
        kept[str(year)] = entry
    changed[FIELD] = {**meters, pce: dict(sorted(kept.items()))}
    return changed
