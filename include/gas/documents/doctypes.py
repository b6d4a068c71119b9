"""All databases of this project, and what a deletion removes from each."""

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
PRICES = "com.grandlyon.fluidsprices"
CITY = "com.grandlyon.grdf.city"


@dataclass(frozen=True, slots=True)
class Database:
    """The database of a doctype.

    :param for_readers: whether programs that need the gas data may be let in; CouchDB then lets them write, too
    :param compares_revisions: whether a write must conflict if its document was purged (`grdf.hooks.couchdb`)
    :param optional: whether all works without it, as after an update before `./grdf couchdb setup`
    :param indexes: fields of the Mango indexes made with the database; its ids start with the account's
    """

    doctype: str
    of_account: bool = False
    for_readers: bool = False
    compares_revisions: bool = False
    optional: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()


DATABASES = (
    # Removed last. A task that read it before must not bring it back.
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
    # A copy without the account's id stays for `[grdf] consent_record_days`: GRDF asks for proofs afterwards.
    Database(CONSENT_RECORD, of_account=True),
    # Of meters, not accounts: a deletion removes the account's rights.
    Database(METER, compares_revisions=True),
    # A deletion removes the account's link. The mark that stays has a moment and a hash.
    Database(CONNECT),
    Database(LEASE),  # nothing about any account
    Database(PRICES, for_readers=True, optional=True),  # Cozy's, about no account
    # The groups of accounts, and the figures about groups, which name who was counted by tokens. Both in one, so that
    # neither is lost or restored without the other.
    Database(CITY, of_account=True, optional=True),
)
"""In the order of creation, and of removal by a deletion."""

DOCTYPES = tuple(database.doctype for database in DATABASES)
DATA = tuple(database.doctype for database in DATABASES if database.of_account)
REQUIRED = tuple(database.doctype for database in DATABASES if not database.optional)
FOR_READERS = tuple(database.doctype for database in DATABASES if database.for_readers)
"""Doctypes that other programs may read and so write: documents about an account may have any id there."""


def index_name(fields: Sequence[str]) -> str:
    """Return the name of the Mango index on some fields, as Cozy's clients build it."""
    return f"by_{'_and_'.join(fields)}"


def database(doctype: str) -> Database:
    """Return the entry of a doctype; ``ValueError`` if there is none, so that no deletion would empty it."""
    for each in DATABASES:
        if each.doctype == doctype:
            return each
    raise ValueError(
        f"{doctype} is not in `include.gas.documents.doctypes.DATABASES`: add it, with what a deletion removes"
    )
