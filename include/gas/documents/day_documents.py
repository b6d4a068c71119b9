"""Documents in CouchDB. Ids ``<account>:<pce>:<date>`` make a meter's days a contiguous range of keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, TypeGuard

import msgspec

from include.gas.answers.consumption.daily import MEASURES, Reading
from include.gas.days.gas_day import ONE_DAY, YEARS, parse_day, utc_text
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.redact import excerpt

Document = dict[str, Any]


class _DateFields(msgspec.Struct):
    year: Annotated[int, msgspec.Meta(ge=date.min.year, le=date.max.year)]
    month: Annotated[int, msgspec.Meta(ge=1, le=12)] = 1
    day: Annotated[int, msgspec.Meta(ge=1, le=31)] = 1


ACCOUNT_ID = re.compile(r"(?!_)[A-Za-z0-9_-]{1,128}")
"""Not starting with ``_``, which CouchDB reserves (``_design``, ``_all_docs``)."""
DAG_PREFIX = "grdf_account__"

CHANGES_KEPT = 10

LARGEST = 10**15
"""kWh or m³. Floats still tell neighbouring numbers apart."""


def database_name(doctype: str, prefix: str = "") -> str:
    """Return the name of a doctype's database; dots become dashes, as in cozy-stack."""
    return prefix + doctype.replace(".", "-")


def check_account_id(account: str) -> str:
    """Return an account id; ``ValueError`` unless it is 1 to 128 letters, digits, ``_``, ``-``, not first ``_``."""
    if not isinstance(account, str) or not ACCOUNT_ID.fullmatch(account):
        said = "is not an account id; use 1 to 128 letters, digits, '_' and '-', and begin with no '_'"
        raise ValueError(f"{excerpt(repr(account), 60)} {said}")
    return account


def dag_id(account: str) -> str:
    """Return the id of an account's DAG; ``ValueError`` if ``account`` is no account id."""
    return DAG_PREFIX + check_account_id(account)


def account_of(dag_id: str) -> str | None:
    """Return the account of a DAG; ``None`` if it is not an account's."""
    account = dag_id.removeprefix(DAG_PREFIX)
    return account if account != dag_id and ACCOUNT_ID.fullmatch(account) else None


def check_account_dag(dag: str) -> str:
    """Return an account's DAG id, which users can edit in an XCom; ``ValueError`` if it is none."""
    return dag_id(account_of(dag) or "")


def day_id(account: str, pce: str, day: date) -> str:
    """Return the id of a day document."""
    return f"{account}:{pce}:{day.isoformat()}"


def day_of_id(day_id: str) -> date:
    """Return the gas day in an id from :func:`day_id`; ``ValueError`` if there is none."""
    return date.fromisoformat(day_id.rpartition(":")[2])


def month_id(account: str, pce: str, year: int, month: int) -> str:
    """Return the id of a month document."""
    return f"{account}:{pce}:{year:04d}-{month:02d}"


def year_id(account: str, pce: str, year: int) -> str:
    """Return the id of a year document."""
    return f"{account}:{pce}:{year:04d}"


def possible_ids(account: str, pce: str, years: range) -> dict[str, list[str]]:
    """Return all ids that a meter's documents may have in some years, by doctype; a period may start on any day."""
    span = Window(date(years.start, 1, 1), date(years.stop, 1, 1))
    days = [day_id(account, pce, day) for day in span.days()]
    return {
        DAY: days,
        PUBLISHED: days,
        MONTH: [month_id(account, pce, year, month) for year in years for month in range(1, 13)],
        YEAR: [year_id(account, pce, year) for year in years],
    }


def id_range(account: str, pce: str, first_day: date, end_day: date) -> tuple[str, str]:
    """Return the first and last key of a meter's days, for inclusive ranges; ``ValueError`` if there are none."""
    if first_day >= end_day:
        raise ValueError(f"a range must start before it ends, not from {first_day} to {end_day}")
    return day_id(account, pce, first_day), day_id(account, pce, end_day - ONE_DAY)


def account_range(account: str, pce: str | None = None) -> tuple[str, str]:
    """Return an account's keys in ``_all_docs``, bytewise; empty for ``_find``, where ``;`` precedes ``:`` (3.5.2)."""
    start = f"{account}:" if pce is None else f"{account}:{pce}:"
    return start, start[:-1] + ";"  # the character after the colon


def day_document(account: str, reading: Reading, pce: str, read_at: datetime | str) -> Document:
    """Return the day document for a reading; of two, the one with the newer ``read_at`` (ADICT asked) counts."""
    day = reading.day
    return {
        "_id": day_id(account, pce, day),
        "account": account,
        "pce": pce,
        "load": reading.load,
        "year": day.year,
        "month": day.month,
        "day": day.day,
        "hour": 0,
        "minute": 0,
        "status": reading.status,
        "quality": reading.quality,
        "read_at": utc_text(read_at),
        **reading.measures,
    }


def parse_date(fields: Mapping[str, Any], *, strict: bool = True) -> date:
    """Return the day in a document's ``year``, ``month`` and ``day``, the first one of a period without the latter.

    :param strict: whether numbers may not be texts
    :raises ValueError: if they are no day
    """
    found = msgspec.convert(fields, _DateFields, strict=strict)
    return date(found.year, found.month, found.day)


def day_of(document: Mapping[str, Any]) -> date:
    """Return the gas day of a day document, from its fields or else its id; ``ValueError`` if they are no day."""
    if {"year", "month", "day"} <= document.keys():
        return parse_date(document, strict=False)
    return day_of_id(document["_id"])


def day_if_own(document: Mapping[str, Any], doctype: str = DAY) -> date | None:
    """Return the gas day in an id, or the first one of a total; ``None`` for other programs' documents."""
    rest = {MONTH: "-01", YEAR: "-01-01"}.get(doctype, "")
    with suppress(ValueError):
        day = parse_day(str(document["_id"]).rpartition(":")[2] + rest)
        return day if day.year in YEARS else None
    return None


def is_day(document: Mapping[str, Any]) -> bool:
    """Whether a stored document has a load for the day in its id. A damaged one counts as not stored."""
    with suppress(ValueError):
        return has_load(document) and day_if_own(document) == day_of(document)
    return False


def has_load(document: Mapping[str, Any]) -> bool:
    """Whether a stored day has a finite load. One without is in no total, and is written again when read."""
    return is_number(document.get("load"))


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number that may stand for gas. CouchDB keeps integers of any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_stale(stored: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Return whether the stored document is newer. One without a valid ``read_at`` is the oldest."""
    moment = stored.get("read_at") if stored else None
    if isinstance(moment, str):
        with suppress(ValueError, OverflowError):  # the latter at the ends of the calendar
            return utc_text(moment) > utc_text(new["read_at"])
    return False


def merge_day(stored: Document | None, new: Document) -> Document | None:
    """Return the document to write for a gas day; ``None`` if the stored one says the same or is newer.

    Keys of other programs stay, a price only if it fits the load. A changed load is noted in ``changes``. A repeated
    reading is not written, so a slower run with an older reading may win once; the next reading of the day corrects
    that.
    """
    if stored is None:
        return dict(new)
    same = all(stored.get(key) == value for key, value in new.items() if key != "read_at")
    if is_day(stored) and (same or is_stale(stored, new)):
        return None
    merged = {
        key: value for key, value in without_stale_price(stored, new["load"]).items() if key not in MEASURES
    } | new
    if stored.get("load") != new["load"]:
        before = stored.get("load") if has_load(stored) else None
        change = {"at": new["read_at"], "before": before, "after": new["load"], "status": new["status"]}
        merged["changes"] = changes_with(stored, change)
    return merged


def changes_with(stored: Document, change: Document) -> list[Document]:
    """Return the corrections of a stored document with one more; the oldest go."""
    former = stored.get("changes")
    return [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]


def without_stale_price(stored: Document, load: int | float) -> Document:
    """Return a document without a price for another load: Ecolyo computes a missing ``price`` only."""
    return {key: value for key, value in stored.items() if key != "price" or stored.get("load") == load}


def unsettled_part(window: Window, stored: Iterable[Mapping[str, Any]]) -> Window | None:
    """Return one window from the first to the last day that is not stored as definitive."""
    definitive = {
        day_of(document) for document in stored if document.get("status") == "definitive" and is_day(document)
    }
    rest = [day for day in window.days() if day not in definitive]
    return Window(rest[0], rest[-1] + ONE_DAY) if rest else None
