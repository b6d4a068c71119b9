"""The list of all databases of this project: what a deletion removes from each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ACCOUNT = "io.cozy.accounts"
DAY = "com.grandlyon.grdf.day"
MONTH = "com.grandlyon.grdf.month"
YEAR = "com.grandlyon.grdf.year"
PUBLISHED = "com.grandlyon.grdf.published"
AUDIT = "com.grandlyon.grdf.audit"
CONNECT = "com.grandlyon.grdf.connect"
LEASE = "com.grandlyon.grdf.lease"
CONSENT_RECORD = "com.grandlyon.grdf.consent-record"
METER = "com.grandlyon.grdf.meter"


@dataclass(frozen=True, slots=True)
class Database:
    """The database of a doctype.

    :param doctype: Cozy's name for this kind of document
    :param of_account: whether it holds documents of accounts, all of which an account's deletion removes
    :param for_readers: whether programs that only need the gas data may be let in. CouchDB then lets them write, too
    :param compares_revisions: whether a write must conflict if its document was purged (`grdf.hooks.couchdb`)
    :param indexes: fields of the Mango indexes that are made with the database; its ids start with the account's id
    """

    doctype: str
    of_account: bool = False
    for_readers: bool = False
    compares_revisions: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()


DATABASES = (
    # A deletion removes the account's own document last. A task that has read it before must not undo that.
    Database(ACCOUNT, compares_revisions=True),
    Database(
        DAY,
        of_account=True,
        for_readers=True,
        indexes=(("year", "month", "day"), ("account", "year", "month", "day")),
    ),
    Database(MONTH, of_account=True, for_readers=True, indexes=(("year", "month"), ("account", "year", "month"))),
    Database(YEAR, of_account=True, for_readers=True, indexes=(("year",), ("account", "year"))),
    Database(PUBLISHED, of_account=True, for_readers=True, indexes=(("account", "year", "month", "day"),)),
    Database(AUDIT),  # it proves the deletion, and holds no meter number, name or address
    # A copy without the account's id stays for `[grdf] consent_record_days`, because GRDF asks for the proof of a
    # consent afterwards. `grdf_retention` removes it then.
    Database(CONSENT_RECORD, of_account=True),
    # Its documents are of meters, not of accounts: a deletion takes the account's rights out of them.
    Database(METER, compares_revisions=True),
    # A deletion removes the account's link. A mark that stays holds a moment and a hash, and nothing about the account.
    Database(CONNECT),
    Database(LEASE),  # it holds nothing about any account
)
"""All databases, in the order in which they are created. A deletion removes documents in this order."""

DOCTYPES = tuple(database.doctype for database in DATABASES)
DATA = tuple(database.doctype for database in DATABASES if database.of_account)
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
