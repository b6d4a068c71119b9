"""The figures that CouchDB holds for an account, compared with GRDF's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import requests

from include.gas.documents.day_documents import account_range, database_name
from include.gas.documents.doctypes import DAY, MONTH, YEAR

TIMEOUT = 30
Figures = dict[str, float]
"""kWh by period: ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""
_SHOWN = {4: 9, 7: 6, 10: 4}
"""How many of the newest years, months and days a table shows, by length of name."""


@dataclass(frozen=True)
class MeterFigures:
    """One meter's figures from both sides; ``expected`` are GRDF's with the sandbox's sums."""

    account: str
    pce: str
    stored: Figures
    expected: Figures

    @property
    def differences(self) -> list[str]:
        """Periods that differ, sorted."""
        return [
            period
            for period in sorted(self.stored | self.expected)
            if self.stored.get(period) != self.expected.get(period)
        ]

    def rows(self) -> Iterable[tuple[str, str, str, str, str, str]]:
        """Return the lines of a table."""
        first = (self.account, self.pce)
        for length, most in _SHOWN.items():
            for period in [each for each in sorted(self.stored | self.expected) if len(each) == length][-most:]:
                ours, theirs = self.stored.get(period), self.expected.get(period)
                yield *first, period, _text(ours), _text(theirs), "ok" if ours == theirs else "DIFFERS"
                first = ("", "")


class StoredFigures:
    """The stored figures by plain HTTP, so that the project's code does not check itself."""

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


def summed(days: Mapping[str, float]) -> Figures:
    """Return kWh by ``YYYY-MM-DD`` with exact sums by month and year."""
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for day, load in days.items():
        for period in (day, day[:7], day[:4]):
            sums[period] += Fraction(str(load))
    return {period: int(value) if value.denominator == 1 else float(value) for period, value in sums.items()}


def table(meters: Iterable[MeterFigures]) -> str:
    """Return a text table of all years, and the newest months and days."""
    rows = [("account", "meter", "period", "stored kWh", "GRDF kWh", "")]
    rows += [row for meter in meters for row in meter.rows()]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]  # six, as above
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in (3, 4) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:,}".replace(",", " ")
