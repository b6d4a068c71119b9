"""The missing days of each meter by year (``gaps``). :mod:`include.gas.documents.gaps` explains them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection, members, read, written
from include.gas.account.sections.stored import is_year
from include.gas.days.gas_day import utc_text
from include.gas.days.windows import Window
from include.gas.documents.gaps import Gap
from include.gas.documents.gas_days import Document


class MissingYear(msgspec.Struct, frozen=True, omit_defaults=True):
    """The missing days of one meter in one year. A run of days is written ``first/last``, both included.

    :param first: first missing day
    :param last: last missing day
    :param awaited: number of missing days that may still come
    :param none: number of missing days for which GRDF has no data, or that it does not serve any more
    :param since: when missing days of the year were first noticed, UTC
    :param awaited_from: first missing day that may still come
    :param ask_from: first missing day that was not asked for yet at an age at which it is published
    :param none_days: the missing days for which GRDF has no data, as runs
    :param once: the missing days that were absent from one answer, as runs, by the day from which the four weeks count
    """

    first: date
    last: date
    awaited: int
    none: int
    since: str = ""
    awaited_from: date | None = None
    ask_from: date | None = None
    none_days: list[str] = []
    once: dict[str, list[str]] = msgspec.field(default_factory=dict)

    @classmethod
    def from_gap(cls, gap: Gap, since: str) -> MissingYear:
        """Return the entry for missing days.

        :param since: when they were first noticed, UTC text
        """
        once: dict[str, list[str]] = {}
        for at, run in gap.once:
            once.setdefault(at.isoformat(), []).append(run.as_text)
        runs = [run.as_text for run in gap.none_days]
        return cls(gap.first, gap.last, gap.awaited, gap.none, since, gap.awaited_from, gap.ask_from, runs, once)

    def gap(self) -> Gap | None:
        """Return the missing days; ``None`` if their runs cannot be read."""
        try:
            runs = tuple(map(Window.of_text, self.none_days))
            once = tuple(
                (date.fromisoformat(at), Window.of_text(text)) for at, all_ in self.once.items() for text in all_
            )
        except (ValueError, OverflowError):
            return None
        return Gap(self.first, self.last, self.awaited, self.none, self.awaited_from, self.ask_from, runs, once)


class MissingDays(MeterSection, frozen=True):
    """The missing days of a meter, as an object by year.

    :param years: the missing days by year; years without any are left out
    """

    key: ClassVar[str] = "gaps"

    years: dict[int, MissingYear] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> MissingDays:
        """Return a meter's entry. Years that cannot be read are left out; later loads find their missing days again."""
        entries = ((year, read(MissingYear, entry)) for year, entry in cls.raw(document, pce).items())
        return cls({int(year): entry for year, entry in entries if entry is not None and is_year(year)})


def known_gaps(document: Mapping[str, Any], pce: str) -> dict[int, Gap]:
    """Return the noted missing days of a meter by year. Entries that cannot be read are left out."""
    gaps = ((year, entry.gap()) for year, entry in MissingDays.of(document, pce).years.items())
    return {year: gap for year, gap in gaps if gap is not None}


def awaited_from(document: Mapping[str, Any], pce: str, today: date) -> date | None:
    """Return the first missing day of a meter that today's run must ask for; ``None`` if there is none."""
    days = (gap.due_from(today) for gap in known_gaps(document, pce).values())
    return min((day for day in days if day is not None), default=None)


def with_gaps(
    document: Mapping[str, Any], pce: str, years: Collection[int], found: Mapping[int, Gap], noticed_at: datetime | str
) -> Document:
    """Return the account document with the missing days of a meter.

    :param years: the years that were checked; the entries of other years are kept
    :param found: the missing days of these years
    :param noticed_at: an aware datetime, the present; years that had missing days before keep their earlier moment
    """
    mine = dict(MissingDays.raw(document, pce))
    for year in years:
        gap, before = found.get(year), members(mine.pop(str(year), None))
        if gap is not None:
            mine[str(year)] = written(MissingYear.from_gap(gap, str(before.get("since") or utc_text(noticed_at))))
    return MissingDays.put(document, pce, dict(sorted(mine.items())) or None)
