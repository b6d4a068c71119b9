"""The data of an account's page: its document and five requests to CouchDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from grdf import settings
from grdf.hooks.couchdb import CouchDBHook
from grdf.ledger.rights_ledger import Ledger
from include.gas.days.gas_day import YEARS
from include.gas.days.lateness import period_late_after
from include.gas.display.account_summary import AccountSummary, summarize_account
from include.gas.display.cells import Cell, day_cells, month_cells, year_cells
from include.gas.display.meter_days import MeterDays, Missing
from include.gas.documents.billing.comparison import compare_all
from include.gas.documents.day_checks import WORDS
from include.gas.documents.day_documents import Document, account_range, day_id, day_if_own
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.meter_tag import meter_tag
from include.gas.rights.meter_rights import Meter, find_unclaimed_rights


@dataclass(frozen=True)
class Figures:
    """What a meter has used, and what store and ledger know besides.

    :param differing: how many billing periods of two years differ from their days, which are all stored
    :param unclaimed: the day of an unclaimed right in force to the meter, or ``""``
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
    """The data shown for an account, without a ``meter`` until it has one."""

    line: AccountSummary
    meter: MeterDays | None = None
    figures: Figures | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def stored(self) -> dict[str, int]:
        """Number of stored days, of provisional and of corrected ones."""
        years = self.meter.years if self.meter else ()
        return {kind: sum(getattr(year, kind) for year in years) for kind in ("days", "provisional", "corrected")}

    @property
    def doubts(self) -> dict[str, int]:
        """Number of doubted days by reason."""
        years = self.meter.years if self.meter else ()
        return {word: number for word in WORDS if (number := sum(year.doubts.get(word, 0) for year in years))}


def names_in_addresses(account: str, meters: Iterable[str]) -> dict[str, str]:
    """Return the meters by tags, such as ``M-7KQ`` and ``M-7KQ-2``: proxies and browsers keep addresses."""
    named: dict[str, str] = {}
    for pce in sorted(meters):
        tag = meter_tag(account, pce)
        same = sum(name.startswith(tag) for name in named)
        named[f"{tag}-{same + 1}" if same else tag] = pce
    return named


def account_view(
    couchdb: CouchDBHook,
    document: Document,
    *,
    today: date,
    meter: str = "",
    month: date | None = None,
    of_operator: bool = True,
) -> AccountView:
    """Return the data to show for an account: by default, its first meter and the month of the last stored day.

    :param of_operator: whether billing periods and the ledger are read, too, which a household is not shown
    """
    line = summarize_account(document, settings.reread_days.or_default())
    if line.odd or not line.meters:
        return AccountView(line)
    named = names_in_addresses(line.id, line.meters)
    meters = line.days_of_meters
    shown = next((each for each in meters if each.access.pce == named.get(meter)), meters[0])
    names = {pce: name for name, pce in named.items()}
    return AccountView(line, shown, _figures(couchdb, line.id, shown, today, month, of_operator), names)


def _figures(
    couchdb: CouchDBHook, account: str, meter: MeterDays, today: date, month: date | None, of_operator: bool
) -> Figures:
    pce, billed = meter.access.pce, meter.billed if meter.access.is_open else None
    span = account_range(account, pce)
    months, years = couchdb.range(MONTH, *span), couchdb.range(YEAR, *span)
    month = (month or _newest(meter, months) or today).replace(day=1)
    two_years = date(month.year - 1, 1, 1), date(month.year, 12, 31)
    keys = [day_id(account, pce, day) for day in two_years]
    days, periods = couchdb.range(DAY, *keys), couchdb.range(PUBLISHED, *keys) if of_operator else []
    due = meter.due_days(today)
    rights = Ledger(couchdb).fetch_meters([pce])[pce] if of_operator else Meter(pce=pce)
    return Figures(
        month,
        day_cells(month, days, due),
        month_cells(month.year, months, due, days),
        year_cells(years, due, days),
        meter.count_missing(today),
        billed is not None and (today - billed).days > period_late_after(meter.billing.frequency),
        sum(each.beyond_rounding and not each.missing_days for each in compare_all(periods, days)),
        max((right.since for right in find_unclaimed_rights([rights], today)), default=""),
        any(right.account not in ("", account) and right.is_in_force(today) for right in rights.rights),
    )


def _newest(meter: MeterDays, months: Iterable[Document]) -> date | None:
    newest = max((year.last for year in meter.years if year.last.year in YEARS), default=None)
    return newest or max(filter(None, (day_if_own(each, MONTH) for each in months)), default=None)
