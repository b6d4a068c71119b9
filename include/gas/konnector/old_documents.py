"""The documents that Cozy's konnector left: how to recognise them, and which of several for one period counts.

They are in the same databases as ours, have random ids, and name neither account nor meter. What we know about their
shape: ``load``, ``year``, ``month`` and ``day`` are numbers. ``hour`` and ``minute`` are 0 or absent. The day of a
month and the month of a year are 1, or 0 as similar konnectors write it. ``cozyMetadata`` says when and for which
account cozy-stack wrote them. ``price`` is from another program, Cozy's Ecolyo.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

from include.gas.account.sections.section import members
from include.gas.days.gas_day import ONE_DAY, paris_today
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import account_range, is_day, is_number
from include.gas.documents.totals import Number
from include.gas.rights.meter_rights import Held

YEARS = range(2000, 2101)
"""The years in which a gas reading can be. Any other year is an error."""

ROUNDING = 0.001
"""kWh by which a total of the konnector's may differ from the sum and still count as equal, since it added floats."""

_OURS = re.compile(r"[A-Za-z0-9_-]{1,128}:[^:]+:[0-9]{4}(-[0-9]{2}){0,2}")
_WHOLE: Mapping[str, tuple[str, ...]] = {
    DAY: ("hour", "minute"),
    MONTH: ("day", "hour", "minute"),
    YEAR: ("month", "day", "hour", "minute"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A document of the konnector's.

    :param doctype: Cozy doctype: day, month or year
    :param id: id of the document
    :param rev: revision of the document
    :param period: ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``, as at the end of our ids
    :param load: energy in kWh
    :param written: when cozy-stack wrote it, ISO text; ``""`` if unknown
    :param account: the account it was written for (``cozyMetadata.sourceAccount``); ``""`` if unknown
    :param price: what another program computed for the load; ``None`` if there is none
    """

    doctype: str
    id: str
    rev: str
    period: str
    load: Number
    written: str = ""
    account: str = ""
    price: Number | None = None

    @property
    def window(self) -> Window:
        """The gas days of the period."""
        first = self.day
        if self.doctype == DAY:
            return Window(first, first + ONE_DAY)
        month = first.month + 1 if self.doctype == MONTH else 13
        return Window(first, date(first.year + month // 13, (month - 1) % 12 + 1, 1))

    @property
    def day(self) -> date:
        """The first gas day of the period."""
        return date.fromisoformat((self.period + "-01-01")[:10])

    def agrees(self, load: object) -> bool:
        """Return whether a load of ours, in kWh, is the same. Totals may differ by :data:`ROUNDING`."""
        if self.doctype == DAY:
            return load == self.load
        return is_number(load) and abs(load - self.load) < ROUNDING


class OddDocumentError(ValueError):
    """A document is neither ours nor the konnector's. The text says why."""


def is_ours(document: Mapping[str, Any]) -> bool:
    """Return whether a document names an account and a meter, as our documents do.

    :param document: a document of one of the three doctypes
    """
    return isinstance(document.get("account"), str) and isinstance(document.get("pce"), str)


def figure_of(doctype: str, document: Mapping[str, Any]) -> Figure:
    """Return the figure in a document of the konnector's.

    :param document: the document as CouchDB returns it
    :raises OddDocumentError: if it is not the konnector's
    """
    doc_id = str(document.get("_id", ""))
    if "account" in document or "pce" in document:
        raise OddDocumentError("it names an account or a meter, but not both")
    if _OURS.fullmatch(doc_id):
        raise OddDocumentError("its id is one of ours, but it names no account")
    if not is_number(load := document.get("load")) or load < 0:
        raise OddDocumentError("its load is not a number of kWh")
    for name in _WHOLE[doctype]:
        if (value := document.get(name)) not in ((None, 0, 1) if name in ("day", "month") else (None, 0)):
            raise OddDocumentError(
                f"its {name} is {value!r:.20}: it is not about one whole {doctype.rpartition('.')[2]}"
            )
    known = members(document.get("cozyMetadata"))
    return Figure(
        doctype,
        doc_id,
        str(document.get("_rev", "")),
        _period(doctype, document),
        load,
        str(known.get("updatedAt") or known.get("createdAt") or ""),
        str(known.get("sourceAccount") or ""),
        price if is_number(price := document.get("price")) else None,
    )


def ranked(figures: Iterable[Figure]) -> list[Figure]:
    """Return the figures of one period sorted so that the one that counts is last.

    That is the one written last. Among figures written at the same moment it is the one with the largest load, because
    the konnector only ever adds; then the one with the greatest id, so that the choice is always the same.

    :param figures: the figures of one period
    """
    return sorted(figures, key=lambda each: (each.written, each.load, each.id))


@dataclass(frozen=True)
class Found:
    """The documents of the three databases that concern one meter.

    :param figures: the konnector's documents
    :param ours: our documents of this account and meter, by doctype and id
    :param odd: doctype, id and reason for documents that are neither ours nor the konnector's
    :param foreign: number of the konnector's documents that were written for other accounts
    :param uncovered: number of those about days that may be another household's
    """

    account: str
    pce: str
    figures: tuple[Figure, ...]
    ours: Mapping[str, Mapping[str, Mapping[str, Any]]]
    odd: tuple[tuple[str, str, str], ...] = ()
    foreign: int = 0
    uncovered: int = 0

    def id_of(self, period: str) -> str:
        """Return the id of our document for a period."""
        return f"{self.account}:{self.pce}:{period}"

    def own(self, figure: Figure) -> Mapping[str, Any] | None:
        """Return our document for the period of a figure; ``None`` if there is none."""
        return self.ours[figure.doctype].get(self.id_of(figure.period))

    @cached_property
    def periods(self) -> Mapping[str, Mapping[str, list[Figure]]]:
        """The figures by doctype and period; periods are in order, and the figures of each are :func:`ranked`."""
        groups: dict[str, dict[str, list[Figure]]] = {doctype: defaultdict(list) for doctype in _WHOLE}
        for figure in self.figures:
            groups[figure.doctype][figure.period].append(figure)
        return {
            doctype: {period: ranked(group) for period, group in sorted(found.items())}
            for doctype, found in groups.items()
        }


def sort_documents(
    account: str, held: Held, documents: Mapping[str, Iterable[Mapping[str, Any]]], others: Collection[str] = ()
) -> Found:
    """Sort the documents of the three databases, and keep only those that concern one meter.

    :param held: what the account has of the meter that the konnector's documents are assumed to be about. Those about
        days on or after the first one that it may hold are left alone if it may not hold all of them
    :param documents: all documents by doctype, in any order; each iterable is consumed once
    :param others: ids of the other accounts; documents that were written for one of them are not this account's
    """
    start, end = account_range(account, held.pce)
    ours: dict[str, dict[str, Mapping[str, Any]]] = {doctype: {} for doctype in _WHOLE}
    figures: list[Figure] = []
    odd: list[tuple[str, str, str]] = []
    foreign = uncovered = 0
    for doctype in _WHOLE:
        for document in documents.get(doctype, ()):
            doc_id = str(document["_id"])
            if is_ours(document):
                if start <= doc_id <= end and (doctype != DAY or is_day(document)):  # a damaged day is not stored
                    ours[doctype][doc_id] = document
                continue
            if doc_id.startswith("_"):
                continue  # a design document, that is, somebody's index
            try:
                figure = figure_of(doctype, document)
            except OddDocumentError as error:
                odd.append((doctype, doc_id, str(error)))
                continue
            if figure.account in others:
                foreign += 1
            elif _is_uncovered(figure.window, held):
                uncovered += 1
            else:
                figures.append(figure)
    return Found(account, held.pce, tuple(figures), ours, tuple(odd), foreign, uncovered)


def _is_uncovered(window: Window, held: Held) -> bool:
    """Return whether days of a period may be another household's. Those to come are nobody's yet."""
    own = window.clip(held.days[0].first, paris_today(datetime.now(UTC))) if held.days else None
    return own is not None and not held.holds(own)


def _period(doctype: str, document: Mapping[str, Any]) -> str:
    numbers = []
    for name in ("year", "month", "day")[: {YEAR: 1, MONTH: 2, DAY: 3}[doctype]]:
        value = document.get(name)
        if not is_number(value) or value != value // 1:
            raise OddDocumentError(f"its {name} is not a whole number")
        numbers.append(int(value))
    year, month, day = (*numbers, 1, 1)[:3]
    try:
        whole = date(year, month, day)
    except (ValueError, OverflowError):
        raise OddDocumentError(f"there is no day {year}-{month}-{day}") from None
    if year not in YEARS:
        raise OddDocumentError(f"its year is {year}")
    return whole.isoformat()[: {YEAR: 4, MONTH: 7, DAY: 10}[doctype]]
