"""The data for an account's page: its document and five requests to CouchDB, however long its history is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from include.gas.days.gas_day import YEARS, parse_day
from include.gas.days.lateness import period_late_after
from include.gas.display.account_summary import AccountSummary, summarize_account
from include.gas.display.cells import Cell, day_cells, month_cells, year_cells
from include.gas.display.meter_days import MeterDays, Missing
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.day_checks import WORDS
from include.gas.documents.day_documents import Document, account_range, day_id, day_if_own
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import find_unclaimed_rights


@dataclass(frozen=True)
class Figures:
    """What a meter has used, and what the store and the ledger say of it besides.

    :param month: first day of the month whose days are shown
    :param days: the days of that month
    :param months: the months of that year
    :param years: all years
    :param missing: how many published days are not stored
    :param billed_late: whether the next billing period is late
    :param differing: how many billing periods differ from the stored days of this year and the one before
    :param unclaimed: the day on which a consent for the meter was given that is in force and no account has; ``""`` if
        there is none
    :param shared: whether another account also reads the meter
    """

    month: date
    days: tuple[Cell, ...]
    months: tuple[Cell, ...]
    years: tuple[Cell, ...]
    missing: Missing
    billed_late: bool
    differing: int
    unclaimed: str
    shared: bool


@dataclass(frozen=True)
class AccountView:
    """The data shown for an account.

    :param line: the account's line in the list
    :param meter: the meter to show, ``None`` until the account has one
    :param figures: what is shown of it
    :param names: what addresses call each meter
    """

    line: AccountSummary
    meter: MeterDays | None = None
    figures: Figures | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored(self) -> dict[str, int]:
        """Number of stored days of the meter, of provisional and of corrected ones."""
        years = self.meter.years if self.meter else ()
        return {kind: sum(getattr(year, kind) for year in years) for kind in ("days", "provisional", "corrected")}

    @property
    def doubts(self) -> dict[str, int]:
        """Number of doubted days of the meter by reason."""
        years = self.meter.years if self.meter else ()
        return {word: number for word in WORDS if (number := sum(year.doubts.get(word, 0) for year in years))}


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
    line = summarize_account(document)
    if line.odd or not line.meters:
        return AccountView(line)
    named = names_in_addresses(line.id, line.meters)
    meters = line.days_of_meters
    shown = next((each for each in meters if each.access.pce == named.get(meter)), meters[0])
    names = {pce: name for name, pce in named.items()}
    return AccountView(line, shown, _figures(couchdb, line.id, shown, today, month), names)


def _figures(couchdb: CouchDBHook, account: str, meter: MeterDays, today: date, month: date | None) -> Figures:
    pce, billed = meter.access.pce, meter.billed if meter.access.is_open else None
    span = account_range(account, pce)
    months, years = couchdb.range(MONTH, *span), couchdb.range(YEAR, *span)
    month = (month or _newest(meter, months) or today).replace(day=1)
    two_years = date(month.year - 1, 1, 1), date(month.year, 12, 31)
    keys = [day_id(account, pce, day) for day in two_years]
    days, periods = couchdb.range(DAY, *keys), couchdb.range(PUBLISHED, *keys)
    due = meter.due_days(today)
    rights = Ledger(couchdb).fetch_meters([pce])[pce]
    return Figures(
        month,
        day_cells(month, days, due),
        month_cells(month.year, months, due, days),
        year_cells(years, due, days),
        meter.count_missing(today),
        billed is not None and (today - billed).days > period_late_after(meter.billing.frequency),
        sum(each.beyond_rounding for each in compare_all(periods, days)),
        max((right.since for right in find_unclaimed_rights([rights], today)), default=""),
        any(right.account not in ("", account) and right.is_in_force(today) for right in rights.rights),
    )


def _newest(meter: MeterDays, months: Iterable[Document]) -> date | None:
    told = max((year.last for year in meter.years if year.last.year in YEARS), default=None)
    return told or max(filter(None, (day_if_own(each, MONTH) for each in months)), default=None)
