"""The figures that CouchDB holds for an account, compared with GRDF's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import requests

from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import account_range, database_name
from include.sandbox.adict.meter_data.real import real_sums
from include.sandbox.adict.paris import years_before
from include.sandbox.control import SandboxControl

TIMEOUT = 30
Figures = dict[str, float]
"""kWh by period: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""


@dataclass(frozen=True)
class MeterFigures:
    """One meter's figures from both sides.

    :param stored: the figures in CouchDB
    :param expected: what GRDF currently says, with sums over the sandbox's own days
    """

    pce: str
    stored: Figures
    expected: Figures

    @property
    def differences(self) -> list[str]:
        """Periods that differ or exist on one side only, sorted."""
        both = self.stored.keys() | self.expected.keys()
        return sorted(period for period in both if self.stored.get(period) != self.expected.get(period))

    def of_length(self, length: int) -> list[str]:
        """Return the periods of one kind: 4 for years, 7 for months, 10 for days."""
        return sorted(period for period in self.stored.keys() | self.expected.keys() if len(period) == length)


class Shelf:
    """A reader of the stored figures that uses plain HTTP, so that the project's code does not check itself.

    :param url: CouchDB's address, without a login
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.auth = (user, password)

    def figures(self, account: str, pce: str) -> Figures:
        """Return the loads of a meter's days, months and years."""
        return {
            document["_id"].rpartition(":")[2]: document["load"]
            for doctype in (DAY, MONTH, YEAR)
            for document in self.documents(doctype, account, pce)
        }

    def documents(self, doctype: str, account: str, pce: str) -> list[dict[str, Any]]:
        """Return a meter's documents of one Cozy doctype."""
        start, end = account_range(account, pce)
        answer = self._http.get(
            f"{self._url}/{quote(database_name(doctype), safe='')}/_all_docs",
            params={"include_docs": "true", "startkey": f'"{start}"', "endkey": f'"{end}"'},
            timeout=TIMEOUT,
        )
        if answer.status_code == 404:
            return []
        answer.raise_for_status()
        return [row["doc"] for row in answer.json()["rows"]]


def expected_figures(control: SandboxControl, pce: str, last_day: str | None) -> Figures:
    """Return what GRDF currently says for days, months and years.

    :param last_day: the newest gas day that a run has requested; ``None`` if there is none
    """
    if last_day is None:
        return {}
    today = control.today()
    days = {day: load for day, load in control.expected(pce, first_asked(today), today).items() if day <= last_day}
    return summed(days)


def first_asked(today: date) -> date:
    """Return the oldest gas day that a first launch asks for: two days less than three years ago.

    :param today: civil date in Paris
    """
    leap = (today.month, today.day) == (2, 29)  # three years ago that was 1 March
    return years_before(today, 3) + timedelta(days=3 if leap else 2)


def summed(days: Mapping[str, float]) -> Figures:
    """Return the days with their exact sums by month and year.

    :param days: kWh by ``YYYY-MM-DD``
    """
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for day, load in days.items():
        for period in (day, day[:7], day[:4]):
            sums[period] += Fraction(str(load))
    return {period: int(value) if value.denominator == 1 else float(value) for period, value in sums.items()}


def csv_differences(stored: Mapping[str, float], shift_years: int) -> list[str]:
    """Return the months and years that differ from the sums of the real household's file, and of how it goes on.

    :param stored: the figures in CouchDB
    :param shift_years: number of years by which the sandbox has moved the file's dates
    """
    newest = max((period for period in stored if len(period) == 10), default=None)
    sums = real_sums(shift_years, date.fromisoformat(newest) + timedelta(days=1) if newest else None)
    ours = {period: load for period, load in stored.items() if len(period) < 10}
    return sorted(period for period in sums.keys() | ours.keys() if sums.get(period) != ours.get(period))


def table(meters: Iterable[tuple[str, MeterFigures]], *, months: int = 6, days: int = 4) -> str:
    """Return the figures as a text table: all years, and the newest months and days.

    :param meters: each meter's label (its account) and figures
    :param months: number of months to show per meter
    :param days: number of days to show per meter
    """
    rows: list[tuple[str, ...]] = [("account", "meter", "period", "stored kWh", "GRDF kWh", "")]
    for label, meter in meters:
        shown = meter.of_length(4) + meter.of_length(7)[-months:] + meter.of_length(10)[-days:]
        for period in shown:
            ours, theirs = meter.stored.get(period), meter.expected.get(period)
            verdict = "ok" if ours == theirs else "DIFFERS"
            first = period == shown[0]
            rows.append(
                (label if first else "", meter.pce if first else "", period, _text(ours), _text(theirs), verdict)
            )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in (3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths).rstrip())
    return "\n".join(lines)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:,}".replace(",", " ")
