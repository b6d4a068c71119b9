"""The list of accounts: query parameters and matching lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from include.gas.display.account_summary import AccountSummary, Situation
from include.gas.display.meter_days import Missing

PAGE_SIZE = 50
LONGEST = 140
"""Characters used of a search term; account ids have at most 128."""

_URGENCY = {situation: place for place, situation in enumerate(Situation)}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account of the list."""

    overview: AccountSummary
    situation: Situation
    missing: Missing


SORTS: Mapping[str, Callable[[AccountRow], Any]] = {
    "state": lambda line: _URGENCY[line.situation],
    "account": lambda line: line.overview.id,
    "last": lambda line: line.overview.last or date.min,
    "missing": lambda line: -sum(line.missing),
    "consent": lambda line: line.overview.consent_until or date.max,
}
"""Sort keys, those that need attention first; ties by account id."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The query parameters of the list; invalid ones become defaults. ``page`` counts from 1."""

    search: str = ""
    state: Situation | None = None
    sort: str = "state"
    backwards: bool = False
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> ListQuery:
        """Parse the query parameters of a request."""
        state, sort, page = query.get("state", ""), query.get("sort", ""), query.get("page", "")
        return cls(
            search=query.get("search", "").strip().casefold()[:LONGEST],
            state=next((each for each in Situation if each == state), None),
            sort=sort if sort in SORTS else "state",
            backwards=query.get("order") == "backwards",
            page=max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
        )

    def query(self, **changed: Any) -> str:
        """Return the query string with some changes, on page 1 by default."""
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
        """Return the query string that sorts by a column, or reverses it."""
        return self.query(sort=column, backwards=self.sort == column and not self.backwards)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list. ``total`` accounts are visible, ``found`` match, ``counts`` are by situation."""

    question: ListQuery
    lines: tuple[AccountRow, ...]
    total: int
    found: int
    pages: int
    counts: Mapping[Situation, int] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """Position of the first account, from 1; 0 on an empty page."""
        return (self.question.page - 1) * PAGE_SIZE + 1 if self.lines else 0

    @property
    def last(self) -> int:
        """Position of the last account."""
        return (self.question.page - 1) * PAGE_SIZE + len(self.lines)


def build_listing(overviews: Collection[AccountSummary], question: ListQuery, today: date) -> Listing:
    """Return the page of the list for a query."""
    wanted = question.search
    lines = [
        AccountRow(each, each.situation(today), each.missing(today))
        for each in overviews
        if not wanted
        or wanted in f"{each.id}\n{each.building}".casefold()
        or any(wanted in access.pce.casefold() for access in each.access)
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
