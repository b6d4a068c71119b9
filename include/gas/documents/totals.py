"""Month and year totals: always the exact sum of the stored days, never added to."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from include.gas.documents.gas_days import Document, day_of, month_id, year_id

Number = int | float


def exact_sum(loads: Iterable[Number]) -> Number:
    """Add numbers as they are written, so that 76.712 + 5.5 is 82.212 whatever the order.

    :param loads: kWh
    :return: an int when all are ints; else the float nearest to the exact sum of the shortest decimal spellings
    """
    numbers = list(loads)
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers)
    total = sum((Fraction(repr(number)) for number in numbers), start=Fraction(0))
    return float(total)


def month_documents(account: str, pce: str, days: Iterable[Mapping[str, Any]]) -> dict[str, Document]:
    """Sum stored days by month.

    :param account: account id
    :param pce: the meter
    :param days: stored day documents of that meter, in any order, each at most once
    :return: one document per month that has a day, by id; ``load`` in kWh, ``days`` the number of days summed
    """
    groups: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
    for document in days:
        day = day_of(document)
        groups[day.year, day.month].append(document)
    totals = (
        _total(month_id(account, pce, year, month), account, pce, year, month, group)
        for (year, month), group in sorted(groups.items())
    )
    return {document["_id"]: document for document in totals}


def year_documents(account: str, pce: str, days: Iterable[Mapping[str, Any]]) -> dict[str, Document]:
    """Sum stored days by year.

    :param account: account id
    :param pce: the meter
    :param days: **all** stored day documents of the years concerned, in any order, each at most once
    :return: one document per year that has a day, by id; ``load`` in kWh, ``days`` the number of days summed
    """
    groups: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for document in days:
        groups[day_of(document).year].append(document)
    totals = (
        _total(year_id(account, pce, year), account, pce, year, 1, group) for year, group in sorted(groups.items())
    )
    return {document["_id"]: document for document in totals}


def merge_total(stored: Document | None, new: Document) -> Document | None:
    """Decide what to write for a total.

    :param stored: the stored total with its ``_rev``, or None
    :param new: the total computed from the stored days
    :return: the document to write (other people's keys kept), or None when the stored one already says all of it
    """
    if stored is None:
        return dict(new)
    if all(stored.get(key) == value for key, value in new.items()):
        return None
    return {**stored, **new}


def without_days(stored: Document) -> Document | None:
    """Decide what to write for a total of which no day is stored any more.

    :param stored: the stored total with its ``_rev``
    :return: its removal; or the konnector's figure alone where one is noted on it, as adoption keeps those of periods
        without days. None when it never summed days
    """
    if not stored.get("days"):
        return None
    noted = stored.get("adopted")
    figures = [entry for entry in noted if isinstance(entry, Mapping)] if isinstance(noted, list) else []
    if figures and isinstance(load := figures[-1].get("load"), (int, float)):
        kept = {key: value for key, value in stored.items() if key != "basis"}
        return {**kept, "load": load, "days": 0}
    return {"_id": stored["_id"], "_rev": stored["_rev"], "_deleted": True}


def _total(document_id: str, account: str, pce: str, year: int, month: int, days: list[Mapping[str, Any]]) -> Document:
    return {
        "_id": document_id,
        "account": account,
        "pce": pce,
        "load": exact_sum(document["load"] for document in days),
        "year": year,
        "month": month,
        "day": 1,
        "hour": 0,
        "minute": 0,
        "days": len(days),
        "basis": _basis(days),
    }


def _basis(days: list[Mapping[str, Any]]) -> str:
    # Names the exact revisions that were summed. Equal loads are not enough to call a total current: a day may go from
    # 5 to 6 and back to 5 while a slower run, which saw the 6, is about to write. Had the faster run left the total
    # alone because 5 is what it says, the slower one would replace it by 6 and nobody would notice. As the revision
    # differs, the faster run writes, and the slower one meets a conflict.
    revisions = sorted(f"{document.get('_id', '')}@{document.get('_rev', '')}" for document in days)
    return hashlib.sha256("\n".join(revisions).encode()).hexdigest()[:16]
