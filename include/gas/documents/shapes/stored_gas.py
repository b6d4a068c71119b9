"""The shape of the stored days, totals and billing periods. ``docs/documents.md`` is generated from these classes.

They only describe, like those of :mod:`include.gas.documents.shapes.stored_documents`.
"""

from __future__ import annotations

from datetime import date

import msgspec

from include.gas.documents.shapes.kept import Kept
from include.gas.documents.totals import Number


class Adopted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A figure from a konnector document that differs from our own.

    :param load: energy in kWh
    :param former: id of the konnector's document
    """

    load: Number
    former: str = msgspec.field(name="from")


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reading that changed the load of a gas day.

    :param at: when GRDF was asked for it, UTC
    :param before: the former load in kWh; null if there was none
    :param after: the new load in kWh
    :param status: the status of the new reading
    """

    at: str
    before: Number | None
    after: Number
    status: str | None


class FormerPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The price that another program had computed before the load changed, or for a konnector's load that is not ours.

    :param price: as it was stored
    :param load: the load for which it was computed, in kWh
    """

    price: Number | None
    load: Number | None


class Day(Kept, frozen=True):
    """The consumption of one gas day, from 06:00 to 06:00 in Paris. A day without a usable energy has no document.

    :param id: ``<account>:<pce>:<YYYY-MM-DD>``
    :param rev: CouchDB's revision
    :param account: account id
    :param pce: the meter
    :param load: energy in kWh; 0 if GRDF measured 0
    :param year: year of the gas day
    :param month: month of the gas day, from 1
    :param day: day of the month of the gas day, from 1
    :param hour: always 0
    :param minute: always 0
    :param status: ``provisional`` while GRDF may still change the day, then ``definitive``
    :param quality: how GRDF determined the load: ``measured``, ``estimated`` or ``corrected``
    :param read_at: when GRDF was asked, UTC; 1970 for a day adopted from the konnector. A newer reading replaces an
        older one
    :param load_read_at: when GRDF was asked for this load at first, UTC, if a later reading has confirmed it, with
        another status or quality, or with more that was measured
    :param volume: m³; finer than the indexes. The load is *not* volume times coefficient, but close to it
    :param converted_volume: m³ at normal conditions, of meters with a converter
    :param coefficient: kWh per m³
    :param pta: the part of the coefficient that stands for pressure and temperature
    :param pcs: its other part: the higher heating value of the gas in kWh per m³
    :param index_start: the meter's index at the start, in whole m³
    :param index_start_at: when it was taken, UTC
    :param index_end: the meter's index at the end, in whole m³
    :param index_end_at: when it was taken, UTC
    :param converted_index_start: the converter's index at the start, in m³
    :param converted_index_end: the converter's index at the end, in m³
    :param through_zero: whether the index went on from zero in between (``flag_retour_zero``)
    :param grdf_quality: GRDF's word for the quality, such as ``Mesuré``
    :param grdf_status: GRDF's word for the status, such as ``Provisoire``
    :param doubts: why the load is doubtful; absent if nothing is. ``index``: the meter's index does not go on from the
        day before by the volume. ``energy``: the load is not volume times coefficient. ``jump``: it is far more than
        the meter uses in winter, or than its contract says. ``zeros``: there is no gas for two weeks and more in the
        heating season, although the household usually heats. The load is what GRDF sent all the same
    :param changes: the last 10 corrections, newest last
    :param adopted: other figures for this day from the konnector
    :param price: what another program computed for this load; we keep it as long as the load stays
    :param former_price: what it was before the load changed, or for the konnector's load if that is another one;
        ``price`` is then missing, so that it is computed again
    """

    account: str
    pce: str
    load: Number
    year: int
    month: int
    day: int
    hour: int
    minute: int
    status: str | None
    quality: str | None
    read_at: str
    load_read_at: str = ""
    volume: Number | None = None
    converted_volume: Number | None = None
    coefficient: Number | None = None
    pta: Number | None = None
    pcs: Number | None = None
    index_start: Number | None = None
    index_start_at: str = ""
    index_end: Number | None = None
    index_end_at: str = ""
    converted_index_start: Number | None = None
    converted_index_end: Number | None = None
    through_zero: bool = False
    grdf_quality: str = ""
    grdf_status: str = ""
    doubts: list[str] = msgspec.field(default_factory=list)
    changes: list[Correction] = msgspec.field(default_factory=list)
    adopted: list[Adopted] = msgspec.field(default_factory=list)
    price: Number | None = None
    former_price: FormerPrice | None = None


class Total(Kept, frozen=True):
    """The sum of the stored days of a month or a year. It is removed together with the last of these days.

    Of a meter without daily data, it is the part of GRDF's billing periods that belongs to the month or year: the
    energy of a period is spread evenly over its gas days. ``source`` then says so. A period of which the consent covers
    only a part does not count.

    :param id: ``<account>:<pce>:<YYYY-MM>`` for a month, ``<account>:<pce>:<YYYY>`` for a year
    :param rev: CouchDB's revision
    :param account: account id
    :param pce: the meter
    :param load: energy in kWh
    :param year: year of the period
    :param month: month of the period, from 1; always 1 for a year
    :param day: always 1
    :param hour: always 0
    :param minute: always 0
    :param days: number of stored days in the sum; 0 for a figure of the konnector's or of GRDF's periods
    :param source: ``published`` for a figure of GRDF's periods
    :param published_days: number of gas days in it that are in a published period, of those that count
    :param volume: m³, the sum of the days that have one; null if none has
    :param volume_days: number of days with a volume
    :param measured_days: number of days whose load GRDF measured
    :param estimated_days: number of days whose load GRDF estimated
    :param corrected_days: number of days whose load GRDF corrected, in its own word
    :param basis: hash of the revisions that were summed, so that a run that read older ones gets a conflict
    :param adopted: konnector figures that differ from the sum; the one that counts is last
    :param price: what another program computed for this load; we keep it as long as the load stays
    :param former_price: what it was before the load changed, or for the konnector's load if that is another one;
        ``price`` is then missing, so that it is computed again
    """

    account: str
    pce: str
    load: Number
    year: int
    month: int
    day: int
    hour: int
    minute: int
    days: int
    source: str = ""
    published_days: int = 0
    volume: Number | None = None
    volume_days: int = 0
    measured_days: int = 0
    estimated_days: int = 0
    corrected_days: int = 0
    basis: str = ""
    adopted: list[Adopted] = msgspec.field(default_factory=list)
    price: Number | None = None
    former_price: FormerPrice | None = None


class PeriodCorrection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A publication that changed a period.

    :param at: when GRDF was asked for it, UTC
    :param before: the former load in kWh
    :param after: the new load in kWh
    :param end: the former end of the period: the gas day after its last one
    """

    at: str
    before: Number | None
    after: Number
    end: date | None


class Published(Kept, frozen=True):
    """A billing period that GRDF published: a month for most meters, half a year for ``6M``, a day for ``JJ``.

    :param id: ``<account>:<pce>:<first gas day>``
    :param rev: CouchDB's revision
    :param account: account id
    :param pce: the meter
    :param load: energy in kWh
    :param first: first gas day
    :param end: gas day after the last one
    :param year: year of the first gas day
    :param month: month of the first gas day, from 1
    :param day: day of the month of the first gas day, from 1
    :param hour: always 0
    :param minute: always 0
    :param days: number of gas days in the period
    :param coefficient: kWh per m³
    :param volume: m³
    :param reason: why the meter was read at the end (``raison_releve``, such as ``RNO``)
    :param status: ``provisional`` while GRDF may still change the period, then ``definitive``
    :param quality: how GRDF determined the load: ``measured``, ``estimated`` or ``corrected``
    :param read_at: when GRDF was asked, UTC. A newer reading replaces an older one
    :param load_read_at: when GRDF was asked for this load and end at first, UTC, if a later reading has confirmed them
        with something else changed
    :param asked_from: first gas day of GRDF's answer if that was whole and named no other period on these days: stored
        periods on these days that start on it or later, and were read before, no longer count. Absent if the answer
        could not be read completely
    :param changes: the last 10 corrections, newest last
    """

    account: str
    pce: str
    load: Number
    first: date
    end: date
    year: int
    month: int
    day: int
    hour: int
    minute: int
    days: int
    coefficient: float | None
    volume: float | None
    reason: str
    status: str
    quality: str
    read_at: str
    load_read_at: str = ""
    asked_from: date | None = None
    changes: list[PeriodCorrection] = msgspec.field(default_factory=list)
