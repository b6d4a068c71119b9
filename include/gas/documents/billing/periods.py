"""Published periods as documents. They are compared with the stored gas days, but never replace them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from include.gas.answers.consumption.published import Period
from include.gas.days.gas_day import YEARS, utc_text
from include.gas.documents.gas_days import (
    CHANGES_KEPT,
    LOAD_READ,
    Document,
    first_read,
    has_load,
    is_number,
    is_stale,
    load_was_read_since,
    own_day,
    says_the_same,
    was_read_since,
)
from include.gas.errors import ODD_DOCUMENT

_COMPARED = ("load", "end", "status", "quality", "coefficient", "reason")


def period_document(account: str, pce: str, period: Period, read_at: datetime | str) -> Document:
    """Return the document for a period.

    Its id contains the first day only, so that a period with a corrected end replaces the former one.

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
    """Yield the periods in stored documents, without what others have damaged or put between them.

    :param documents: all documents from the range of a meter's periods
    """
    for document in documents:
        with suppress(*ODD_DOCUMENT):
            period = period_of(document)
            if has_load(document) and period.first == own_day(document) and period.end.year in YEARS:
                yield period


def merge_period(stored: Document | None, new: Document, now: datetime | None = None) -> Document | None:
    """Return the document to write for a period.

    As for gas days, a newer reading replaces an older one, and a changed load is noted. A changed end is noted too.

    :param stored: the stored document with its ``_rev``; ``None`` if there is none
    :param new: the document made from the answer
    :param now: an aware datetime; ``None`` for the current time
    :return: ``None`` if the stored document has the same values or is newer, and others have not damaged it
    """
    if stored is None:
        return dict(new)
    readable = any(readable_periods([stored]))
    if readable and (is_stale(stored, new, now) or says_the_same(stored, new, _COMPARED, now)):
        return None
    merged = {**{key: value for key, value in stored.items() if key != LOAD_READ}, **new}
    if (stored.get("load"), stored.get("end")) == (new["load"], new["end"]):
        merged |= first_read(stored, new, now) if readable else {}
    else:
        former = stored.get("changes")
        change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
        merged["changes"] = [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]
    return merged


def is_read_since(document: Mapping[str, Any], since: str) -> bool:
    """Whether a stored period was read at or after a moment, and not only confirmed then with the same load and end.

    :param document: a document from the range of a meter's periods
    :param since: the moment, UTC text
    """
    if not own_day(document):
        return False
    return (
        load_was_read_since(document, since) if any(readable_periods([document])) else was_read_since(document, since)
    )


def newest_period(documents: Iterable[Mapping[str, Any]]) -> Period | None:
    """Return the stored period that starts last; ``None`` if there is none.

    :param documents: stored periods of one meter
    """
    return max(readable_periods(documents), key=lambda period: period.first, default=None)
