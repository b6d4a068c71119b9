"""What the view of an account is made of: its document, and three requests to CouchDB however long its history is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from grdf.hooks.couchdb import CouchDBHook
from include.gas.account.account import Account
from include.gas.account.sections.facts import MeterFacts
from include.gas.account.sections.lost_consents import OthersRights, SharedMeters
from include.gas.account.sections.missing_days import known_gaps
from include.gas.account.sections.published_note import PublishedNote
from include.gas.account.sections.stored import told_years
from include.gas.account.sections.whole_history import history_since
from include.gas.consents.consent import Consent
from include.gas.days.gas_day import parse_day
from include.gas.display.cells import Bounds, Cell, day_cells, month_cells, month_days, year_before, year_cells
from include.gas.display.overview import Overview, overview
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gaps import Gap
from include.gas.documents.gas_days import Document, account_range, day_id
from include.gas.documents.year_counts import StoredYear

SHOWN = range(1990, 2101)
"""Years whose months can be asked for: far more than is ever stored, and far from where the calendar ends."""


@dataclass(frozen=True)
class MeterView:
    """What is shown of one meter.

    :param consent: the meter, under its consent
    :param month: first day of the month whose days are shown
    :param days: its days
    :param months: the months of its year
    :param years: all years
    :param stored: what is stored, by year
    :param gaps: missing days, by year
    :param facts: its contract and the like, None when they were not read yet
    :param published: what its published periods say, None when they were not read yet
    :param other: the day on which another consent was made that stands on the meter, "" when none does
    :param shared: whether another account reads the meter, too
    """

    consent: Consent
    month: date
    days: tuple[Cell, ...]
    months: tuple[Cell, ...]
    years: tuple[Cell, ...]
    stored: Mapping[int, StoredYear]
    gaps: Mapping[int, Gap]
    facts: MeterFacts | None
    published: PublishedNote | None
    other: str = ""
    shared: bool = False

    @property
    def first(self) -> date | None:
        """First stored day."""
        return min((year.first for year in self.stored.values()), default=None)

    @property
    def last(self) -> date | None:
        """Last stored day."""
        return max((year.last for year in self.stored.values()), default=None)


@dataclass(frozen=True)
class AccountView:
    """What is shown of an account.

    :param line: what the list says of it
    :param meters: its meters, in order
    :param meter: the one that is shown, None before any is known
    """

    line: Overview
    meters: tuple[Consent, ...] = ()
    meter: MeterView | None = None


def asked_month(text: str | None) -> date | None:
    """Read a month of an address.

    :param text: ``YYYY-MM``
    :return: its first day, or None when it is none, or one of a time without gas days
    """
    try:
        month = parse_day(f"{text}-01")
    except ValueError:
        return None
    return month if month.year in SHOWN else None


def account_view(
    couchdb: CouchDBHook, document: Document, *, today: date, meter: str | None = None, month: date | None = None
) -> AccountView:
    """Read what is shown of an account.

    :param couchdb: the hook
    :param document: the account's document
    :param today: civil date in Paris
    :param meter: the meter to show; the first one when it is not one of the account's
    :param month: the month whose days are shown; that of the last stored day when it is not given
    """
    line = overview(document)
    if line.odd or not line.meters:
        return AccountView(line)
    meters = Account.from_document(document).meters
    consent = next((each for each in meters if each.pce == meter), meters[0])
    return AccountView(line, meters, _meter_view(couchdb, document, consent, today, month))


def _meter_view(
    couchdb: CouchDBHook, document: Document, consent: Consent, today: date, month: date | None
) -> MeterView:
    account, pce = document["_id"], consent.pce
    stored = told_years(document, pce)
    span = account_range(account, pce)
    months, years = couchdb.range(MONTH, *span), couchdb.range(YEAR, *span)
    month = (month or _newest(stored, months) or today).replace(day=1)
    wanted = list(month_days(month))
    wanted += [earlier for day in wanted if (earlier := year_before(day))]
    days = couchdb.fetch(DAY, [day_id(account, pce, day) for day in wanted])
    gaps = known_gaps(document, pce)
    bounds = Bounds.of(
        first=_first(document, pce, stored),
        consent_end=consent.closes,
        today=today,
        gaps=gaps,
        covered=consent.covered,
    )
    others = OthersRights.of(document)
    return MeterView(
        consent,
        month,
        day_cells(month, days.values(), bounds),
        month_cells(month.year, months, bounds),
        year_cells(years, bounds),
        stored,
        gaps,
        MeterFacts.of(document, pce),
        PublishedNote.of(document, pce),
        (others[pce] or "–") if pce in others else "",
        pce in SharedMeters.of(document),
    )


def _newest(stored: Mapping[int, StoredYear], months: Iterable[Document]) -> date | None:
    told = max((year.last for year in stored.values()), default=None)
    return told or max((date(each["year"], each["month"], 1) for each in months), default=None)


def _first(document: Mapping[str, Any], pce: str, stored: Mapping[int, StoredYear]) -> date | None:
    """Return the first day that was asked for, or the first stored one if that is earlier."""
    known = [history_since(document, pce), *(year.first for year in stored.values())]
    return min((day for day in known if day), default=None)
