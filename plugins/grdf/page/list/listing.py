"""The list of accounts: what the address asks for, and the lines that this leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from include.gas.display.overview import ENDS_SOON, Overview, Situation

PAGE_SIZE = 50
LONGEST = 140
"""Characters of a search that are read: an account's id has at most 128."""

_URGENCY = {situation: place for place, situation in enumerate(Situation)}


@dataclass(frozen=True, slots=True)
class Line:
    """One account of the list.

    :param overview: what its document says
    :param situation: what there is to say first, today
    """

    overview: Overview
    situation: Situation


def _first_unknown(day: date | None) -> tuple[bool, date]:
    return (day is not None, day or date.min)


def _last_unknown(day: date | None) -> tuple[bool, date]:
    return (day is None, day or date.max)


SORTS: Mapping[str, Callable[[Line], Any]] = {
    "state": lambda line: _URGENCY[line.situation],
    "account": lambda line: line.overview.id,
    "last": lambda line: _first_unknown(line.overview.last),
    "missing": lambda line: -line.overview.missing,
    "consent": lambda line: _last_unknown(line.overview.consent_until),
}
"""Columns that the list can be sorted by, each first in the order that shows what needs somebody. Equals go by id."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the address of the list asks for; what makes no sense in it is left out.

    :param search: part of an account's id or of a meter, in small letters
    :param state: one situation, or None for all
    :param sort: a key of :data:`SORTS`
    :param backwards: whether the order is turned round
    :param page: number of the page, from 1
    """

    search: str = ""
    state: Situation | None = None
    sort: str = "state"
    backwards: bool = False
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Question:
        """Read the query of an address.

        :param query: its parameters
        """
        state, sort, page = query.get("state", ""), query.get("sort", ""), query.get("page", "")
        return cls(
            search=query.get("search", "").strip().casefold()[:LONGEST],
            state=Situation(state) if state in set(Situation) else None,
            sort=sort if sort in SORTS else "state",
            backwards=query.get("order") == "backwards",
            page=max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    def query(self, **changed: Any) -> str:
        """Write the query that asks for the same, but for what changes; another order or filter starts on page 1.

        :param changed: attributes of the question
        """
        other = replace(self, **({"page": 1} | changed))
        given = {
            "search": other.search,
            "state": other.state or "",
            "sort": "" if other.sort == "state" else other.sort,
            "order": "backwards" if other.backwards else "",
            "page": "" if other.page == 1 else other.page,
        }
        written = urlencode({name: value for name, value in given.items() if value})
        return f"?{written}" if written else "?"

    def sorted_by(self, column: str) -> str:
        """Write the query that sorts by a column, or turns the order round when it is the one already.

        :param column: a key of :data:`SORTS`
        """
        return self.query(sort=column, backwards=self.sort == column and not self.backwards)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list.

    :param question: what was asked for, its page one that there is
    :param lines: the accounts of this page
    :param total: accounts that the visitor may see
    :param found: how many of them were asked for
    :param pages: how many pages they make, at least 1
    :param counts: accounts by situation, of those that match the search; none that is 0, the most urgent first
    """

    question: Question
    lines: tuple[Line, ...]
    total: int
    found: int
    pages: int
    counts: Mapping[Situation, int] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The number of the first account of this page, from 1; 0 when there is none."""
        return (self.question.page - 1) * PAGE_SIZE + 1 if self.lines else 0

    @property
    def last(self) -> int:
        """The number of the last account of this page."""
        return (self.question.page - 1) * PAGE_SIZE + len(self.lines)


def listing(
    overviews: Collection[Overview], question: Question, today: date, ends_soon: timedelta = ENDS_SOON
) -> Listing:
    """Find, count, sort and cut.

    :param overviews: the accounts that the visitor may see
    :param question: what is asked for
    :param today: civil date in Paris
    :param ends_soon: how long before its end a consent is said to end soon
    """
    wanted = question.search
    lines = [
        Line(each, each.situation(today, ends_soon))
        for each in overviews
        if not wanted or wanted in each.id.casefold() or any(wanted in meter.casefold() for meter in each.meters)
    ]
    counted = Counter(line.situation for line in lines)
    if question.state is not None:
        lines = [line for line in lines if line.situation == question.state]
    lines.sort(key=lambda line: line.overview.id)
    lines.sort(key=SORTS[question.sort], reverse=question.backwards)
    pages = max(-(-len(lines) // PAGE_SIZE), 1)
    page = min(question.page, pages)
    start = (page - 1) * PAGE_SIZE
    return Listing(
        question=replace(question, page=page),
        lines=tuple(lines[start : start + PAGE_SIZE]),
        total=len(overviews),
        found=len(lines),
        pages=pages,
        counts={situation: counted[situation] for situation in Situation if counted[situation]},
    )
