"""The query parameters of the list, and the result: filtered, counted, sorted and divided into pages."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grdf.page.list.account_listing import PAGE_SIZE, SORTS, Listing, ListQuery, build_listing
from include.gas.days.windows import Window
from include.gas.display.account_summary import AccountSummary, Situation
from include.gas.display.meter_days import MeterDays
from include.gas.documents.year_counts import StoredYear
from include.gas.rights.meter_rights import MeterAccess

TODAY = date(2026, 5, 20)


def missing(lately: int, before: int) -> tuple[MeterDays, ...]:
    first = TODAY - timedelta(days=62)
    year = StoredYear(first + timedelta(days=lately), first + timedelta(days=58))
    access = MeterAccess(pce="0990", word="active", days=(Window(date.min, date.max),))
    return (MeterDays(access, (year,), first - timedelta(days=before)),)


def line(number: int, **more: object) -> AccountSummary:
    access = MeterAccess(pce=f"099{number:011}", word="active")
    facts = {"access": (access,), "last": TODAY - timedelta(days=2)} | more
    return AccountSummary(f"home-{number:03}", **facts)  # type: ignore[arg-type]


def ids(found: Listing) -> list[int]:
    return [int(each.overview.id[-3:]) for each in found.lines]


def ask(overviews: list[AccountSummary], **query: str) -> Listing:
    return build_listing(overviews, ListQuery.from_query(query), TODAY)


MIXED = [
    line(1),
    line(2, standing=Situation.CONNECT, consent_until=date(2026, 9, 1)),
    line(3, last=None, access=(), standing=Situation.NEW),
    line(4, days_of_meters=missing(2, 1), last=date(2026, 5, 15)),
    line(5, days_of_meters=missing(7, 0), consent_until=date(2026, 7, 1), last=date(2026, 5, 16)),
    line(6, standing=Situation.LEAVING),
]
URGENT = [6, 2, 3, 4, 5, 1]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, URGENT), ({"sort": "account"}, [1, 2]), ({"sort": "account", "order": "backwards"}, [6, 5]),
        ({"sort": "last"}, [3, 4, 5]), ({"sort": "missing"}, [5, 4]), ({"sort": "consent"}, [5, 2]),
        ({"sort": "state", "order": "backwards"}, [1, 4, 5]), ({"state": "gaps"}, [4, 5]),
        ({"search": "HOME-00"}, URGENT), ({"search": " home-004 "}, [4]), ({"search": "09900000000002"}, [2]),
        ({"search": "%"}, []),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_listed_first(query: dict[str, str], wanted: list[int]) -> None:
    found = ask(MIXED, **query)
    assert ids(found)[: len(wanted)] == wanted
    assert found.total == 6
    if "sort" not in query:
        assert found.found == len(wanted)
    matching = len(wanted) if "search" in query else 6
    assert sum(found.counts.values()) == matching, "counts are of all that match the search, in whatever state"


def test_every_account_is_on_exactly_one_page() -> None:
    many = [line(number) for number in range(2 * PAGE_SIZE + 1)]
    pages = [ask(many, page=str(number)) for number in (1, 2, 3)]
    assert [(page.first, page.last, page.pages) for page in pages] == [(1, 50, 3), (51, 100, 3), (101, 101, 3)]
    assert [each for page in pages for each in ids(page)] == [*range(2 * PAGE_SIZE + 1)]
    assert ids(ask(many, page="99")) == ids(pages[2])
    empty = ask([])
    assert (empty.first, empty.last, empty.pages, empty.lines) == (0, 0, 1, ())


@given(st.dictionaries(st.sampled_from(["search", "state", "sort", "order", "page", "x"]), st.text(max_size=200)))
def test_any_query_is_answered(query: dict[str, str]) -> None:
    assert len(build_listing(MIXED, ListQuery.from_query(query), TODAY).lines) <= 6


@given(
    st.text(max_size=30), st.none() | st.sampled_from(list(Situation)), st.sampled_from(list(SORTS)), st.booleans(),
    st.integers(1, 999),
)  # fmt: skip
def test_an_address_that_is_written_is_read_back(
    search: str, state: Situation | None, sort: str, backwards: bool, page: int
) -> None:
    asked = ListQuery.from_query({"search": search})
    query = asked.query(state=state, sort=sort, backwards=backwards, page=page)
    found = ListQuery.from_query(dict(parse_qsl(query[1:])))
    assert found == ListQuery(asked.search, state, sort, backwards, page)
    once = ListQuery.from_query(dict(parse_qsl(found.sorted_by("last")[1:])))
    twice = ListQuery.from_query(dict(parse_qsl(once.sorted_by("last")[1:])))
    assert (once.page, once.sort, twice.backwards) == (1, "last", not once.backwards), "a column turns round"
