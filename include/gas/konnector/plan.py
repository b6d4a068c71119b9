"""The plan for adopting the konnector's documents: what happens to each figure, and a report about it.

* A **day** that we do not have becomes ours. Its status is unknown, so it is stored as provisional and read in 1970:
  any reading from GRDF replaces it. A day that we have keeps its load.
* A **total** is never adopted while a day of its period is stored, since our total is the sum of the stored days. For a
  period without stored days, older than GRDF's daily history, the konnector's figure becomes a total with ``days: 0``.
* If there are several documents for a period, the last of :func:`include.gas.konnector.old_documents.ranked` counts.
* **No figure is lost.** A figure that differs from ours is kept in our document under ``adopted``, a list of loads with
  the ids of the former documents. The one exception: if all days of a period are stored and contradict a total, the
  total was wrong and is dropped.
* **No price is lost** that another program computed for a figure, see :mod:`include.gas.konnector.prices`.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from include.gas.answers.consumption.daily import Reading
from include.gas.documents.doctypes import DAY, MONTH, YEAR
from include.gas.documents.gas_days import Document, day_document, day_of
from include.gas.documents.load_report import LoadReport
from include.gas.documents.totals import Number, month_documents, year_documents
from include.gas.konnector.old_documents import Figure, Found
from include.gas.konnector.prices import has_price, with_prices
from include.gas.meter_tag import without_numbers

READ_AT = "1970-01-01T00:00:00Z"
"""When an adopted day counts as read: before any reading from GRDF."""

LISTED = 20
"""Maximum number of documents of each kind that a report lists."""

COUNTS: Mapping[str, str] = {
    "days_adopted": "days adopted",
    "days_ours": "days that we already had, with the same load",
    "days_differing": "days that we had with another load: ours stays, the konnector's is noted beside it",
    "duplicates": "further documents of the same period",
    "totals_right": "totals that were right",
    "totals_wrong": "totals that were wrong",
    "totals_kept": "totals of periods without any stored day, kept unchanged",
    "odd": "odd documents, left alone",
    "foreign": "documents of other accounts, left alone",
    "uncovered": "documents of days that its consent does not cover, left alone",
}
"""The counts of a report, in the order in which it shows them."""

Marks = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Plan:
    """What an adoption does with the documents it found.

    :param found: the documents
    """

    found: Found

    @cached_property
    def new_days(self) -> tuple[Reading, ...]:
        """The days to store, as readings. Only their loads are known."""
        groups = self.found.periods[DAY].values()
        return tuple(Reading(group[-1].day, group[-1].load) for group in groups if self.found.own(group[-1]) is None)

    @cached_property
    def held_days(self) -> tuple[Reading, ...]:
        """The stored days in the years of any figure, unchanged.

        Loading them writes none of them, but updates the totals of all these years.
        """
        years = {figure.day.year for figure in self.found.figures}
        stored = self.found.ours[DAY].values()
        return tuple(_as_stored(each) for each in stored if day_of(each).year in years)

    @cached_property
    def sums(self) -> dict[str, Document]:
        """The totals after the new days are stored, by period."""
        account, pce = self.found.account, self.found.pce
        days: list[Mapping[str, Any]] = list(self.found.ours[DAY].values())
        days += [day_document(account, reading, pce, READ_AT) for reading in self.new_days]
        both = month_documents(account, pce, days) | year_documents(account, pce, days)
        return {key.rpartition(":")[2]: document for key, document in both.items()}

    def marks(self, doctype: str) -> Marks:
        """Return the figures to keep under ``adopted``, by the id of our document. The one that counts is last."""
        marks: Marks = {}
        for period, group in self.found.periods[doctype].items():
            own = self.found.own(group[-1])
            chosen = group[-1] if self._becomes_ours(group[-1], own) else None
            kept: dict[Number, str] = {}
            for figure in group:
                if figure is chosen or not (self._said(figure, own) or _noted(figure, own)):
                    kept.pop(figure.load, None)  # keep equal loads once, at the place of the last
                    kept[figure.load] = figure.id
            if kept:
                marks[self.found.id_of(period)] = [{"load": load, "from": doc_id} for load, doc_id in kept.items()]
        return marks

    def settled(self, figure: Figure) -> bool:
        """Return whether our stored documents contain a figure with its price, so that its document can be removed.

        :param figure: a figure from a plan made from what is stored **now**
        """
        own = self.found.own(figure)
        if own is None:
            return False
        if figure.doctype != DAY:
            if any(reading.day.isoformat().startswith(figure.period) for reading in self.new_days):
                return False  # a day of that period is not stored yet
            right = self.sums.get(figure.period)
            if right is not None and (own.get("load"), own.get("days")) != (right["load"], right["days"]):
                return False  # another task is storing days of that period right now
        return (self._said(figure, own) or _noted(figure, own)) and has_price(own, figure)

    def noted(self, doctype: str, documents: Iterable[Document]) -> list[Document]:
        """Return our documents with the konnector's figures and prices on them.

        :param documents: days, months or years of ours, as they are stored or about to be
        """
        marks, groups = self.marks(doctype), self.found.periods[doctype]
        found = (marked(each, marks[each["_id"]]) if each["_id"] in marks else each for each in documents)
        return [with_prices(each, groups.get(each["_id"].rpartition(":")[2], ())) for each in found]

    def counts(self) -> dict[str, int]:
        """Return the numbers for all keys of :data:`COUNTS`."""
        return {**dict.fromkeys(COUNTS, 0), **Counter(kind for kind, _ in self._stories())}

    def text(self, *, dry_run: bool = False) -> str:
        """Return a Markdown report for a log. It lists days and totals without their loads, which stay in CouchDB.

        :param dry_run: whether the report is about what would be done
        """
        number, account = len(self.found.figures), self.found.account
        if not number:
            lines = [f"Account **{account}**: there is no konnector document to adopt."]
        else:
            does = "would become" if dry_run else "become"
            lines = [f"Account **{account}**: {number} documents of the konnector's {does} ours, then go.", ""]
        counts = self.counts()
        stories = list(self._stories())
        for kind, words in COUNTS.items():
            if counts[kind]:
                told = [story for each, story in stories if each == kind and story]
                lines.append(f"* {counts[kind]} {words}")
                lines += [f"    * {story}" for story in told[:LISTED]]
                lines += [f"    * and {len(told) - LISTED} more"] * (len(told) > LISTED)
        return "\n".join([*lines, *self._months_adopted()])

    def _months_adopted(self) -> list[str]:
        months: Counter[str] = Counter(reading.day.isoformat()[:7] for reading in self.new_days)
        if not months:
            return []
        return ["", "Days adopted, by month: " + ", ".join(f"{month} {number}" for month, number in months.items())]

    def _stories(self) -> Iterable[tuple[str, str]]:
        for period, group in self.found.periods[DAY].items():
            yield from self._duplicates(group)
            own = self.found.own(group[-1])
            if own is None:
                yield "days_adopted", ""
            elif group[-1].agrees(own.get("load")):
                yield "days_ours", ""
            else:
                yield "days_differing", period
        for doctype in (MONTH, YEAR):
            for group in self.found.periods[doctype].values():
                yield from self._duplicates(group)
                yield self._story_of_total(group[-1])
        for doctype, doc_id, reason in self.found.odd:
            yield "odd", f"{doctype} {without_numbers(doc_id, self.found.account):.60}: {reason}"
        yield from (("foreign", "") for _ in range(self.found.foreign))
        yield from (("uncovered", "") for _ in range(self.found.uncovered))

    def _duplicates(self, group: list[Figure]) -> Iterable[tuple[str, str]]:
        chosen = group[-1].load
        for figure in group[:-1]:
            beside = "" if figure.load == chosen else f"{figure.period}: another figure"
            yield "duplicates", beside

    def _story_of_total(self, figure: Figure) -> tuple[str, str]:
        total = self.sums.get(figure.period)
        if total is None:
            return "totals_kept", figure.period
        if figure.agrees(total["load"]):
            return "totals_right", ""
        story = f"{figure.period}: now the sum of {total['days']} days"
        if missing := _length(figure.period) - total["days"]:
            story += f"; {missing} days of it are not stored, so the konnector's figure stays noted beside it"
        return "totals_wrong", story

    def _becomes_ours(self, figure: Figure, own: Mapping[str, Any] | None) -> bool:
        """Return whether our document for the figure's period does not exist yet and will take its load from it."""
        return own is None and (figure.doctype == DAY or figure.period not in self.sums)

    def _said(self, figure: Figure, own: Mapping[str, Any] | None) -> bool:
        """Return whether our load is equal to a figure, or proves that the figure was wrong."""
        if figure.doctype == DAY:
            if own is None:
                return figure.load == self.found.periods[DAY][figure.period][-1].load
            return figure.agrees(own.get("load"))
        total = self.sums.get(figure.period)
        if total is None:
            return False
        return figure.agrees(total["load"]) or total["days"] == _length(figure.period)


def marked(document: Mapping[str, Any], marks: list[dict[str, Any]]) -> Document:
    """Return our document with figures of the konnector's added under ``adopted``.

    :param document: our day or total
    :param marks: entries from :meth:`Plan.marks`, which leaves out figures that are already noted
    """
    return {**document, "adopted": [*_entries(document), *marks]}


@dataclass(frozen=True)
class Report:
    """The result of an adoption.

    :param plan: the plan of the first round
    :param removed: number of the konnector's documents that were removed, by doctype
    :param loads: the result of each round's load; more than one if documents changed in the meantime
    """

    plan: Plan
    removed: Mapping[str, int] = field(default_factory=dict)
    loads: tuple[LoadReport, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return only the numbers."""
        return {**self.plan.counts(), "removed": sum(self.removed.values())}

    def text(self) -> str:
        """Return the result as Markdown for a log."""
        gone = ", ".join(f"{number} of {doctype}" for doctype, number in self.removed.items() if number)
        lines = [self.plan.text(), "", f"Removed, after ours were read back: {gone or 'nothing'}."]
        if len(self.loads) > 1:
            lines.append(f"It took {len(self.loads)} rounds, as documents changed meanwhile.")
        return "\n".join(lines)


def _noted(figure: Figure, own: Mapping[str, Any] | None) -> bool:
    return own is not None and any(entry.get("load") == figure.load for entry in _entries(own))


def _entries(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    noted = document.get("adopted")
    return [dict(entry) for entry in noted if isinstance(entry, Mapping)] if isinstance(noted, list) else []


def _length(period: str) -> int:
    """Return the number of days in a month or a year."""
    year, _, month = period.partition("-")
    return monthrange(int(year), int(month))[1] if month else 365 + isleap(int(year))


def _as_stored(document: Mapping[str, Any]) -> Reading:
    """Return the reading of a stored day, with its words as they are, even if they are missing."""
    status: Any = document.get("status")
    quality: Any = document.get("quality")
    return Reading(day_of(document), document["load"], status, quality)
