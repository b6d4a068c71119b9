"""The list of all databases of this project: what a deletion removes from each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ACCOUNT = "io.cozy.accounts"
DAY = "com.grandlyon.grdf.day"
MONTH = "com.grandlyon.grdf.month"
YEAR = "com.grandlyon.grdf.year"
PUBLISHED = "com.grandlyon.grdf.published"
AUDIT = "com.grandlyon.grdf.audit"
CONNECT = "com.grandlyon.grdf.connect"
LEASE = "com.grandlyon.grdf.lease"
CONSENT_RECORD = "com.grandlyon.grdf.consent-record"

Removed = Literal["all documents of the account", "one document of the account", "nothing"]


@dataclass(frozen=True, slots=True)
class Database:
    """The database of a doctype.

    :param doctype: Cozy's name for this kind of document
    :param removed: what the deletion of an account removes
    :param kept: why a deletion keeps the other documents; ``""`` if no other document is about the account
    :param for_readers: whether programs that only need the gas data may be let in. CouchDB then lets them write, too
    :param compares_revisions: whether a write must conflict if its document was purged (`grdf.hooks.revision_check`)
    :param indexes: fields of the Mango indexes that are made with the database; its ids start with the account's id
    """

    doctype: str
    removed: Removed
    kept: str = ""
    for_readers: bool = False
    compares_revisions: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()


DATABASES = (
    Database(
        ACCOUNT,
        removed="one document of the account",
        compares_revisions=True,  # its deletion must not be undone by a task that has read it before
    ),
    Database(
        DAY,
        removed="all documents of the account",
        for_readers=True,
        indexes=(("year", "month", "day"), ("account", "year", "month", "day")),
    ),
    Database(
        MONTH,
        removed="all documents of the account",
        for_readers=True,
        indexes=(("year", "month"), ("account", "year", "month")),
    ),
    Database(
        YEAR,
        removed="all documents of the account",
        for_readers=True,
        indexes=(("year",), ("account", "year")),
    ),
    Database(
        PUBLISHED,
        removed="all documents of the account",
        for_readers=True,
        indexes=(("account", "year", "month", "day"),),
    ),
    Database(
        AUDIT,
        removed="nothing",
        kept="It proves the deletion, and holds no meter number, name or address.",
    ),
    Database(
        CONSENT_RECORD,
        removed="all documents of the account",
        kept="A copy without the account's id stays for `[grdf] consent_record_days`, because GRDF asks for the proof "
        "of a consent afterwards. `grdf_retention` removes it then.",
    ),
    Database(
        CONNECT,
        removed="one document of the account",
        kept="A mark holds a moment and a hash, and nothing about the account.",
    ),
    Database(
        LEASE,
        removed="nothing",
        kept="It holds nothing about any account.",
    ),
)
"""All databases, in the order in which they are created. A deletion removes documents in this order, but the account
document last."""

DOCTYPES = tuple(database.doctype for database in DATABASES)
DATA = tuple(database.doctype for database in DATABASES if database.removed == "all documents of the account")
"""Doctypes of which a deletion removes all documents of the account, in the order of their removal."""
FOR_READERS = tuple(database.doctype for database in DATABASES if database.for_readers)
"""Doctypes that other programs may read, and so may write: in these, documents about an account may have any id."""


def index_name(fields: Sequence[str]) -> str:
    """Return the name of the Mango index on some fields, as Cozy's clients build it."""
    return f"by_{'_and_'.join(fields)}"


def database(doctype: str) -> Database:
    """Return the entry of a doctype in :data:`DATABASES`.

    :raises ValueError: if there is none, so that nobody knows what a deletion must remove
    """
    for each in DATABASES:
        if each.doctype == doctype:
            return each
    raise ValueError(
        f"{doctype} is not in `include.gas.documents.doctypes.DATABASES`: add it, with what a deletion removes"
    )
