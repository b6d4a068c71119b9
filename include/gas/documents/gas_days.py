"""The documents we keep in CouchDB: their databases, their ids, and the day document.

An id is ``<account>:<pce>:<date>``. Neither account ids nor meters hold a colon, so the ids of one account and meter
are exactly one run of keys: whatever else is stored, a range from one day's id to another's holds that meter's days
between them and no others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from include.gas.answers.daily import Reading
from include.gas.days.clocks import is_ahead
from include.gas.days.gas_day import ONE_DAY, utc_text
from include.gas.days.windows import Window
from include.gas.documents.doctypes import MONTH, YEAR

Document = dict[str, Any]

ACCOUNT_ID = re.compile(r"(?!_)[A-Za-z0-9_-]{1,128}")
"""Not with ``_`` in front: such ids are CouchDB's own (``_design``, ``_all_docs``), and no document can have one."""
DAG_PREFIX = "grdf_account__"

CHANGES_KEPT = 10
"""Corrections of a day that its document remembers, the newest last: enough to answer "why did my March change?"."""

_COMPARED = ("load", "status", "quality")


def database_name(doctype: str, prefix: str = "") -> str:
    """Name the database of a doctype as cozy-stack does: dots become dashes, after a prefix.

    :param doctype: for example ``com.grandlyon.grdf.day``
    :param prefix: put in front as it is; may hold a slash
    """
    return prefix + doctype.replace(".", "-")


def check_account_id(account: str) -> str:
    """Return an account id if it is one.

    :param account: the id to check
    :raises ValueError: if it is not 1 to 128 letters, digits, ``_`` and ``-``, or begins with ``_``
    """
    if isinstance(account, str) and account.startswith("_"):
        raise ValueError(f"{account!r:.60} is not an account id: ids that begin with '_' are CouchDB's own")
    if not isinstance(account, str) or not ACCOUNT_ID.fullmatch(account):
        raise ValueError(f"{account!r:.60} is not an account id; use 1 to 128 letters, digits, '_' and '-'")
    return account


def dag_id(account: str) -> str:
    """Name the DAG of an account.

    :param account: the account's id
    :raises ValueError: if it is no account id
    """
    return DAG_PREFIX + check_account_id(account)


def account_of(dag_id: str) -> str | None:
    """Return the account whose DAG this is, or None when it is not the DAG of an account.

    :param dag_id: the DAG's id
    """
    account = dag_id.removeprefix(DAG_PREFIX)
    return account if account != dag_id and ACCOUNT_ID.fullmatch(account) else None


def day_id(account: str, pce: str, day: date) -> str:
    """Make the id of a day document."""
    return f"{account}:{pce}:{day.isoformat()}"


def day_of_id(day_id: str) -> date:
    """Return the gas day that a day document's id names.

    :param day_id: made by :func:`day_id`
    :raises ValueError: if it names none
    """
    return date.fromisoformat(day_id.rpartition(":")[2])


def month_id(account: str, pce: str, year: int, month: int) -> str:
    """Make the id of a month document."""
    return f"{account}:{pce}:{year:04d}-{month:02d}"


def year_id(account: str, pce: str, year: int) -> str:
    """Make the id of a year document."""
    return f"{account}:{pce}:{year:04d}"


def total_ids(account: str, pce: str, years: Iterable[int]) -> dict[str, list[str]]:
    """Return the ids that totals of a meter have, by doctype.

    :param account: account id
    :param pce: the meter
    :param years: the years
    """
    years = list(years)
    return {
        MONTH: [month_id(account, pce, year, month) for year in years for month in range(1, 13)],
        YEAR: [year_id(account, pce, year) for year in years],
    }


def id_range(account: str, pce: str, first_day: date, end_day: date) -> tuple[str, str]:
    """Return the two keys between which a meter's day documents lie.

    :param account: account id
    :param pce: the meter
    :param first_day: first gas day, included
    :param end_day: gas day after the last one, excluded
    :return: (startkey, endkey), both included, which is how CouchDB reads them unless told otherwise
    :raises ValueError: if it would hold no day
    """
    if first_day >= end_day:
        raise ValueError(f"a range must start before it ends, not from {first_day} to {end_day}")
    return day_id(account, pce, first_day), day_id(account, pce, end_day - ONE_DAY)


def account_range(account: str, pce: str | None = None) -> tuple[str, str]:
    """Return the two keys between which all documents of an account lie, in any of our databases.

    :param account: account id
    :param pce: one meter only; None is all of them
    :return: (startkey, endkey). No document bears either key itself
    """
    start = f"{account}:" if pce is None else f"{account}:{pce}:"
    return start, start[:-1] + ";"  # the character after the colon


def day_document(account: str, reading: Reading, pce: str, read_at: datetime | str) -> Document:
    """Write a reading as the document of its gas day.

    :param account: account id
    :param reading: what ADICT said
    :param pce: the meter
    :param read_at: when ADICT said it: an aware datetime or its ISO text. Newer readings win
    """
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
    }


def day_of(document: Mapping[str, Any]) -> date:
    """Return the gas day of a day document.

    :param document: the document; its ``year``, ``month`` and ``day`` are read, or its id where they are missing
    """
    try:
        return date(int(document["year"]), int(document["month"]), int(document["day"]))
    except KeyError:
        return day_of_id(document["_id"])


def is_stale(stored: Mapping[str, Any] | None, new: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Return whether what is stored was read from ADICT later than what we hold.

    :param stored: the stored day document, or None. One without ``read_at`` counts as the oldest, and so does one that
        a clock which was ahead has written: a correction must not wait until that clock is right
    :param new: the day document to store
    :param now: the present, aware; None asks the clock
    """
    if stored is None or not stored.get("read_at") or _is_ahead(stored, now):
        return False
    return utc_text(stored["read_at"]) > utc_text(new["read_at"])


def says_the_same(
    stored: Mapping[str, Any], new: Mapping[str, Any], keys: Iterable[str], now: datetime | None = None
) -> bool:
    """Return whether a stored document needs no writing: it says the same, and when it was read can be believed.

    :param stored: the stored document
    :param new: the document to store
    :param keys: what is compared
    :param now: the present, aware; None asks the clock
    """
    return not _is_ahead(stored, now) and all(stored.get(key) == new[key] for key in keys)


def _is_ahead(stored: Mapping[str, Any], now: datetime | None) -> bool:
    read_at = stored.get("read_at")
    return bool(read_at) and is_ahead(str(read_at), now or datetime.now(UTC))


def merge_day(stored: Document | None, new: Document, now: datetime | None = None) -> Document | None:
    """Decide what to write for a gas day.

    A reading that only repeats what is stored leaves no trace, so that running again writes nothing. The price: a
    slower run that holds an older and different reading at that very moment cannot know that it was overtaken. The
    next reading of that day puts it right.

    :param stored: the stored document with its ``_rev``, or None
    :param new: the document made from the reading
    :param now: the present, aware; None asks the clock
    :return: the document to write, other people's keys kept and the correction noted under ``changes``; or None when
        there is nothing to write: the same load, status and quality, or a stored one that was read later
    """
    if stored is None:
        return dict(new)
    if is_stale(stored, new, now) or says_the_same(stored, new, _COMPARED, now):
        return None
    merged = {**stored, **new}
    if stored.get("load") != new["load"]:
        change = {
            "at": new["read_at"],
            "before": stored.get("load"),
            "after": new["load"],
            "status": new["status"],
        }
        former = stored.get("changes")
        merged["changes"] = [*(former if isinstance(former, list) else []), change][-CHANGES_KEPT:]
    return merged


def open_days(window: Window, stored: Iterable[Mapping[str, Any]]) -> Window | None:
    """Narrow a window to the days that may still bring something: those not stored as definitive.

    :param window: the days that can be asked
    :param stored: the stored day documents of the window
    :return: from the first to the last such day, in one window as GRDF is asked once; None when there is none
    """
    definitive = {day_of(document) for document in stored if document.get("status") == "definitive"}
    rest = [day for day in window.days() if day not in definitive]
    return Window(rest[0], rest[-1] + ONE_DAY) if rest else None
