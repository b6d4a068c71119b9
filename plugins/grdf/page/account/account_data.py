"""The data for an account's page: its document and five requests to CouchDB, however long its history is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.meters import Ledger
from include.gas.account.sections.status import Billing, Status
from include.gas.days.gas_day import YEARS, parse_day
from include.gas.days.lateness import period_late_after, silent_after
from include.gas.display.cells import Bounds, Cell, day_cells, month_cells, year_cells
from include.gas.display.overview import Overview, overview
from include.gas.display.recent_days import Missing, recent_days
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.day_checks import WORDS
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.documents.gas_days import Document, account_range, day_id, own_day
from include.gas.documents.year_counts import StoredYear
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Held, Proof, unclaimed


@dataclass(frozen=True)
class MeterView:
    """The data shown for one meter.

    :param held: what the account has of the meter
    :param month: first day of the month whose days are shown
    :param days: the days of that month
    :param months: the months of that year
    :param years: all years
    :param stored: summary of the stored days, by year
    :param missing: how many published days are not stored
    :param billing: the meter's contract, how often GRDF reads it, and how far its billing periods reach
    :param billed_late: whether the next billing period is late
    :param differing: how many billing periods differ from the stored days of this year and the one before
    :param unclaimed: the day on which a consent for the meter was given that is in force and no account has; ``""`` if
        there is none
    :param shared: whether another account also reads the meter
    :param proofs: the proofs of the meter's consents that GRDF asks for, checks or has judged
    """

    held: Held
    month: date
    days: tuple[Cell, ...]
    months: tuple[Cell, ...]
    years: tuple[Cell, ...]
    stored: Mapping[int, StoredYear]
    missing: Missing
    billing: Billing
    billed_late: bool
    differing: int
    unclaimed: str = ""
    shared: bool = False
    proofs: tuple[Proof, ...] = ()

    @property
    def daily(self) -> bool:
        """Whether GRDF may have daily data for the meter."""
        return silent_after(self.billing.frequency) is not None

    @property
    def doubts(self) -> dict[str, int]:
        """Number of doubted days by reason."""
        numbers = Counter[str]()
        for year in self.stored.values():
            numbers.update(year.doubts)
        return {word: numbers[word] for word in WORDS if numbers[word]}

    @property
    def first(self) -> date | None:
        """The first stored day, ``None`` if there is none."""
        return min((year.first for year in self.stored.values()), default=None)

    @property
    def last(self) -> date | None:
        """The last stored day, ``None`` if there is none."""
        return max((year.last for year in self.stored.values()), default=None)


@dataclass(frozen=True)
class AccountView:
    """The data shown for an account.

    :param line: the account's line in the list
    :param meter: the meter to show, ``None`` until the account has one
    :param names: what addresses call each meter
    """

    line: Overview
    meter: MeterView | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def asked_month(text: str | None) -> date | None:
    """Parse a month from the query of a request.

    :param text: ``YYYY-MM``
    :return: the first day of the month, or ``None`` if the text is not a month or its year is not in :data:`YEARS`
    """
    try:
        month = parse_day(f"{text}-01")
    except ValueError:
        return None
    return month if month.year in YEARS else None


def names_in_addresses(account: str, meters: Iterable[str]) -> dict[str, str]:
    """Return an account's meters by what addresses call them: by their tags, since proxies and browsers keep addresses.

    The second of two meters with the same tag has a number after it, such as ``M-7KQ-2``.
    """
    named: dict[str, str] = {}
    for pce in sorted(meters):
        tag = meter_tag(account, pce)
        same = sum(name.startswith(tag) for name in named)
        named[f"{tag}-{same + 1}" if same else tag] = pce
    return named


def account_view(
    couchdb: CouchDBHook, document: Document, *, today: date, meter: str = "", month: date | None = None
) -> AccountView:
    """Return the data to show for an account.

    :param meter: the meter to show, as :func:`names_in_addresses` calls it; the account's first if it has no such meter
    :param month: first day of the month to show; by default the month of the last stored day
    """
    line = overview(document)
    if line.odd or not line.meters:
        return AccountView(line)
    named = names_in_addresses(line.id, line.meters)
    held = next((each for each in line.held if each.pce == named.get(meter)), line.held[0])
    names = {pce: name for name, pce in named.items()}
    return AccountView(line, _meter_view(couchdb, document, held, today, month), names)


def _meter_view(couchdb: CouchDBHook, document: Document, held: Held, today: date, month: date | None) -> MeterView:
    account, pce = document["_id"], held.pce
    reading, billing = Status.reading(document, pce), Status.billing_of(document, pce)
    stored, recent = reading.by_year(), recent_days(held, reading, billing.frequency, is_read=held.is_open)
    span = account_range(account, pce)
    months, years = couchdb.range(MONTH, *span), couchdb.range(YEAR, *span)
    month = (month or _newest(stored, months) or today).replace(day=1)
    two_years = date(month.year - 1, 1, 1), date(month.year, 12, 31)
    keys = [day_id(account, pce, day) for day in two_years]
    days, periods = couchdb.range(DAY, *keys), couchdb.range(PUBLISHED, *keys)
    end = billing.until if held.is_open else None
    bounds = Bounds.of(first=recent.since, covered=held.covered, today=today, frequency=billing.frequency)
    rights = Ledger(couchdb).fetch([pce])[pce]
    return MeterView(
        held,
        month,
        day_cells(month, days, bounds),
        month_cells(month.year, months, bounds, days),
        year_cells(years, bounds, days),
        stored,
        recent.missing(today),
        billing,
        end is not None and (today - end).days >= period_late_after(billing.frequency),
        sum(each.beyond_rounding for each in compare_all(periods, days)),
        max((right.since for right in unclaimed([rights], today)), default=""),
        any(right.account not in ("", account) and right.is_in_force(today) for right in rights.rights),
        tuple(held.proofs.values()),
    )


def _newest(stored: Mapping[int, StoredYear], months: Iterable[Document]) -> date | None:
    told = max((year.last for year in stored.values() if year.last.year in YEARS), default=None)
    return told or max(filter(None, (own_day(each, MONTH) for each in months)), default=None)
