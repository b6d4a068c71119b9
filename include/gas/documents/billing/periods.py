"""Published periods as documents. They are compared with the stored gas days, but never replace them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any, TypeVar

from include.gas.answers.consumption.published import Period
from include.gas.answers.consumption.sorting import Answer
from include.gas.days.gas_day import ONE_DAY, YEARS, utc_text
from include.gas.days.windows import Window
from include.gas.documents.gas_days import (
    CHANGES_KEPT,
    Document,
    has_load,
    is_number,
    own_day,
    says_the_same,
)
from include.gas.errors import ODD_DOCUMENT

D = TypeVar("D", bound=Mapping[str, Any])

_COMPARED = ("load", "end", "status", "quality", "coefficient", "reason")


def period_document(account: str, pce: str, period: Period, read_at: datetime | str) -> Document:
    """Return the document for a period.

    Its id contains the first day only, so that a period with a corrected end replaces the former one. Of one with a
    corrected start see :func:`withdrawn`.

    :param read_at: when ADICT was asked: an aware datetime or its ISO text
    """
    return {
        "_id": f"{account}:{pce}:{period.first.isoformat()}",
        "account": account,
        "pce": pce,
        "load": period.load,
        "first": period.first.isoformat(),
        "end": period.end.isoformat(),
        "year": period.first.year,
        "month": period.first.month,
        "day": period.first.day,
        "hour": 0,
        "minute": 0,
        "days": len(period),
        "coefficient": period.coefficient,
        "volume": period.volume,
        "reason": period.reason,
        "status": period.status,
        "quality": period.quality,
        "read_at": utc_text(read_at),
    }


def period_of(document: Mapping[str, Any]) -> Period:
    """Return the period in a document that :func:`period_document` made."""
    coefficient, volume = document.get("coefficient"), document.get("volume")
    return Period(
        date.fromisoformat(document["first"]),
        date.fromisoformat(document["end"]),
        document["load"],
        coefficient if is_number(coefficient) else None,
        volume if is_number(volume) else None,
        document.get("reason", ""),
        document.get("status", "definitive"),
        document.get("quality", "measured"),
    )


def readable_periods(documents: Iterable[Mapping[str, Any]]) -> Iterator[Period]:
    """Yield the periods in stored documents. What others have damaged or put between them is left out.

    :param documents: all documents from the range of a meter's periods
    """
    return (period for period, _ in _readable(documents))


def merge_period(stored: Document | None, new: Document) -> Document | None:
    """Return the document to write for a period.

    A changed load or end is noted.

    :param stored: the stored document with its ``_rev``; ``None`` if there is none
    :param new: the document made from the answer
    :return: ``None`` if the stored document has the same values, and others have not damaged it
    """
    if stored is None:
        return dict(new)
    same = says_the_same(stored, new, _COMPARED) and new["volume"] in (None, stored.get("volume"))
    if same and any(_readable([stored])):
        return None
    merged = {**stored, **new}
    if (stored.get("load"), stored.get("end")) == (new["load"], new["end"]):
        if new["volume"] is None and is_number(stored.get("volume")):
            merged["volume"] = stored["volume"]
    else:
        former = stored.get("changes")
        change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
        merged["changes"] = [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]
    return merged


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
        for period, document in _readable(stored)
        if answer.whole and period.first in answer.window and period.first not in named
        if any(row.first < period.end and period.first < row.end for row in answer.rows)
    ]


def foreign(stored: Iterable[Document], allowed: Sequence[Window]) -> list[Document]:
    """Return the stored periods that an account may not hold: they were read before that was known.

    :param stored: all documents from the range of a meter's periods
    :param allowed: the days that it may hold, in order; periods before the first one are left alone, and all if none is
    """
    found = [(document, first) for document in stored if (first := own_day(document))]
    opens = allowed[0].first if allowed else date.max
    return [each for each, first in found if first >= opens and not is_within(_span(each, first), allowed)]


def is_within(span: Window, allowed: Iterable[Window]) -> bool:
    """Return whether an account may hold all days of a period.

    :param allowed: the days that it may hold, in order and without overlaps
    """
    return any(span.clip(each.first, each.end) == span for each in allowed)


def _readable(documents: Iterable[D]) -> Iterator[tuple[Period, D]]:
    for document in documents:
        with suppress(*ODD_DOCUMENT):
            period = period_of(document)
            if has_load(document) and period.first == own_day(document) and period.end.year in YEARS:
                yield period, document


def _span(document: Document, first: date) -> Window:
    """Return the days of a stored period; only the first one if others have damaged it."""
    ends = (period.end for period, _ in _readable([document]))
    return Window(first, max([first + ONE_DAY, *ends]))
