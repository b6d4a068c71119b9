"""A meter's billing periods as documents, and the totals made of them. They never replace gas days.

Safe to repeat and to kill: totals are read before the periods and written against their revisions, so of two at once,
the one with older ones gets a conflict or writes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import SortedAnswer
from include.gas.days.gas_day import ONE_DAY, YEARS, utc_text
from include.gas.days.windows import Window
from include.gas.documents.billing.period_totals import last_new_month, period_totals, totals_to_write
from include.gas.documents.day_documents import Document, account_range, changes_with, day_id, day_if_own, has_load
from include.gas.documents.doctypes import MONTH, PUBLISHED, YEAR
from include.gas.documents.storing import Store
from include.gas.errors import StoreBusy
from include.gas.meter_tag import meter_tag

Read = tuple[SortedAnswer[Period], str]
"""An answer, and when GRDF was asked."""


class PeriodsStored(NamedTuple):
    """How many periods were ``new``, ``corrected``, ``removed``, and the first gas day after the newest one stored."""

    counts: Counter[str]
    until: date | None


def store_periods(
    store: Store, account: str, pce: str, allowed: Sequence[Window], read: Collection[Read], *, daily: bool
) -> PeriodsStored:
    """Store the allowed periods (``read`` is empty if GRDF was not asked), remove others, update the totals.

    :param daily: whether GRDF may have daily data; otherwise months and years are made of periods
    :raises StoreBusy: on conflicting writes
    """
    span = account_range(account, pce)
    months, years = (
        {each["_id"]: each for each in store.range(doctype, *span) if day_if_own(each, doctype)}
        for doctype in (MONTH, YEAR)
    )
    stored = {each["_id"]: each for each in store.range(PUBLISHED, *span)}
    pending = {each["_id"]: each for each in _pending(account, pce, allowed, stored, read)}
    _write(store, PUBLISHED, pending.values(), account, pce)
    periods = list(readable_periods((stored | pending).values()))
    used = (period for period in periods if period.kind == "consumption")
    of_months, of_years = period_totals(account, pce, used)
    until = last_new_month(months, daily=daily)
    _write(store, MONTH, totals_to_write(months, of_months, new_until=until), account, pce)
    _write(store, YEAR, totals_to_write(years, of_years, new_until=until), account, pce)
    counts = Counter(
        "removed" if "_deleted" in each else "corrected" if key in stored else "new" for key, each in pending.items()
    )
    return PeriodsStored(counts, max((period.end for period in periods), default=None))


def _pending(
    account: str, pce: str, allowed: Sequence[Window], stored: dict[str, Document], read: Collection[Read]
) -> Iterator[Document]:
    gone = (document for answer, _ in read for document in withdrawn_periods(stored.values(), answer))
    for each in (*disallowed_periods(stored.values(), allowed), *gone):
        yield {"_id": each["_id"], "_rev": each["_rev"], "_deleted": True}
    for answer, read_at in read:
        for row in answer.rows:
            new = period_document(account, pce, row, read_at)
            merged = merge_period(stored.get(new["_id"]), new)
            if merged and is_allowed(row.window, allowed):
                yield merged


def _write(store: Store, doctype: str, documents: Iterable[Document], account: str, pce: str) -> None:
    if store.write(doctype, list(documents)).conflicts:
        said = f"others changed the billing periods or totals of meter {meter_tag(account, pce)} meanwhile"
        raise StoreBusy.about(account, said)


def period_document(account: str, pce: str, period: Period, read_at: datetime | str) -> Document:
    """Return the document for a period. Its id has the first day only, so that a corrected end replaces it."""
    first = period.first
    return {
        "_id": day_id(account, pce, first),
        "account": account,
        "pce": pce,
        **{key: value for key, value in msgspec.to_builtins(period).items() if value != "consumption"},
        "year": first.year,
        "month": first.month,
        "day": first.day,
        "hour": 0,
        "minute": 0,
        "days": len(period),
        "read_at": utc_text(read_at),
    }


def period_of(document: Mapping[str, Any]) -> Period | None:
    """Return the period in a stored document; ``None`` if other programs have damaged or added it."""
    with suppress(msgspec.ValidationError, UnicodeError):
        period = msgspec.convert(document, Period)
        if has_load(document) and day_if_own(document) == period.first < period.end and period.end.year in YEARS:
            return period
    return None


def readable_periods(documents: Iterable[Mapping[str, Any]]) -> Iterator[Period]:
    """Yield the periods in stored documents."""
    return (period for document in documents if (period := period_of(document)))


def merge_period(stored: Document | None, new: Document) -> Document | None:
    """Return the document to write, with a note of a changed load or end; ``None`` if the stored one is up to date.

    Of an unchanged period, fields that GRDF leaves out stay.
    """
    if stored is None:
        return new
    same = (stored.get("load"), stored.get("end")) == (new["load"], new["end"])
    merged = {**stored, **{key: value for key, value in new.items() if not same or value not in (None, "")}}
    if period_of(stored) == period_of(merged):
        return None
    change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
    return merged | ({} if same else {"changes": changes_with(stored, change)})


def withdrawn_periods(stored: Iterable[Document], answer: SortedAnswer[Period]) -> list[Document]:
    """Return the stored periods that GRDF has withdrawn: others are on their days.

    A period with a moved start has a new id. Only a complete answer proves a withdrawal, of periods that start on a
    requested day.
    """
    named = {row.first for row in answer.rows}
    return [
        document
        for document in stored
        if answer.is_complete and (period := period_of(document)) and period.first in answer.window
        if period.first not in named and any(row.window.clip(period.first, period.end) for row in answer.rows)
    ]


def disallowed_periods(stored: Iterable[Document], allowed: Sequence[Window]) -> list[Document]:
    """Return the stored periods that an account may not hold; those before its first allowed day are left alone."""
    return [
        document
        for document in stored
        if (first := day_if_own(document)) and allowed and first >= allowed[0].first
        if not is_allowed(period.window if (period := period_of(document)) else Window(first, first + ONE_DAY), allowed)
    ]


def is_allowed(span: Window, allowed: Iterable[Window]) -> bool:
    """Return whether an account may hold all days of a period."""
    return any(span.clip(each.first, each.end) == span for each in allowed)
