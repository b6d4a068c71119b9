"""Published periods as documents. They are compared with the stored gas days, but never replace them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
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

    Its id contains the first day only, so that a period with a corrected end replaces the former one. Of one with a
    corrected start see :func:`readable_periods`.

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
        **({"asked_from": period.asked_from.isoformat()} if period.asked_from else {}),
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
        _day_in(document.get("asked_from")),
    )


def _day_in(value: object) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(value) if isinstance(value, str) else None
    return None


def readable_periods(documents: Iterable[Mapping[str, Any]]) -> Iterator[Period]:
    """Yield the periods in stored documents, without those that GRDF has withdrawn.

    What others have damaged or put between them is left out, too.

    :param documents: all documents from the range of a meter's periods
    """
    found = list(_readable(documents))
    gone = {document["_id"] for document in _withdrawn(found)}
    return (period for period, document in found if document["_id"] not in gone)


def named_again(stored: Iterable[Mapping[str, Any]], fresh: Collection[Document]) -> set[str]:
    """Return the ids of periods to be written again, whatever they say, because their own reading is too old to count.

    A stored period on their days, which GRDF names no more, was read as late as they were or later.

    :param stored: all documents from the range of a meter's periods
    :param fresh: the documents made from GRDF's answer
    """
    found = list(_readable(stored))
    names = {document["_id"] for document in fresh}
    read = {document["_id"]: _read_at(document) for _, document in found}
    others = [(period, read[document["_id"]]) for period, document in found if document["_id"] not in names]
    again = set[str]()
    for document in fresh:
        period = period_of(document)
        if (asked := period.asked_from) and document["_id"] in read:
            rivals = [at for other, at in others if asked <= other.first < period.end and period.first < other.end]
            if rivals and max(rivals) >= read[document["_id"]]:
                again.add(document["_id"])
    return again


def _readable(documents: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Period, Mapping[str, Any]]]:
    for document in documents:
        with suppress(*ODD_DOCUMENT):
            period = period_of(document)
            if has_load(document) and period.first == own_day(document) and period.end.year in YEARS:
                yield period, document


def _withdrawn(found: list[tuple[Period, Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """Return the documents of periods that GRDF has withdrawn.

    When GRDF moves the start of a period, the new version has another id, and the former one stays beside it. So a
    period counts no more when a later answer names another one on its days and does not name it. Only a whole answer
    tells that, and only of periods that start on a day that was asked for: from one that was cut short any line may be
    missing. The document stays: if the other one turns out to be the next household's and is removed, it counts again.
    """
    gone: dict[str, Mapping[str, Any]] = {}
    before: list[tuple[Period, Mapping[str, Any]]] = []
    for each in sorted(found, key=lambda pair: pair[0].first):
        before = [other for other in before if other[0].end > each[0].first]  # those that share days with this one
        for other in before:
            for (new, said), (old, former) in ((each, other), (other, each)):
                asked = new.asked_from is not None and new.asked_from <= old.first
                if asked and _read_at(said) > _read_at(former):
                    gone[former["_id"]] = former
        before.append(each)
    return list(gone.values())


def _read_at(document: Mapping[str, Any]) -> str:
    """Return when a document was read, UTC. One that says no moment counts as the oldest."""
    with suppress(*ODD_DOCUMENT):
        return utc_text(document["read_at"])
    return ""


def merge_period(stored: Document | None, new: Document, *, again: bool = False) -> Document | None:
    """Return the document to write for a period.

    As for gas days, a newer reading replaces an older one, and a changed load is noted. A changed end is noted too.

    :param stored: the stored document with its ``_rev``; ``None`` if there is none
    :param new: the document made from the answer
    :param again: whether to write it also if it says the same, for the moment of its reading, see :func:`named_again`
    :return: ``None`` if the stored document has the same values or is newer, and others have not damaged it
    """
    if stored is None:
        return dict(new)
    readable = any(_readable([stored]))
    if readable:
        if is_stale(stored, new):
            return None
        if says_the_same(stored, new, _COMPARED) and not (again or _says_more(new, stored)):
            return None
    merged = {key: value for key, value in stored.items() if key not in ("asked_from", LOAD_READ)} | new
    if (stored.get("load"), stored.get("end")) == (new["load"], new["end"]):
        merged |= first_read(stored, new) if readable else {}
        if new["volume"] is None and is_number(stored.get("volume")):
            merged["volume"] = stored["volume"]
    else:
        former = stored.get("changes")
        change = {"at": new["read_at"], "before": stored.get("load"), "after": new["load"], "end": stored.get("end")}
        merged["changes"] = [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]
    return merged


def is_read_since(document: Mapping[str, Any], since: str) -> bool:
    """Whether a stored period was read at or after a moment, and not only confirmed then with the same load and end.

    :param document: a document from the range of a meter's periods
    """
    if not own_day(document):
        return False
    return load_was_read_since(document, since) if any(_readable([document])) else was_read_since(document, since)


def _says_more(new: Document, stored: Document) -> bool:
    """Whether a period with the same figures has a volume now, or comes from a whole answer about more days."""
    asked, before = new.get("asked_from"), _day_in(stored.get("asked_from"))
    return new["volume"] not in (None, stored.get("volume")) or bool(
        asked and (before is None or asked < before.isoformat())
    )


def newest_period(documents: Iterable[Mapping[str, Any]]) -> Period | None:
    """Return the stored period that starts last; ``None`` if there is none.

    :param documents: stored periods of one meter
    """
    return max(readable_periods(documents), key=lambda period: period.first, default=None)
