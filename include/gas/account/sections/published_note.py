"""What each meter's published periods say beside its gas days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from include.gas.account.sections.section import MeterSection
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import utc_text
from include.gas.documents.comparison import Comparison
from include.gas.documents.gas_days import Document
from include.gas.documents.periods import newest_period
from include.gas.documents.totals import Number

DIFFERENCES_KEPT = 24
"""Differences that an account document lists per meter, the newest: two years of monthly bills."""


class LastPeriod(msgspec.Struct, frozen=True):
    """The published period that starts last.

    :param first: its first gas day
    :param end: the gas day after its last one
    :param load: kWh
    """

    first: date
    end: date
    load: Number


class Difference(msgspec.Struct, frozen=True):
    """A published period that says something else than its stored days, beyond rounding.

    :param first: its first gas day
    :param end: the gas day after its last one
    :param published: kWh that GRDF published
    :param stored: kWh of the stored days, summed
    :param missing_days: how many of its days are not stored
    """

    first: date
    end: date
    published: Number
    stored: Number
    missing_days: int

    @classmethod
    def of(cls, each: Comparison) -> Difference:
        """Return the entry of a comparison.

        :param each: a period beside its days
        """
        return cls(each.first, each.end, each.published, each.stored, each.missing_days)


class PublishedNote(MeterSection, frozen=True):
    """What a meter's published periods say.

    :param last_period: the newest of them, null when none is stored
    :param differences: the newest 24 periods that say something else than the stored days
    :param differences_in_all: how many there are
    :param id_accreditation: GRDF's id of the right under which they were read
    :param read_at: when, UTC
    :param message: in words, why GRDF gave none
    """

    key: ClassVar[str] = "published"
    written_by: ClassVar[str] = (
        "the monthly reading (`grdf_published`); taken out when periods were read under another household's consent"
    )

    last_period: LastPeriod | None
    differences: list[Difference]
    differences_in_all: int
    id_accreditation: str | None
    read_at: str
    message: str = ""


def with_published(
    document: Mapping[str, Any],
    consent: Consent,
    *,
    read_at: datetime | str,
    periods: Iterable[Mapping[str, Any]],
    compared: Iterable[Comparison],
    message: str = "",
) -> Document:
    """Note what a meter's published periods say.

    :param document: the account document
    :param consent: the meter, under its present consent
    :param read_at: when GRDF was asked, aware
    :param periods: all stored periods of the meter
    :param compared: their comparison with the stored days
    :param message: in words, why GRDF gave none, or ""
    :return: a new document
    """
    differences = [Difference.of(each) for each in compared if each.beyond_rounding]
    newest = newest_period(periods)
    note = PublishedNote(
        None if newest is None else LastPeriod(newest.first, newest.end, newest.load),
        differences[-DIFFERENCES_KEPT:],
        len(differences),
        consent.id_accreditation,
        utc_text(read_at),
        message,
    )
    return note.noted(document, consent.pce)
