"""Missing days: gas days inside the consent for which nothing is stored, known per meter and calendar year.

A day that is missing may still come: GRDF publishes late, and every run asks again for the days of the re-read window.
Older ones are definitive, as their month is published: GRDF has none. A missing day is never stored as 0.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from include.gas.days import utc_text
from include.gas.documents import Document

PUBLISHED_WITHIN = timedelta(days=3)
"""Gas days younger than this are not missing yet: rows arrive from D+1 to D+3 (ADICT 3.9)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The missing days of one meter in one year.

    :param first: the first of them.
    :param last: the last of them.
    :param awaited: how many may still come.
    :param none: how many are too old to come: GRDF has none.
    """

    first: date
    last: date
    awaited: int
    none: int


def gaps_of(
    *,
    first: date,
    end: date,
    stored: Collection[date],
    years: Collection[int],
    reread_days: int,
    consent_end: date | None = None,
) -> dict[int, Gap]:
    """Find the missing days of some years.

    :param first: first gas day that was ever asked for under the consent.
    :param end: gas day at which the newest question ended, excluded.
    :param stored: the gas days of those years that are stored.
    :param years: the years whose stored days are all known.
    :param reread_days: how far back runs ask again; older missing days do not come any more.
    :param consent_end: gas day from which the consent covers nothing, None for no bound.
    :return: year to gap; a year without missing days is left out.
    """
    have = set(stored)
    last = end - PUBLISHED_WITHIN - timedelta(days=1)
    if consent_end is not None:
        last = min(last, consent_end - timedelta(days=1))
    missing: dict[int, list[date]] = defaultdict(list)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if day.year in years and day not in have:
            missing[day.year].append(day)
    oldest = end - timedelta(days=reread_days)
    return {
        year: Gap(days[0], days[-1], sum(day >= oldest for day in days), sum(day < oldest for day in days))
        for year, days in missing.items()
    }


def with_gaps(
    document: Mapping[str, Any], pce: str, years: Collection[int], found: Mapping[int, Gap], noticed_at: datetime | str
) -> Document:
    """Put the missing days of a meter into an account document.

    :param document: the account document.
    :param pce: the meter.
    :param years: the years that were looked at; what is known of others stays.
    :param found: their gaps.
    :param noticed_at: the present, aware; a year that had missing days before keeps the moment they were noticed.
    :return: a new document, equal to the old one when nothing changed.
    """
    changed: Document = copy.deepcopy(dict(document))
    gaps = {key: dict(value) for key, value in (changed.get("gaps") or {}).items()}
    mine = gaps.get(pce, {})
    for year in years:
        gap, before = found.get(year), mine.pop(str(year), None)
        if gap is not None:
            mine[str(year)] = {
                "first": gap.first.isoformat(),
                "last": gap.last.isoformat(),
                "awaited": gap.awaited,
                "none": gap.none,
                "since": (before or {}).get("since") or utc_text(noticed_at),
            }
    gaps[pce] = dict(sorted(mine.items()))
    gaps = {key: value for key, value in gaps.items() if value}
    if gaps:
        changed["gaps"] = gaps
    else:
        changed.pop("gaps", None)
    return changed
