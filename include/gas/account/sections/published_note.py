"""The notes of the monthly reading: what each meter's published periods say compared with its gas days, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection
from include.gas.days.gas_day import utc_text
from include.gas.documents.billing.comparison import Comparison
from include.gas.documents.billing.periods import newest_period
from include.gas.documents.gas_days import Document
from include.gas.documents.totals import Number
from include.gas.rights.meter_rights import Held

DIFFERENCES_KEPT = 24
"""Number of differences listed per meter, the newest ones: two years of monthly bills."""


class LastPeriod(msgspec.Struct, frozen=True):
    """The published period that starts last.

    :param first: first gas day
    :param load: energy in kWh
    """

    first: date
    end: date
    load: Number


class Difference(msgspec.Struct, frozen=True):
    """A published period that differs from the sum of its stored days by more than rounding explains.

    :param first: first gas day
    :param published: kWh that GRDF published
    :param stored: sum of the stored days in kWh
    :param missing_days: number of its days that are not stored
    """

    first: date
    end: date
    published: Number
    stored: Number
    missing_days: int

    @classmethod
    def of(cls, each: Comparison) -> Difference:
        """Return the entry for a comparison."""
        return cls(each.first, each.end, each.published, each.stored, each.missing_days)


class PublishedNote(MeterSection, frozen=True):
    """Summary of a meter's published periods.

    :param last_period: the newest period; null if none is stored
    :param differences: the newest 24 periods that differ from the stored days
    :param differences_in_all: number of all periods that differ
    :param id_accreditation: GRDF's id of the right under which the periods were read
    :param read_at: when GRDF was asked, UTC
    :param message: why GRDF sent no periods, and for which days none is stored, in words
    :param closes: first gas day that the account may not hold any more; absent for no bound
    """

    key: ClassVar[str] = "published"

    last_period: LastPeriod | None
    differences: list[Difference]
    differences_in_all: int
    id_accreditation: str | None
    read_at: str
    message: str = ""
    closes: date | None = None


def with_published(
    document: Mapping[str, Any],
    held: Held,
    *,
    read_at: datetime | str,
    periods: Iterable[Mapping[str, Any]],
    compared: Iterable[Comparison],
    message: str = "",
) -> Document:
    """Return the account document with the summary of a meter's published periods.

    :param held: what the account has of the meter
    :param read_at: when GRDF was asked, aware
    :param periods: all stored periods of the meter
    :param compared: the comparisons of these periods with the stored days
    :param message: why GRDF sent no periods, and which are missing, in words; ``""`` otherwise
    """
    differences = [Difference.of(each) for each in compared if each.beyond_rounding]
    newest = newest_period(periods)
    note = PublishedNote(
        None if newest is None else LastPeriod(newest.first, newest.end, newest.load),
        differences[-DIFFERENCES_KEPT:],
        len(differences),
        held.right or None,
        utc_text(read_at),
        message,
        held.closes,
    )
    return note.noted(document, held.pce)
