"""Figures by group and month: what its households used, and against the year before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from math import ceil
from sys import intern
from typing import Any

import msgspec
from msgspec.structs import replace

from include.gas.city.disclosure import PublishedMonth
from include.gas.city.groups import Groups
from include.gas.city.weather import length
from include.gas.days.gas_day import ONE_DAY
from include.gas.documents.day_documents import Document, day_if_own, has_load
from include.gas.documents.doctypes import MONTH
from include.gas.documents.totals import Number, exact_sum
from include.gas.importing.csv_file import DIMENSIONS

SETTLED_AFTER = timedelta(days=40)
"""Age of a month's end from which it is published: GRDF corrects a day for about 35 days (ADICT 3.9)."""
FIGURES = "~"
"""Ids of figures begin with it, as no account's."""
Uses = Mapping[date, Mapping[str, Number]]
"""kWh by month and token, of whole months alone."""


class Comparison(msgspec.Struct, frozen=True):
    """The households of a figure whose month a year before is whole, too: kWh of now and of then."""

    households: int
    load: Number
    before: Number


class MemberList(msgspec.Struct, frozen=True):
    """Who was counted: the tokens of the households in a sum that was published, about one or two months.

    :param largest: kWh that none of them has exceeded, in hundreds: nobody's own
    """

    months: tuple[date, ...]
    members: tuple[str, ...]
    largest: int


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A published figure of a group's month. It stays as it is, unless enough households join it later.

    :param households: how many it sums, of the ``assigned`` ones of the group on that day
    :param load: kWh
    :param lists: who is in it and in its comparison, and was in those that it has replaced
    """

    dimension: str
    group: str
    year: int
    month: int
    households: int
    assigned: int
    load: Number
    published_on: date
    compared: Comparison | None = None
    lists: tuple[MemberList, ...] = ()

    @property
    def id(self) -> str:
        """The id of its document."""
        return figure_id(self.dimension, self.group, date(self.year, self.month, 1))

    @property
    def first(self) -> date:
        """The first day of its month."""
        return date(self.year, self.month, 1)


def figure_id(dimension: str, group: str, month: date) -> str:
    """Return the id of the figure of a group's month."""
    return f"{FIGURES}{dimension}:{group}:{month:%Y-%m}"


def last_settled_month(today: date) -> date:
    """Return the first day of the newest month that may be published."""
    return ((today - SETTLED_AFTER).replace(day=1) - ONE_DAY).replace(day=1)


def whole_months(documents: Iterable[Mapping[str, Any]], households: Iterable[Groups]) -> dict[date, dict[str, Number]]:
    """Return what households used in months of which each day is stored, of all meters, by month and token.

    A meter without a month between two that it has is silent: its household's use is not known. What was counted once
    stays as it was.

    :param documents: stored month totals, in the order of their ids
    """
    uses: dict[date, dict[str, Number]] = defaultdict(dict)
    counted: dict[str, set[date]] = defaultdict(set)
    known = {each.account: each for each in households}
    for account, totals in groupby(documents, key=lambda document: str(document["_id"]).partition(":")[0]):
        if account not in known:
            continue
        loads: dict[date, list[Number | None]] = defaultdict(list)
        for pce, of_meter in groupby(totals, key=lambda document: str(document.get("pce"))):
            months = {month: document for document in of_meter if (month := day_if_own(document, MONTH))}
            for month in _months_between(months):
                document = months.get(month, {})
                is_whole = has_load(document) and document.get("days") == length(month)
                loads[month].append(document["load"] if is_whole and month not in counted[pce] else None)  # shared
                if is_whole:
                    counted[pce].add(month)
        for month, found in loads.items():
            if None not in found:
                uses[month][known[account].token] = exact_sum(load for load in found if load is not None)
    for household in known.values():
        for name, load in household.counted.items():
            uses[date.fromisoformat(f"{name}-01")][household.token] = load
    return uses


def _months_between(months: Collection[date]) -> Iterator[date]:
    month = min(months, default=date.max)
    while month <= max(months, default=date.min):
        yield month
        month = (month + timedelta(days=31)).replace(day=1)


def counted_uses(figures: Iterable[Figure], uses: Uses) -> dict[str, dict[str, Number]]:
    """Return what some figures count, by token and month (``YYYY-MM``), without households that have left."""
    counted: dict[str, dict[str, Number]] = defaultdict(dict)
    for figure in figures:
        for each in figure.lists:
            for month in each.months:
                for token in uses[month].keys() & {*each.members}:
                    counted[token][f"{month:%Y-%m}"] = uses[month][token]
    return counted


def next_figures(
    households: Collection[Groups], uses: Uses, known: Mapping[str, Figure], today: date, smallest: int
) -> Iterator[Figure]:
    """Yield the figures that can be published now, also in place of those that lack many households.

    :param known: all that is published, by id
    """
    published: dict[date, PublishedMonth] = defaultdict(lambda: PublishedMonth(smallest))

    def note(counted: MemberList) -> None:
        for month in counted.months:
            published[month].add(counted.members, counted.largest)

    for figure in known.values():
        for each in figure.lists:
            note(each)
    groups = _members_by_group(households)
    for month in sorted(each for each in uses if each <= last_settled_month(today)):
        for (dimension, group), assigned in groups:
            former = known.get(figure_id(dimension, group, month))
            lists = former.lists if former else ()
            members = published[month].choose_members(assigned & uses[month].keys(), uses[month])
            new = members.difference(*(each.members for each in lists if each.months == (month,)))
            if len(new) < smallest or (former and len(members) <= former.households):
                continue
            note(counted := _list_members(members, uses, month))
            lists += (counted,)
            if compared := _compare(members, month, uses, published):
                note(counted := _list_members(compared, uses, month, _year_before(month)))
                lists += (counted,)
            yield _figure(dimension, group, month, len(assigned), members, compared, uses, today, lists)


def _list_members(members: frozenset[str], uses: Uses, *months: date) -> MemberList:
    largest = max(uses[month][token] for month in months for token in members)
    return MemberList(months, tuple(sorted(members)), 100 * ceil(largest / 100))


def _members_by_group(households: Iterable[Groups]) -> list[tuple[tuple[str, str], set[str]]]:
    """Return the groups in the order in which they are published."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in households:
        for named in each.groups.items():
            found[named].add(each.token)
    return sorted(found.items(), key=lambda item: (DIMENSIONS.index(item[0][0]), item[0][1]))


def _compare(
    members: frozenset[str], month: date, uses: Uses, published: Mapping[date, PublishedMonth]
) -> frozenset[str]:
    """Return the households that may be compared with the year before: what is published of it counts, too."""
    earlier = _year_before(month)
    then, chosen = uses.get(earlier, {}), members
    while True:
        before = chosen
        chosen = published[month].choose_members(chosen & then.keys(), uses[month])
        chosen = published[earlier].choose_members(chosen, then)
        if chosen == before:
            return chosen


def _figure(
    dimension: str, group: str, month: date, assigned: int, members: frozenset[str], compared: frozenset[str],
    uses: Uses, today: date, lists: tuple[MemberList, ...],
) -> Figure:  # fmt: skip
    def total(of: frozenset[str], at: date) -> Number:
        return exact_sum(uses[at][token] for token in of)

    against = Comparison(len(compared), total(compared, month), total(compared, _year_before(month)))
    return Figure(
        dimension=dimension, group=group, year=month.year, month=month.month, households=len(members),
        assigned=assigned, load=total(members, month), published_on=today,
        compared=against if compared else None, lists=lists,
    )  # fmt: skip


def _year_before(month: date) -> date:
    return month.replace(year=month.year - 1)


def figure_document(figure: Figure) -> Document:
    """Return the document of a figure."""
    return {"_id": figure.id, **msgspec.to_builtins(figure)}


def figure_of(document: Mapping[str, Any]) -> Figure | None:
    """Return the figure in a stored document; ``None`` if it is none."""
    try:
        figure = msgspec.convert(document, Figure)
    except msgspec.ValidationError:
        return None
    lists = (replace(each, members=tuple(map(intern, each.members))) for each in figure.lists)  # hundreds have a token
    return replace(figure, lists=tuple(lists))
