"""Published periods as documents. They are compared with the stored gas days, but never replace them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.gas_day import ONE_DAY, YEARS, utc_text
from include.gas.days.windows import Window
from include.gas.documents.gas_days import Document, changes_with, day_id, has_load, own_day


def period_document(account: str, pce: str, period: Period, read_at: datetime | str) -> Document:
    """Return the document for a period.

    Its id contains the first day only, so that a period with a corrected end replaces the former one. Of one with a
    corrected start see :func:`withdrawn`.

    :param read_at: when ADICT was asked: an aware datetime or its ISO text
    """
    first = period.first
    return {
        "_id": day_id(account, pce, first),
        "account": account,
        "pce": pce,
        **msgspec.to_builtins(period),
        "year": first.year,
        "month": first.month,
        "day": first.day,
        "hour": 0,
        "minute": 0,
        "days": len(period),
        "read_at": utc_text(read_at),
    }


def period_of(document: Mapping[str, Any]) -> Period | None:
    """Return the period in a stored document; ``None`` if others have damaged it, or have put it between them."""
    with suppress(msgspec.ValidationError, UnicodeError):
        period = msgspec.convert(document, Period)
        if has_load(document) and own_day(document) == period.first < period.end and period.end.year in YEARS:
            return period
    return None


def readable_periods(documents: Iterable[Mapping[str, Any]]) -> Iterator[Period]:
    """Yield the periods in stored documents.

    :param documents: all documents from the range of a meter's periods
    """
    return (period for document in documents if (period := period_of(document)))


def merge_period(stored: Document | None, new: Document) -> Document | None:
    """Return the document to write for a period, with a note of a changed load or end.

    :param stored: the stored document with its ``_rev``; ``None`` if there is none
    :param new: the document made from the answer
    :return: ``None`` if the stored document says the same
    """
    if stored is None:
        return new
    if period_of(stored) == period_of(new):
        return None
    change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
    same = (stored.get("load"), stored.get("end")) == (new["load"], new["end"])
    return {**stored, **new} | ({} if same else {"changes": changes_with(stored, change)})


def withdrawn(stored: Iterable[Document], answer: Answer[Period]) -> list[Document]:
    """Return the stored periods that GRDF has withdrawn: it names others on their days, and not them.

    When GRDF moves the start of a period, the new version has another id. Only a whole answer tells that, and only of
    periods that start on a day that was asked for: from one that was cut short any line may be missing.

    :param stored: all documents from the range of a meter's periods
    :param answer: what GRDF says of the meter now
    """
    named = {row.first for row in answer.rows}
    return [
        document
        for document in stored
        if answer.whole and (period := period_of(document)) and period.first in answer.window
        if period.first not in named and any(row.window.clip(period.first, period.end) for row in answer.rows)
    ]


def foreign(stored: Iterable[Document], allowed: Sequence[Window]) -> list[Document]:
    """Return the stored periods that an account may not hold: they were read before that was known.

    :param stored: all documents from the range of a meter's periods
    :param allowed: the days that it may hold, in order; periods before the first one are left alone, and all if none is
    """
    return [
        document
        for document in stored
        if (first := own_day(document)) and allowed and first >= allowed[0].first
        if not is_within(period.window if (period := period_of(document)) else Window(first, first + ONE_DAY), allowed)
    ]


def is_within(span: Window, allowed: Iterable[Window]) -> bool:
    """Return whether an account may hold all days of a period.

    :param allowed: the days that it may hold, in order and without overlaps
    """
    return any(span.clip(each.first, each.end) == span for each in allowed)
