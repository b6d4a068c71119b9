"""The documents in CouchDB: the names of their databases, their ids, and the day document.

An id is ``<account>:<pce>:<date>``. Neither account ids nor meters contain a colon, so the ids of one account and meter
are contiguous. Whatever else is stored, the range from one day's id to another's contains exactly that meter's days
between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any, TypeGuard

from include.gas.answers.consumption.daily import MEASURES, Reading
from include.gas.days.gas_day import ONE_DAY, YEARS, parse_day, utc_text
from include.gas.days.windows import Window
from include.gas.documents.doctypes import DAY, MONTH, PUBLISHED, YEAR
from include.gas.errors import ODD_DOCUMENT
from include.gas.redact import excerpt

Document = dict[str, Any]

ACCOUNT_ID = re.compile(r"(?!_)[A-Za-z0-9_-]{1,128}")
"""Matches account ids. They cannot start with ``_``, because CouchDB reserves such ids (``_design``, ``_all_docs``)."""
DAG_PREFIX = "grdf_account__"

CHANGES_KEPT = 10
"""Number of corrections that a day document keeps, newest last: enough to answer "why did my March change?"."""

LARGEST = 10**15
"""kWh or m³. No figure is nearly as large, and floats still tell neighbouring numbers apart."""


def database_name(doctype: str, prefix: str = "") -> str:
    """Return the name of a doctype's database. As in cozy-stack, dots become dashes.

    :param doctype: for example ``com.grandlyon.grdf.day``
    :param prefix: prepended unchanged; may contain a slash
    """
    return prefix + doctype.replace(".", "-")


def check_account_id(account: str) -> str:
    """Check an account id and return it.

    :raises ValueError: if ``account`` is not 1 to 128 letters, digits, ``_`` and ``-``, or starts with ``_``
    """
    if not isinstance(account, str) or not ACCOUNT_ID.fullmatch(account):
        said = "is not an account id; use 1 to 128 letters, digits, '_' and '-', and begin with no '_'"
        raise ValueError(f"{excerpt(repr(account), 60)} {said}")
    return account


def dag_id(account: str) -> str:
    """Return the id of an account's DAG.

    :raises ValueError: if ``account`` is not an account id
    """
    return DAG_PREFIX + check_account_id(account)


def account_of(dag_id: str) -> str | None:
    """Return the id of the account that a DAG belongs to; ``None`` if it is not the DAG of an account."""
    account = dag_id.removeprefix(DAG_PREFIX)
    return account if account != dag_id and ACCOUNT_ID.fullmatch(account) else None


def check_account_dag(dag: str) -> str:
    """Return the id of an account's DAG as it is. It may come from an XCom, which some users may edit.

    :raises ValueError: if it is not the DAG of an account
    """
    return dag_id(account_of(dag) or "")


def day_id(account: str, pce: str, day: date) -> str:
    """Return the id of a day document."""
    return f"{account}:{pce}:{day.isoformat()}"


def day_of_id(day_id: str) -> date:
    """Return the gas day in the id of a day document.

    :param day_id: an id from :func:`day_id`
    :raises ValueError: if the id does not end with a day
    """
    return date.fromisoformat(day_id.rpartition(":")[2])


def month_id(account: str, pce: str, year: int, month: int) -> str:
    """Return the id of a month document."""
    return f"{account}:{pce}:{year:04d}-{month:02d}"


def year_id(account: str, pce: str, year: int) -> str:
    """Return the id of a year document."""
    return f"{account}:{pce}:{year:04d}"


def possible_ids(account: str, pce: str, years: range) -> dict[str, list[str]]:
    """Return all ids that documents of a meter may have in some years, by doctype.

    A published period's id has its first day, which may be any.
    """
    span = Window(date(years.start, 1, 1), date(years.stop, 1, 1))
    days = [day_id(account, pce, day) for day in span.days()]
    return {
        DAY: days,
        PUBLISHED: days,
        MONTH: [month_id(account, pce, year, month) for year in years for month in range(1, 13)],
        YEAR: [year_id(account, pce, year) for year in years],
    }


def id_range(account: str, pce: str, first_day: date, end_day: date) -> tuple[str, str]:
    """Return the range of keys of a meter's day documents.

    :param first_day: first gas day, included
    :param end_day: gas day after the last one, excluded
    :return: ``(startkey, endkey)``, both included, which is CouchDB's default
    :raises ValueError: if ``first_day`` is not before ``end_day``
    """
    if first_day >= end_day:
        raise ValueError(f"a range must start before it ends, not from {first_day} to {end_day}")
    return day_id(account, pce, first_day), day_id(account, pce, end_day - ONE_DAY)


def account_range(account: str, pce: str | None = None) -> tuple[str, str]:
    """Return the range of keys of an account's documents, for any of our databases.

    It is for ``_all_docs``, which compares ids by their bytes. CouchDB's ``_find`` compares them by ICU's rules, by
    which ``;`` comes before ``:``, so this range has nothing in it there (seen on CouchDB 3.5.2).

    :param pce: a meter to restrict the range to; ``None`` for all meters
    :return: ``(startkey, endkey)``; no document has one of these keys as its id
    """
    start = f"{account}:" if pce is None else f"{account}:{pce}:"
    return start, start[:-1] + ";"  # the character after the colon


def day_document(account: str, reading: Reading, pce: str, read_at: datetime | str) -> Document:
    """Return the day document for a reading.

    :param read_at: when ADICT was asked: an aware datetime or its ISO text. A newer reading replaces an older one
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
        **reading.measures,
    }


def day_of(document: Mapping[str, Any]) -> date:
    """Return the gas day of a day document.

    It is in ``year``, ``month`` and ``day``; if one of them is missing, the id is used.
    """
    try:
        return date(int(document["year"]), int(document["month"]), int(document["day"]))
    except KeyError:
        return day_of_id(document["_id"])


def day_if_own(document: Mapping[str, Any], doctype: str = DAY) -> date | None:
    """Return the gas day in the id of a document from the range of a meter's days, or the first one of a total.

    :param doctype: that of the document's database
    :return: ``None`` if it is no id of ours: what other programs have put between our documents is theirs
    """
    rest = {MONTH: "-01", YEAR: "-01-01"}.get(doctype, "")
    with suppress(ValueError):
        day = parse_day(str(document["_id"]).rpartition(":")[2] + rest)
        return day if day.year in YEARS else None
    return None


def is_day(document: Mapping[str, Any]) -> bool:
    """Whether a stored document says how much was used on the day that its id names.

    If others have damaged it, so that it says another day or none, it counts as not stored, see :func:`has_load`.
    """
    with suppress(*ODD_DOCUMENT):
        return has_load(document) and day_if_own(document) == day_of(document)
    return False


def has_load(document: Mapping[str, Any]) -> bool:
    """Whether a stored day says how much was used.

    Others write these documents too. A day whose ``load`` is no finite number counts as not stored: it is in no total,
    and is written again when it is read.
    """
    return is_number(document.get("load"))


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a JSON value is a number that may stand for gas. CouchDB keeps whole numbers of any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def is_stale(stored: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Return whether the stored document is newer than the one that we want to store.

    A stored document without ``read_at`` counts as the oldest. So does one that others gave a ``read_at`` that is no
    moment.

    :param stored: the stored document; ``None`` if there is none
    :param new: the document to store
    """
    with suppress(*ODD_DOCUMENT):
        return stored is not None and utc_text(stored["read_at"]) > utc_text(new["read_at"])
    return False


def merge_day(stored: Document | None, new: Document) -> Document | None:
    """Return the document to write for a gas day. What other programs added stays, a price if it fits the load.

    The day then says what the reading says, and all of it. A changed load is noted in ``changes``.

    A reading that repeats what is stored is not written, so that running again writes nothing. What that costs: a
    slower run that holds an older, different reading at that moment cannot see that it is out of date. The next reading
    of the day corrects this.

    :param stored: the stored document with its ``_rev``; ``None`` if there is none
    :param new: the document made from the reading
    :return: ``None`` if there is nothing to write: the stored document says the same of all that the reading says, or
        is newer. One that others have damaged, see :func:`is_day`, is always written
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
    """Return a document that gets a load, without a price that another program computed for another load.

    Cozy's Ecolyo writes ``price`` on days, months and years that have none, and leaves one that it finds.

    :param stored: the stored day, month or year
    :param load: its load from now on, in kWh
    """
    return {key: value for key, value in stored.items() if key != "price" or stored.get("load") == load}


def unsettled_part(window: Window, stored: Iterable[Mapping[str, Any]]) -> Window | None:
    """Return the part of a window that is worth asking for: the days that are not stored as definitive.

    :param window: the days that can be asked for
    :param stored: the stored day documents of the window
    :return: one window from the first to the last such day, since GRDF is asked once; ``None`` if there is none
    """
    definitive = {
        day_of(document) for document in stored if document.get("status") == "definitive" and is_day(document)
    }
    rest = [day for day in window.days() if day not in definitive]
    return Window(rest[0], rest[-1] + ONE_DAY) if rest else None
