"""Published periods as documents: kept beside the gas days and compared with them, never put in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from include.gas.answers.published import Period
from include.gas.days.gas_day import utc_text
from include.gas.documents.gas_days import CHANGES_KEPT, Document, is_stale, says_the_same

_COMPARED = ("load", "end", "status", "quality", "coefficient", "reason")


def period_document(account: str, pce: str, period: Period, read_at: datetime | str) -> Document:
    """Write a period as its document. Its id names its first day, so that a corrected end replaces the former one.

    :param account: account id
    :param pce: the meter
    :param period: what ADICT said
    :param read_at: when ADICT said it: an aware datetime or its ISO text
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
    """Return the period of a stored document.

    :param document: made by :func:`period_document`
    """
    return Period(
        date.fromisoformat(document["first"]),
        date.fromisoformat(document["end"]),
        document["load"],
        document.get("coefficient"),
        document.get("volume"),
        document.get("reason", ""),
        document.get("status", "definitive"),
        document.get("quality", "measured"),
    )


def merge_period(stored: Document | None, new: Document, now: datetime | None = None) -> Document | None:
    """Decide what to write for a period: as for a gas day, newer readings win and a changed load is noted.

    :param stored: the stored document with its ``_rev``, or None
    :param new: the document made from the answer
    :param now: the present, aware; None asks the clock
    :return: the document to write, or None when the stored one says so already or was read later
    """
    if stored is None:
        return dict(new)
    if is_stale(stored, new, now) or says_the_same(stored, new, _COMPARED, now):
        return None
    merged = {**stored, **new}
    if (stored.get("load"), stored.get("end")) != (new["load"], new["end"]):
        former = stored.get("changes")
        change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
        merged["changes"] = [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]
    return merged


def newest_period(documents: Iterable[Mapping[str, Any]]) -> Period | None:
    """Return the stored period that starts last, or None.

    :param documents: stored documents of one meter
    """
    return max((period_of(document) for document in documents), key=lambda period: period.first, default=None)
