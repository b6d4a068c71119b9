"""Published periods as documents. They are compared with the stored gas days, but never replace them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
    is_stale,
    own_day,
    says_the_same,
)
from include.gas.errors import ODD_DOCUMENT

D = TypeVar("D", bound=Mapping[str, Any])

GAPS_NAMED = 5
"""Number of missing stretches that a message names, the newest ones."""
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

    As for gas days, a newer reading replaces an older one, and a changed load is noted. A changed end is noted too.

    :param stored: the stored document with its ``_rev``; ``None`` if there is none
    :param new: the document made from the answer
    :return: ``None`` if the stored document has the same values or is newer, and others have not damaged it
    """
    if stored is None:
        return dict(new)
    same = says_the_same(stored, new, _COMPARED) and new["volume"] in (None, stored.get("volume"))
    if any(_readable([stored])) and (is_stale(stored, new) or same):
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


def withdrawn(stored: Iterable[Document], answer: Answer[Period], read_at: datetime | str) -> list[Document]:
    """Return the stored periods that GRDF has withdrawn: it names others on their days, and not them.

    When GRDF moves the start of a period, the new version has another id. Only a whole answer tells that, and only of
    periods that start on a day that was asked for: from one that was cut short any line may be missing.

    :param stored: all documents from the range of a meter's periods
    :param answer: what GRDF says of the meter now
    :param read_at: when ADICT was asked
    """
    if not answer.whole:
        return []
    named = {row.first for row in answer.rows}
    asked = {"read_at": utc_text(read_at)}
    return [
        document
        for period, document in _readable(stored)
        if period.first in answer.window and period.first not in named and not is_stale(document, asked)
        if any(row.first < period.end and period.first < row.end for row in answer.rows)
        if not any(period.first <= day < period.end for day in answer.absent)
    ]


def foreign(stored: Iterable[Document], holds: Callable[[Window], bool], opens: date) -> list[Document]:
    """Return the stored periods that an account may not hold: they were read before that was known.

    :param stored: all documents from the range of a meter's periods
    :param holds: says whether the account may hold all days of a window
    :param opens: first gas day that it may hold; older periods are left alone
    """
    found = ((document, first) for document in stored if (first := own_day(document)) and first >= opens)
    return [document for document, first in found if not holds(_span(document, first))]


def newest_period(documents: Iterable[Mapping[str, Any]]) -> Period | None:
    """Return the stored period that starts last; ``None`` if there is none.

    :param documents: stored periods of one meter
    """
    return max(readable_periods(documents), key=lambda period: period.first, default=None)


def missing_in_words(documents: Iterable[Mapping[str, Any]], covered: Iterable[Window]) -> str:
    """Return a message about the days between stored periods that are in none of them; ``""`` if there are none.

    That none is older than the first one is no news: most rights begin in the middle of a period.

    :param documents: all stored periods of a meter
    :param covered: the days that GRDF was asked for
    """
    missing: list[Window] = []
    end = date.max
    for period in sorted(readable_periods(documents), key=lambda period: period.first):
        if between := Window.of(end, period.first):
            missing += [part for each in covered if (part := between.clip(each.first, each.end))]
        end = period.end if end == date.max else max(end, period.end)
    named = ", ".join(map(str, missing[-GAPS_NAMED:]))
    return f"No billing period is stored for {named}. GRDF is asked again each month." if missing else ""


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
