"""Missing days: gas days inside the consent for which nothing is stored, known per meter and calendar year.

A day that is missing may still come: GRDF publishes late, and every run asks again for the days of the re-read window.
Once a day was asked for at an age at which its month is published, and was not in the answer, GRDF has none. Until then
daily runs ask for it, however old it has become. A missing day is never stored as 0.
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
from include.gas.windows import Window

PUBLISHED_WITHIN = timedelta(days=3)
"""Gas days younger than this are not missing yet: rows arrive from D+1 to D+3 (ADICT 3.9)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The missing days of one meter in one year.

    :param first: the first of them.
    :param last: the last of them.
    :param awaited: how many may still come.
    :param none: how many GRDF was asked for when they were too old to come: it has none.
    :param awaited_from: the first that may still come; None when none may.
    """

    first: date
    last: date
    awaited: int
    none: int
    awaited_from: date | None = None


def gaps_of(
    *,
    first: date,
    end: date,
    stored: Collection[date],
    years: Collection[int],
    reread_days: int,
    asked: Window | None,
    before: Mapping[int, Gap],
    consent_end: date | None = None,
) -> dict[int, Gap]:
    """Find the missing days of some years.

    :param first: first gas day that was ever asked for under the consent.
    :param end: gas day at which the newest question ended, excluded.
    :param stored: the gas days of those years that are stored.
    :param years: the years whose stored days are all known.
    :param reread_days: how far back runs ask again; what is older when it is asked for does not come any more.
    :param asked: the days of the answer that was just stored; None when a missing day may be one that GRDF sent and we
        could not read, so that the answer settles nothing.
    :param before: what was known of those years.
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
    settled = (asked and asked.clip(None, end - timedelta(days=reread_days))) or ()
    found: dict[int, Gap] = {}
    for year, days in missing.items():
        none = 0
        while none < len(days) and (days[none] in settled or _known_as_none(days[none], before.get(year))):
            none += 1
        found[year] = Gap(days[0], days[-1], len(days) - none, none, days[none] if none < len(days) else None)
    return found


def _known_as_none(day: date, gap: Gap | None) -> bool:
    """Days are settled in their order: all missing days before the first awaited one are known not to come."""
    return gap is not None and (day <= gap.last if gap.awaited_from is None else day < gap.awaited_from)


def known_gaps(document: Mapping[str, Any], pce: str) -> dict[int, Gap]:
    """Give what an account document says of a meter's missing days, by year.

    :param document: the account document; odd entries are left out, and are found anew.
    :param pce: the meter.
    """
    gaps = document.get("gaps")
    noted = gaps.get(pce) if isinstance(gaps, Mapping) else None
    known: dict[int, Gap] = {}
    for year, entry in noted.items() if isinstance(noted, Mapping) else ():
        try:
            awaited = entry.get("awaited_from")
            known[int(year)] = Gap(
                date.fromisoformat(entry["first"]),
                date.fromisoformat(entry["last"]),
                int(entry["awaited"]),
                int(entry["none"]),
                date.fromisoformat(awaited) if awaited else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    return known


def awaited_from(document: Mapping[str, Any], pce: str) -> date | None:
    """Give the first missing day of a meter that may still come, None when none may.

    :param document: the account document.
    :param pce: the meter.
    """
    days = (gap.awaited_from for gap in known_gaps(document, pce).values())
    return min((day for day in days if day is not None), default=None)


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
            if gap.awaited_from is not None:
                mine[str(year)]["awaited_from"] = gap.awaited_from.isoformat()
    gaps[pce] = dict(sorted(mine.items()))
    gaps = {key: value for key, value in gaps.items() if value}
    if gaps:
        changed["gaps"] = gaps
    else:
        changed.pop("gaps", None)
    return changed
