"""The missing days of each meter (``gaps``), by year: see :mod:`include.gas.documents.gaps` for what they mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection, members, read, written
from include.gas.account.sections.stored import is_year
from include.gas.days.gas_day import ONE_DAY, utc_text
from include.gas.days.windows import Window
from include.gas.documents.gaps import Gap
from include.gas.documents.gas_days import Document


class MissingYear(msgspec.Struct, frozen=True, omit_defaults=True):
    """The missing days of one meter in one year. A run of days is written ``first/last``, both included.

    :param first: the first of them
    :param last: the last of them
    :param awaited: how many may still come
    :param none: how many GRDF has none for, or serves no more
    :param since: when the first of them was noticed, UTC
    :param awaited_from: the first that may still come
    :param ask_from: the first that was not asked for at its age yet
    :param none_days: those that GRDF has none for, in runs
    :param once: those that one answer did not hold, in runs, by the day from which the four weeks count
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
        """Return the entry of a gap.

        :param gap: the missing days
        :param since: when they were noticed, UTC text
        """
        once: dict[str, list[str]] = {}
        for at, run in gap.once:
            once.setdefault(at.isoformat(), []).append(_text(run))
        runs = [_text(run) for run in gap.none_days]
        return cls(gap.first, gap.last, gap.awaited, gap.none, since, gap.awaited_from, gap.ask_from, runs, once)

    def gap(self) -> Gap | None:
        """Return the missing days, None when their runs cannot be read.

        An entry of before two answers were needed says only how many days were settled by one: all are looked at anew.
        """
        try:
            runs = tuple(_run(text) for text in self.none_days)
            once = tuple((date.fromisoformat(at), _run(text)) for at, all_ in self.once.items() for text in all_)
        except (ValueError, OverflowError):
            return None
        if sum(len(run) for run in runs) != self.none:
            return Gap(self.first, self.last, self.awaited + self.none, 0, self.first, self.first)
        ask = self.ask_from if once else self.ask_from or self.awaited_from  # as it was written before
        return Gap(self.first, self.last, self.awaited, self.none, self.awaited_from, ask, runs, once)


class MissingDays(MeterSection, frozen=True):
    """The missing days of a meter: an object of years.

    :param years: the missing days of each year that has any, by year
    """

    key: ClassVar[str] = "gaps"
    shape: ClassVar[str] = "an object by meter and year"
    entry: ClassVar[type[msgspec.Struct] | None] = MissingYear
    written_by: ClassVar[str] = (
        "each load of an answer that was read under the present consent, once the history is read"
    )

    years: dict[int, MissingYear] = msgspec.field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any], pce: str) -> MissingDays:
        """Return what is noted of a meter; a year that cannot be read is left out, and is found anew.

        :param document: the account document
        :param pce: the meter
        """
        entries = ((year, read(MissingYear, entry)) for year, entry in cls.raw(document, pce).items())
        return cls({int(year): entry for year, entry in entries if entry is not None and is_year(year)})


def known_gaps(document: Mapping[str, Any], pce: str) -> dict[int, Gap]:
    """Return what an account document says of a meter's missing days, by year.

    :param document: the account document; odd entries are left out, and are found anew
    :param pce: the meter
    """
    gaps = ((year, entry.gap()) for year, entry in MissingDays.of(document, pce).years.items())
    return {year: gap for year, gap in gaps if gap is not None}


def awaited_from(document: Mapping[str, Any], pce: str, today: date) -> date | None:
    """Return the first missing day of a meter that a run of today is to ask for, None when there is none.

    :param document: the account document
    :param pce: the meter
    :param today: civil date in Paris
    """
    days = (gap.due_from(today) for gap in known_gaps(document, pce).values())
    return min((day for day in days if day is not None), default=None)


def with_gaps(
    document: Mapping[str, Any], pce: str, years: Collection[int], found: Mapping[int, Gap], noticed_at: datetime | str
) -> Document:
    """Note the missing days of a meter.

    :param document: the account document
    :param pce: the meter
    :param years: the years that were looked at; what is known of others stays
    :param found: their gaps
    :param noticed_at: the present, aware; a year that had missing days before keeps the moment they were noticed
    :return: a new document, equal to the old one when nothing changed
    """
    mine = dict(MissingDays.raw(document, pce))
    for year in years:
        gap, before = found.get(year), members(mine.pop(str(year), None))
        if gap is not None:
            mine[str(year)] = written(MissingYear.from_gap(gap, str(before.get("since") or utc_text(noticed_at))))
    return MissingDays.put(document, pce, dict(sorted(mine.items())) or None)


def _text(run: Window) -> str:
    return f"{run.first}/{run.last}"


def _run(text: str) -> Window:
    first, _, last = text.partition("/")
    return Window(date.fromisoformat(first), date.fromisoformat(last) + ONE_DAY)
