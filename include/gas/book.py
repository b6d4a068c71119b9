"""The account's own book (`stored`) held against what the store holds: days that a database has lost.

Loads add days and never take one away. So when fewer days of a year are stored than the account told before, a database
has lost them: it was restored in part, or is a new one. The book is then not simply written anew, which would hide it:
the loss is noted under `lost_days`, and the next daily run asks for the whole history of the meter once more, in the
call that it makes anyway. A year's note goes when as many days are stored again as there were; what GRDF serves no more
keeps it.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from include.gas.documents import Document
from include.gas.stored import StoredYear

FIELD = "lost_days"
"""Key of an account document: per meter, the years of which days were lost."""

AGAIN, YEARS = "read_again", "years"


def shortfall(told: Mapping[int, StoredYear], held: Mapping[int, StoredYear], years: Collection[int]) -> dict[int, int]:
    """Count the days that are told and not held.

    :param told: what an account said before `held` was read.
    :param held: what is stored.
    :param years: the years of which all stored days were read.
    :return: year to days, at least 1 where the days that are held begin later or end earlier; none that is complete.
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


def with_lost_days(
    document: Mapping[str, Any],
    pce: str,
    told: Mapping[int, StoredYear],
    held: Mapping[int, StoredYear],
    years: Collection[int],
) -> Document:
    """Note on an account which days of a meter the store has lost, and take out what is there again.

    :param document: the account document.
    :param pce: the meter.
    :param told: what the account said before `held` was read.
    :param held: what is stored.
    :param years: the years of which all stored days were read.
    :return: a new document, equal to the old one when nothing was lost or came back.
    """
    changed: Document = copy.deepcopy(dict(document))
    entry = _entry(document, pce)
    noted = _noted(entry)
    short = shortfall(told, held, years)
    noted |= {year: max(noted.get(year, 0), told[year].days) for year in short}
    left = {
        year: days
        for year, days in sorted(noted.items())
        if year in short or year not in years or (held[year].days if year in held else 0) < days
    }
    again = bool(short) or entry.get(AGAIN) is True
    mine = ({AGAIN: True} if again else {}) | (
        {YEARS: {str(year): days for year, days in left.items()}} if left else {}
    )
    return _with(changed, pce, mine)


def reads_again(document: Mapping[str, Any], pce: str) -> bool:
    """Tell whether the whole history of a meter is to be read once more, since days of it were lost.

    :param document: the account document.
    :param pce: the meter.
    """
    return _entry(document, pce).get(AGAIN) is True


def with_history_read_again(document: Mapping[str, Any], pce: str) -> Document:
    """Note that the whole history was read once more; what is still short keeps its note.

    :param document: the account document.
    :param pce: the meter.
    """
    mine = {key: value for key, value in _entry(document, pce).items() if key != AGAIN}
    return _with(copy.deepcopy(dict(document)), pce, mine)


def lost_years(document: Mapping[str, Any], pce: str) -> dict[int, int]:
    """Give the years of a meter of which fewer days are stored than there were, with how many there were.

    :param document: the account document.
    :param pce: the meter.
    """
    return _noted(_entry(document, pce))


def _entry(document: Mapping[str, Any], pce: str) -> Mapping[str, Any]:
    field = document.get(FIELD)
    entry = field.get(pce) if isinstance(field, Mapping) else None
    return entry if isinstance(entry, Mapping) else {}


def _noted(entry: Mapping[str, Any]) -> dict[int, int]:
    years = entry.get(YEARS)
    return {
        int(year): days
        for year, days in (years.items() if isinstance(years, Mapping) else ())
        if str(year).isdigit() and isinstance(days, int)
    }


def _with(changed: Document, pce: str, mine: Mapping[str, Any]) -> Document:
    field = changed.pop(FIELD, None)
    meters = {key: value for key, value in (field.items() if isinstance(field, Mapping) else ()) if key != pce}
    if mine:
        meters[pce] = dict(mine)
    return changed | {FIELD: meters} if meters else changed
